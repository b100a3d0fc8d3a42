import { destructiveStatements } from '../../lint/destructive.ts';
import type { CheckPart, Finding, PendingMigration } from '../../report/check-report.ts';
import { countOf } from '../../report/quantity.ts';
import type { HistorySight } from './look-at-history.ts';

interface PendingSight {
  readonly part: CheckPart;
  readonly migrations: readonly PendingMigration[];
}

/** Part 2: the migrations that a deploy would run, and what in them destroys data. The parser has been loaded. */
export function lookAtPending(history: HistorySight): PendingSight {
  if (history.pending === null) {
    const because = 'What is pending is not known: neither the database nor the base branch was looked at.';
    return {
      part: { name: 'pending', fact: 'not checked', findings: [], notChecked: [because] },
      migrations: [],
    };
  }
  const pending = new Set(history.pending);
  const migrations = history.folders.flatMap((folder): PendingMigration[] => {
    if (!pending.has(folder.name) || folder.script === null) return [];
    const destructive = destructiveStatements(folder.script);
    return [
      {
        name: folder.name,
        file: folder.file,
        script: folder.script,
        destructive: destructive ?? [],
        isReadable: destructive !== null,
      },
    ];
  });
  const all = migrations.flatMap(findingsIn);
  const findings = [
    ...all.filter(({ code }) => code === 'SM_DATA_LOSS'),
    ...all.filter(({ code }) => code !== 'SM_DATA_LOSS'),
  ];
  const notChecked =
    history.applied === null ? ['Pending is what this pull request adds; the database was not asked.'] : [];
  return {
    part: {
      name: 'pending',
      fact: `${countOf(history.pending.length, 'pending migration')}; ${countOf(findings.length, 'statement')} to look at`,
      findings,
      notChecked,
    },
    migrations,
  };
}

function findingsIn(migration: PendingMigration): readonly Finding[] {
  if (!migration.isReadable) {
    return [
      {
        severity: 'warning',
        code: 'SM_MIGRATION_UNPARSED',
        message: `the script of ${migration.name} is no SQL to PostgreSQL's parser, so what it destroys is not known`,
        hint: 'Read it with care; a deploy would most likely fail on it.',
        file: migration.file,
        line: 1,
      },
    ];
  }
  return migration.destructive.map(({ isCertain, action, object, line }) => ({
    severity: 'warning',
    ...(isCertain
      ? {
          code: 'SM_DATA_LOSS',
          message: `${migration.name} ${action} ${object}`,
          hint: 'Make sure that nobody needs this data, or copy it elsewhere in an earlier migration.',
        }
      : {
          code: 'SM_DATA_UNKNOWN',
          message: `${migration.name} ${action} ${object}, and what that does cannot be known from the script: it may destroy data`,
          hint: 'Read it with care.',
        }),
    file: migration.file,
    line,
  }));
}
