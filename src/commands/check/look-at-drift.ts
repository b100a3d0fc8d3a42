import type { ScratchDatabase, ScratchServer } from '../../database/scratch-server.ts';
import { destructiveStatements } from '../../lint/destructive.ts';
import type { CheckPart, DriftReport, Finding, ToldDrift } from '../../report/check-report.ts';
import { countOf } from '../../report/quantity.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import { asFinding } from './as-finding.ts';
import type { CheckGround } from './check-ground.ts';
import type { HistorySight } from './look-at-history.ts';
import type { SchemaSight } from './look-at-schema.ts';

/** What Prisma would do about drift: its script, or why there is none. */
type PrismaProposal = { readonly script: string } | { readonly because: string };

/** Prisma's comparison while it runs; null where it can only begin when the migrations have been replayed. */
type BegunDrift = Promise<PrismaProposal> | null;

interface DriftSight {
  readonly part: CheckPart;
  /** null when it was not looked at. */
  readonly drift: ToldDrift | null;
}

/**
 * Lets Prisma begin to compare, which takes as long as its replay of the migrations, while the schema is looked at. To
 * be awaited by lookAtDrift or dropped; only an error that nobody foresaw rejects.
 */
export function beginDrift(ground: CheckGround, history: HistorySight, signal: AbortSignal): BegunDrift {
  const { project, scratch } = ground;
  if (!project.driftReplays || scratch.value === null || whyNotAtAll(ground, history) !== null) return null;
  const begun = askPrisma(ground, scratch.value, { applied: history.applied ?? [], replayed: null }, signal);
  begun.catch(() => {});
  return begun;
}

/**
 * Part 4: the database against its applied migrations, which are run on an empty database for it. What Prisma models
 * is compared by Prisma, everything else by the catalogs.
 */
export async function lookAtDrift(
  ground: CheckGround,
  seen: { readonly history: HistorySight; readonly schema: SchemaSight; readonly begun: BegunDrift },
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
  { history, schema, begun }: Parameters<typeof lookAtDrift>[1],
  signal: AbortSignal,
): Promise<DriftSight> {
  const { project, database, scratch } = ground;
  const reason = whyNotAtAll(ground, history);
  if (database.value === null || scratch.value === null || reason !== null) {
    return notChecked(reason ?? '');
  }
  const applied = history.applied ?? [];
  const actual = await database.value.schema(signal);
  const replayed =
    applied.length === history.folders.length && schema.replayed !== null
      ? schema.replayed
      : await replayApplied(ground, scratch.value, applied, signal);
  if (replayed === null) return notChecked('the applied migrations do not run on an empty database.');
  const proposal = await (begun ?? askPrisma(ground, scratch.value, { applied, replayed }, signal));
  const drift = await scratch.value.compare(
    {
      actual,
      expected: replayed,
      schema: project.historySchema,
      prismaScript: 'script' in proposal ? proposal.script : '',
    },
    signal,
  );
  return {
    part: {
      name: 'drift',
      fact:
        drift.differences.length === 0
          ? `the database is what its ${countOf(applied.length, 'applied migration')} made`
          : `${countOf(drift.differences.length, 'object')} of the database ${drift.differences.length === 1 ? 'is' : 'are'} not as the migrations made them`,
      findings: drift.differences.length === 0 ? [] : [drifted(drift)],
      notChecked: 'because' in proposal ? [proposal.because] : [],
    },
    drift: { ...drift, destructive: destructiveStatements(drift.reconcileSql) ?? [] },
  };
}

async function askPrisma(
  { project }: CheckGround,
  scratch: ScratchServer,
  { applied, replayed }: { readonly applied: readonly string[]; readonly replayed: ScratchDatabase | null },
  signal: AbortSignal,
): Promise<PrismaProposal> {
  if (project.url === null) return { script: '' };
  try {
    const shadow = project.driftReplays ? await scratch.create(project.historySchema) : null;
    const databases = { replayed: replayed?.url ?? null, shadow: shadow?.url ?? null };
    return {
      script: await project.driftScript({ target: project.url, names: applied, ...databases }, signal),
    };
  } catch (error) {
    if (!(error instanceof SafeMigrateError)) throw error;
    return { because: `Only the catalogs were compared: ${error.message}.` };
  }
}

function whyNotAtAll({ database, scratch }: CheckGround, history: HistorySight): string | null {
  if (database.value === null) return database.because;
  if (scratch.value === null) return scratch.because;
  const reason = whyNot(history);
  if (reason !== null) return reason;
  const [target, shadow] = [database.value.server.major, scratch.value.serverMajor];
  return target === shadow
    ? null
    : `the target is PostgreSQL ${target} and the server of shadow-database-url ${shadow}: use the same major version.`;
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
    hint: `${
      drift.reconcileSql === ''
        ? 'There is no SQL that takes it back by itself; what to do is listed.'
        : drift.byHand.length === 0
          ? 'The SQL that takes it back is attached.'
          : `The SQL that takes it back is attached, but for ${countOf(drift.byHand.length, 'difference')} to be undone by hand.`
    } To keep the change instead, put it into a migration and mark that as applied.`,
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
