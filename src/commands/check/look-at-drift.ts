import type { ScratchDatabase, ScratchServer } from '../../database/scratch-server.ts';
import type { CheckPart, DriftReport, Finding } from '../../report/check-report.ts';
import { countOf } from '../../report/quantity.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import { asFinding } from './as-finding.ts';
import type { CheckGround } from './check-ground.ts';
import type { HistorySight } from './look-at-history.ts';
import type { SchemaSight } from './look-at-schema.ts';

export interface DriftSight {
  readonly part: CheckPart;
  /** null when it was not looked at. */
  readonly drift: DriftReport | null;
}

/**
 * Part 4: the database against its applied migrations, which are run on an empty database for it. What Prisma models
 * is compared by Prisma, everything else by the catalogs.
 */
export async function lookAtDrift(
  ground: CheckGround,
  seen: { readonly history: HistorySight; readonly schema: SchemaSight },
  signal: AbortSignal,
): Promise<DriftSight> {
  try {
    return await compareWithMigrations(ground, seen, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof SafeMigrateError)) throw error;
    const { part } = notChecked(`${error.message}.`);
    return { part: { ...part, findings: [asFinding(error)] }, drift: null };
  }
}

async function compareWithMigrations(
  ground: CheckGround,
  seen: { readonly history: HistorySight; readonly schema: SchemaSight },
  signal: AbortSignal,
): Promise<DriftSight> {
  const { project, database, scratch } = ground;
  const { history, schema } = seen;
  if (database.value === null) return notChecked(database.because);
  if (scratch.value === null) return notChecked(scratch.because);
  const reason = whyNot(history);
  if (reason !== null) return notChecked(reason);
  const applied = history.applied ?? [];
  const actual = await database.value.schema(signal);
  if (actual.serverMajor !== scratch.value.serverMajor) {
    return notChecked(
      `the target is PostgreSQL ${actual.serverMajor} and the server of shadow-database-url ${scratch.value.serverMajor}: use the same major version.`,
    );
  }
  const replayed =
    applied.length === history.folders.length && schema.replayed !== null
      ? schema.replayed
      : await replayApplied(ground, scratch.value, applied, signal);
  if (replayed === null) return notChecked('the applied migrations do not run on an empty database.');

  const remarks: string[] = [];
  let prismaScript = '';
  if (project.url !== null) {
    try {
      const shadow = await scratch.value.create(project.historySchema);
      prismaScript = await project.driftScript(
        { target: project.url, names: applied, replayed: replayed.url, shadow: shadow.url },
        signal,
      );
    } catch (error) {
      if (!(error instanceof SafeMigrateError)) throw error;
      remarks.push(`Only the catalogs were compared: ${error.message}.`);
    }
  }
  const drift = await scratch.value.compare(
    { actual, expected: replayed, schema: project.historySchema, prismaScript },
    signal,
  );
  const findings = drift.differences.length === 0 ? [] : [drifted(drift)];
  return {
    part: {
      name: 'drift',
      fact:
        drift.differences.length === 0
          ? `the database is what its ${countOf(applied.length, 'applied migration')} made`
          : `${countOf(drift.differences.length, 'object')} of the database ${drift.differences.length === 1 ? 'is' : 'are'} not as the migrations made them`,
      findings,
      notChecked: remarks,
    },
    drift,
  };
}

/** Where the history itself is broken, a comparison with the files would say nothing about drift. */
function whyNot(history: HistorySight): string | null {
  if (history.applied === null) return 'the migration history could not be read.';
  if (history.rows === null) return 'the database has no migration history.';
  const rows = history.rows.filter((row) => row.rolledBackAt === null);
  const failed = rows.find((row) => row.finishedAt === null);
  if (failed !== undefined)
    return `migration ${failed.migrationName} failed in the database and was not resolved.`;
  const files = new Set(history.folders.map((folder) => folder.name));
  const unreadable = history.folders.find(
    (folder) => folder.script === null && history.applied?.includes(folder.name) === true,
  );
  if (unreadable !== undefined) return `${unreadable.name} is applied and has no migration.sql.`;
  const unknown = rows.find((row) => !files.has(row.migrationName));
  if (unknown !== undefined) return `migration ${unknown.migrationName} is applied and not among the files.`;
  return null;
}

async function replayApplied(
  ground: CheckGround,
  scratch: ScratchServer,
  applied: readonly string[],
  signal: AbortSignal,
): Promise<ScratchDatabase | null> {
  const database = await scratch.create(ground.project.historySchema);
  if (applied.length === 0) return database;
  const replay = await ground.project.replay(database.url, applied, signal);
  return replay.isWhole ? database : null;
}

function drifted(drift: DriftReport): Finding {
  const listed = drift.differences.slice(0, 5).join('; ');
  const more = drift.differences.length > 5 ? `; and ${drift.differences.length - 5} more` : '';
  return {
    severity: 'warning',
    code: 'SM_DRIFT',
    message: `the database is not what its migrations made: ${listed}${more}`,
    hint: 'The SQL that takes it back is attached. To keep the change instead, put it into a migration and mark that as applied.',
    file: null,
    line: null,
  };
}

function notChecked(because: string): DriftSight {
  const sentence = /^The database was not looked at/.test(because)
    ? because
    : `Drift was not checked: ${because}`;
  return { part: { name: 'drift', fact: 'not checked', findings: [], notChecked: [sentence] }, drift: null };
}
