import type { ScriptDescription } from '../../lint/statements.ts';
import type { Evidence } from './evidence.ts';

/** What a script that failed lets hope for, and what it needs for that. Preflight asks the same of one that has not run yet. */
export function wayOfScript(
  script: ScriptDescription | null,
  known: Pick<Evidence, 'eventTriggers' | 'execution'> & { readonly wasRefused: boolean },
):
  | { readonly way: 'history'; readonly because: string }
  | { readonly way: 'measure-execution' }
  | { readonly way: 'no'; readonly because: string } {
  const no = (because: string) => ({ way: 'no', because }) as const;
  const history = (because: string) => ({ way: 'history', because }) as const;
  if (script === null || !script.parsed) {
    return no('the failing script cannot be read by the SQL parser, so it may have changed data');
  }
  const { statements } = script;
  if (!known.eventTriggers && statements.every((statement) => !statement.mayChangeData)) {
    return history('the failing script holds no statement that can change data');
  }
  if (!known.wasRefused) {
    return no(
      'the database did not say that the failing script failed: it was cut off and may have run to its end',
    );
  }
  const breaker = statements.find((statement) => statement.breaksAtomicity);
  if (breaker !== undefined) {
    return no(
      `the statement in line ${breaker.line} of the failing script is not undone by a rolled-back transaction`,
    );
  }
  if (statements.length === 1) {
    return history('the failing script is one statement, which PostgreSQL undid as a whole');
  }
  switch (known.execution) {
    case 'not-measured':
      return { way: 'measure-execution' };
    case 'not-measurable':
      return no('how Prisma sends a script could not be measured');
    case 'one-query':
      return history(
        'this Prisma sends a script as one query (measured in this run), which PostgreSQL undid as a whole',
      );
    case 'by-statement':
      return no('this Prisma sends a script statement by statement, so its first part may have stayed');
  }
}
