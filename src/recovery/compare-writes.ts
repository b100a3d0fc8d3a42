import { touchedTables } from '../lint/touched-tables.ts';
import type { WritesMeanwhile } from './evidence.ts';
import { scriptsOf } from './gather-evidence.ts';
import type { RecoveryRequest } from './recovery-request.ts';

/** What the migration has left locked must not hold up its recovery for ever. */
export const lockTimeoutSeconds = 60;
/** Recovery is never cancelled half-way. */
const never = new AbortController().signal;

/**
 * What was written since the snapshot, for `on-new-writes: stop`, in short transactions that leave nothing locked: told
 * apart are only tables that the scripts neither name nor could reach.
 */
export async function compareWrites({
  database,
  baseline,
  settings,
  ...run
}: RecoveryRequest): Promise<WritesMeanwhile> {
  const { fingerprint, columns } = baseline;
  const writtenRows = await database.writtenRows(baseline.targetOid);
  if (fingerprint === null) return { byOthers: [], notToldApart: ['every table'], writtenRows };
  const changed = await database.changedTables(
    fingerprint,
    {},
    {
      exact: true,
      jobs: settings.jobs,
      signal: never,
      lockTimeoutSeconds,
      ...(columns === null ? {} : { columns }),
    },
  );
  const rows = changed.filter((table) => !table.endsWith('._prisma_migrations'));
  const touched = touchedTables(scriptsOf({ ...run, baseline }));
  const mayBeOurs = (table: string): boolean => touched === 'any' || touched.has(nameOf(table));
  return {
    byOthers: rows.filter((table) => !mayBeOurs(table)),
    notToldApart: rows.filter(mayBeOurs),
    writtenRows,
  };
}

/** Without schema: a script's names go by its `search_path`. */
function nameOf(table: string): string {
  const name = /(?:^|\.)("(?:[^"]|"")*"|[^".]*)$/.exec(table)?.[1] ?? table;
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
