import { identifier, literal } from '../../database/sql-text.ts';
import type { NextStep } from '../../report/report.ts';

export interface Names {
  readonly target: string;
  readonly fallback: string;
  readonly failed: string;
  /** Comment that the target has of its own; null when it has none. */
  readonly comment: string | null;
  /** Comment by which later runs know the failed database. */
  readonly failedMark: string;
  /** Commands that make the copy first, where there is none yet; empty otherwise. */
  readonly restore: readonly string[];
  /** Whether there is a copy of the state before. */
  readonly hasCopy: boolean;
  readonly closedJournal: ClosedJournal;
}

/** Database and comment that say that nothing is open. */
interface ClosedJournal {
  readonly database: string;
  readonly comment: string;
}

/**
 * The two ways to finish a run that stopped between them: back to the backup, or on with what is there.
 * Each is one paste for a shell whose PG* variables reach the server as the target's owner; the session sits in
 * `postgres`, because nobody can rename the database that he is connected to. Both close the journal, so that the next
 * run begins afresh.
 */
export function finishByHand(names: Names): readonly NextStep[] {
  const target = identifier(names.target);
  const fallback = identifier(names.fallback);
  const failed = identifier(names.failed);
  const comment = names.comment === null ? 'NULL' : literal(names.comment);
  return [
    {
      text: `Go back to the backup: ${names.fallback} becomes ${names.target}, and what is there now is kept as ${names.failed}. Stop the application first, or its sessions are in the way.`,
      commands: [
        ...names.restore,
        pasted([
          // Not the workers without a user: an ordinary role may not end autovacuum, and it gives way by itself.
          `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = ${literal(names.target)} AND usesysid IS NOT NULL;`,
          'BEGIN;',
          `ALTER DATABASE ${target} RENAME TO ${failed};`,
          `ALTER DATABASE ${fallback} RENAME TO ${target};`,
          `ALTER DATABASE ${failed} ALLOW_CONNECTIONS false;`,
          `COMMENT ON DATABASE ${failed} IS ${literal(names.failedMark)};`,
          `COMMENT ON DATABASE ${target} IS ${comment};`,
          `ALTER DATABASE ${target} ALLOW_CONNECTIONS true;`,
          closing(names.closedJournal),
          'COMMIT;',
        ]),
      ],
    },
    {
      text: `Or keep ${names.target} as it is now, repair it by a new migration (prisma migrate resolve marks the failed one), and drop the copy of the state before if there is one.`,
      // The journal first: once it is closed, the next run clears the copy away if this one does not get so far.
      commands: [
        pasted([closing(names.closedJournal), ...(names.hasCopy ? [`DROP DATABASE ${fallback};`] : [])]),
      ],
    },
  ];
}

/** For a run whose swap is done, but not seen to be right. */
export function closeByHand(
  names: { readonly target: string /** null: there was no target before. */; readonly failed: string | null },
  closedJournal: ClosedJournal,
): NextStep {
  const kept = names.failed === null ? '' : `, and what was there before is kept as ${names.failed}`;
  return {
    text: `${names.target} is the restored backup now${kept}; nothing has to be swapped any more. Look at what the problem above names, then close the journal, or the next run will refuse.`,
    commands: [pasted([closing(closedJournal)])],
  };
}

export function closing({ database, comment }: ClosedJournal): string {
  return `COMMENT ON DATABASE ${identifier(database)} IS ${literal(comment)};`;
}

/**
 * As a here-document, whose end no name or comment in it may be: whoever can write a comment on the database would
 * otherwise write the rest of what is pasted into a shell.
 */
export function pasted(statements: readonly string[]): string {
  const lines = new Set(statements.flatMap((statement) => statement.split('\n')));
  let end = 'SQL';
  while (lines.has(end)) end += '_';
  return [`psql --dbname=postgres --set=ON_ERROR_STOP=1 <<'${end}'`, ...statements, end].join('\n');
}
