import { isOfGrants } from './comparable-entries.ts';
import type { Difference } from './differences.ts';
import { reconcileGrants } from './grant-statements.ts';
import { createStatement, dropStatement, replaceStatements } from './object-statements.ts';
import { tableStatements } from './table-statements.ts';

/** Something to do about a difference. */
export interface Task {
  readonly object: string;
  readonly type: string;
  /** Each of them does it, the gentlest first; a way happens whole or not at all. */
  readonly ways: readonly (readonly string[])[];
}

/** With one of these, what belongs to it goes as well. */
const containers = new Set(['TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW']);

const comesFirst = ({ wanted }: Difference) => wanted?.type === 'EXTENSION' || wanted?.type === 'SCHEMA';
const goesFirst = ({ is }: Difference) => containers.has(is?.type ?? '');
const goesLast = ({ is }: Difference) => is?.type === 'EXTENSION' || is?.type === 'SCHEMA';

/**
 * What could be done about what is too much (backwards) and about what is different, and before it about what both may
 * need. Nothing here knows what depends on what; whoever runs it tries again.
 */
export function changes(differences: readonly Difference[]): readonly Task[] {
  const superfluous = differences.filter(({ wanted }) => wanted === null).toReversed();
  return tasksFor([
    ...differences.filter(({ is }) => is === null).filter(comesFirst),
    ...superfluous.filter(goesFirst),
    ...superfluous.filter((each) => !goesFirst(each) && !goesLast(each)),
    ...differences.filter(({ is, wanted }) => is !== null && wanted !== null),
    ...superfluous.filter(goesLast),
  ]);
}

/** What makes what is missing, in pg_dump's order. */
export function additions(differences: readonly Difference[]): readonly Task[] {
  return tasksFor(differences.filter((each) => each.is === null && !comesFirst(each)));
}

function tasksFor(differences: readonly Difference[]): readonly Task[] {
  return differences.flatMap(tasksOf).filter(({ ways }) => ways.length > 0);
}

function tasksOf({ object, is, wanted }: Difference): readonly Task[] {
  const entry = wanted ?? is;
  if (entry === null) return [];
  const task = (ways: Task['ways']): Task => ({ object, type: entry.type, ways });
  if (isOfGrants(entry)) {
    const { statements } = reconcileGrants(is?.body ?? '', wanted?.body ?? '');
    return statements.length === 0 ? [] : [task([statements])];
  }
  if (is === null) return wanted === null ? [] : [task([[createStatement(wanted)]])];
  if (wanted === null) {
    const statement = dropStatement(is);
    return statement === null ? [] : [task([[statement]])];
  }
  if (entry.type === 'TABLE') {
    return tableStatements(is.body, wanted.body).map((ways) => task(ways.map((way) => [way])));
  }
  return [task(replaceStatements(is, wanted))];
}
