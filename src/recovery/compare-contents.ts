import { describeScript } from '../lint/statements.ts';
import type { PhaseLog } from '../report/run-log.ts';
import { lockTimeoutSeconds } from './compare-writes.ts';
import type { Evidence } from './evidence.ts';
import { scriptsOf } from './gather-evidence.ts';
import type { RecoveryRequest } from './recovery-request.ts';

/** Recovery is never cancelled half-way. */
const never = new AbortController().signal;

/**
 * Whether the target still holds what the snapshot held, in tables, large objects and, where a script could have set
 * them, sequences. Rows that the application wrote after the snapshot count as changed too: they cannot be told apart.
 */
export async function compareContents(
  request: Pick<RecoveryRequest, 'database' | 'baseline' | 'settings' | 'migrator' | 'migrationNames'>,
  log: PhaseLog,
): Promise<Exclude<Evidence['contents'], 'not-compared'>> {
  const { database, baseline, settings } = request;
  const { fingerprint } = baseline;
  // What was there before is not known any more: then nothing is proved to be as it was.
  if (fingerprint === null || (await database.rewoundSequences(fingerprint)).length > 0) return 'changed';
  log.detail('reading every table, to compare it with the backup');
  const { jobs } = settings;
  const changed = await database.changedTables(
    fingerprint,
    {},
    { exact: true, jobs, signal: never, lockTimeoutSeconds },
  );
  if (!changed.every((table) => table.endsWith('._prisma_migrations'))) return 'changed';
  return (await setSequences(request)).length === 0 ? 'as-before' : 'changed';
}

/** Sequences that stand elsewhere than in the snapshot, where a script was there that can put them anywhere. */
async function setSequences({
  database,
  baseline,
  ...run
}: Parameters<typeof compareContents>[0]): Promise<readonly string[]> {
  if (baseline.fingerprint === null) return [];
  const scripts = scriptsOf({ ...run, baseline }).map(describeScript);
  const maySet = scripts.some(
    (script) => !script.parsed || script.statements.some(({ maySetSequence }) => maySetSequence),
  );
  return maySet ? await database.movedSequences(baseline.fingerprint) : [];
}
