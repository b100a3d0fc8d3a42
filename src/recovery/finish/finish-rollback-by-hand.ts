import { identifier, literal } from '../../database/sql-text.ts';
import type { NextStep } from '../../report/report.ts';
import { closing, finishByHand, type Names, pasted } from './finish-by-hand.ts';

/** The two ways to finish a rollback whose copy is restored and compared and has not taken the target's name. */
export function finishRollbackByHand(
  names: Names & { readonly targetIsMissing: boolean },
): readonly NextStep[] {
  const fallback = identifier(names.fallback);
  const [exchange] = names.targetIsMissing ? [takeName(names)] : finishByHand(names);
  return [
    ...(exchange === undefined ? [] : [exchange]),
    {
      text: `Or leave ${names.target} as it is, and drop the restored backup.`,
      // The journal first: once it is closed, the next run clears the copy away if this one does not get so far.
      commands: [
        pasted([closing(names.closedJournal), ...(names.hasCopy ? [`DROP DATABASE ${fallback};`] : [])]),
      ],
    },
  ];
}

function takeName(names: Names): NextStep {
  const target = identifier(names.target);
  return {
    text: `Go back to the backup: ${names.fallback} becomes ${names.target}, which is not there.`,
    commands: [
      ...names.restore,
      pasted([
        'BEGIN;',
        `ALTER DATABASE ${identifier(names.fallback)} RENAME TO ${target};`,
        `COMMENT ON DATABASE ${target} IS ${names.comment === null ? 'NULL' : literal(names.comment)};`,
        `ALTER DATABASE ${target} ALLOW_CONNECTIONS true;`,
        closing(names.closedJournal),
        'COMMIT;',
      ]),
    ],
  };
}
