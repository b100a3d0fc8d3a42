import type { Evidence } from './decide.ts';
import type { RecoveryRequest } from './recover.ts';

/**
 * Whether the target still holds what the snapshot held, in tables and large objects, for a migrate-command that may have done more than Prisma does.
 * Rows that the application wrote after the snapshot count as changed too: they cannot be told apart.
 */
export async function compareContents(
  { database, baseline, settings }: Pick<RecoveryRequest, 'database' | 'baseline' | 'settings'>,
  rewoundSequences: readonly string[],
  signal: AbortSignal,
): Promise<Evidence['contents']> {
  // What was there before is not known any more: then nothing is proved to be as it was.
  if (baseline.fingerprint === null || rewoundSequences.length > 0) return 'changed';
  const changed = await database.changedTables(
    baseline.fingerprint,
    {},
    { exact: true, jobs: settings.jobs, signal },
  );
  return changed.every((table) => table.endsWith('._prisma_migrations')) ? 'as-before' : 'changed';
}
