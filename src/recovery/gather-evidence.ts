import { z } from 'zod';
import { literal } from '../database/postgres/sql-text.ts';
import { furthestReach } from '../lint/history-reach.ts';
import { describeScript } from '../lint/statements.ts';
import { readHistory } from '../prisma/history.ts';
import type { HistoryRow } from '../prisma/migrator.ts';
import { begunBy } from './begun.ts';
import { sameHistory } from './decide.ts';
import type { Evidence } from './evidence.ts';
import type { Quiet } from './own-work.ts';
import type { RecoveryRequest } from './recovery-request.ts';

/** What can be known without reading the tables; questions about them are asked when a decision needs the answer. */
export async function gatherEvidence(request: RecoveryRequest, quiet: Quiet): Promise<Evidence> {
  const { database, migrator, baseline, settings, prismaLock } = request;
  const history = await readHistory(database, migrator.historySchema);
  const unfinished = newUnfinished(baseline.history, history);
  const file = migrator.migrations.find((migration) => migration.name === unfinished?.migrationName);
  const reach = reachOfScripts(request);
  const mayForge = reach === 'named' || reach === 'dynamic';
  // With the lock in our hands alone, a strange row is the work of the script that names the table.
  const isForeignRow =
    hasForeignRow(request, history) && !(mayForge && prismaLock.sight === 'taken' && !prismaLock.othersSeen);
  return {
    migrator: migrator.kind,
    before: { history: baseline.history, witness: baseline.witness },
    now: { history, witness: await database.witness() },
    begun: begunBy(request, sameHistory(baseline.history, history) ? null : history),
    historyReach: reach,
    lock: prismaLock.sight,
    stillWorking: quiet.stillWorking,
    script: file === undefined ? null : describeScript(file.script),
    contents: 'not-compared',
    execution: 'not-measured',
    rewoundSequences:
      baseline.fingerprint === null ? [] : await database.rewoundSequences(baseline.fingerprint),
    // Without the backup's fingerprint nobody can say that no sequence was set back.
    recovery: baseline.fingerprint === null ? 'swap' : settings.recovery,
    writesBeforeMigration: request.writesBeforeMigration,
    writesMeanwhile: null,
    onNewWrites: settings.onNewWrites,
    mayNotGoBack: request.mayNotGoBack,
    foreignDeploy: quiet.foreignDeploy || isForeignRow,
    ...(await readHiddenCode(request)),
  };
}

/** The scripts that this run's migrator was to run; those of a run that died, as far as they are at hand unchanged. */
export function scriptsOf({
  migrator,
  migrationNames,
  baseline,
}: Pick<RecoveryRequest, 'migrator' | 'migrationNames' | 'baseline'>): readonly string[] {
  const applied = new Set(
    baseline.history?.filter((row) => row.rolledBackAt === null).map((row) => row.migrationName),
  );
  const names = new Set(migrationNames.filter((name) => !applied.has(name)));
  return migrator.migrations.filter(({ name }) => names.has(name)).map(({ script }) => script);
}

/** One that is not at hand may hold anything. */
function reachOfScripts(request: RecoveryRequest): Evidence['historyReach'] {
  const scripts = scriptsOf(request);
  const isWhole = request.migrationNames.every((name) =>
    request.migrator.migrations.some((migration) => migration.name === name),
  );
  const reach = furthestReach(scripts);
  return isWhole || reach === 'named' ? reach : 'dynamic';
}

/** Code of the database's own that runs where no script shows it. */
async function readHiddenCode({
  database,
  migrator,
}: RecoveryRequest): Promise<Pick<Evidence, 'eventTriggers' | 'historyIsWatched'>> {
  const [found] = await database.query(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D') AS "eventTriggers",
            EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = ${literal(migrator.historySchema)} AND c.relname = '_prisma_migrations'
                       AND (c.relhastriggers OR c.relhasrules OR c.relhassubclass OR c.relispartition)) AS "historyIsWatched"`,
    z.object({ eventTriggers: z.boolean(), historyIsWatched: z.boolean() }),
  );
  return found ?? { eventTriggers: true, historyIsWatched: true };
}

/** Whether the history holds a new migration that is not among our files: a deploy of another commit was here. */
function hasForeignRow(
  { migrationNames, baseline }: Pick<RecoveryRequest, 'migrationNames' | 'baseline'>,
  now: readonly HistoryRow[] | null,
): boolean {
  const known = new Set(baseline.history?.map((row) => row.id));
  const ours = new Set(migrationNames);
  return now?.some((row) => !known.has(row.id) && !ours.has(row.migrationName)) === true;
}

function newUnfinished(
  before: readonly HistoryRow[] | null,
  now: readonly HistoryRow[] | null,
): HistoryRow | undefined {
  const known = new Set(before?.map((row) => row.id));
  return now?.find((row) => !known.has(row.id) && row.finishedAt === null && row.rolledBackAt === null);
}
