import { z } from 'zod';
import type { BackupDetails } from '../../backup/manifest/details.ts';
import type {
  ContentsPort,
  DatabaseProperties,
  ExchangePort,
  Fallback,
  Fingerprint,
  ServerRole,
  TableColumns,
  TargetPort,
} from '../../database/database.ts';
import { readHistory } from '../../prisma/history.ts';
import type { HistoryRow, Migrator } from '../../prisma/migrator.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import { sameHistory } from '../decision/decide.ts';

/** A copy that was compared and closed. */
export interface ReadyCopy {
  readonly name: string;
  readonly oid: number;
  /** As read back from the copy: what the target must have after a swap. */
  readonly schemaDigest: string;
}

export interface RestorableDump {
  readonly path: string;
  readonly details: BackupDetails;
}

/** The copy as far as a swap needs to know it. */
export function readyCopy({ name, oid, fingerprint }: Fallback): ReadyCopy {
  return { name, oid, schemaDigest: fingerprint.schemaDigest };
}

/** The target as it is just before the migration, and what it can be brought back to. */
export interface Baseline {
  readonly history: readonly HistoryRow[] | null;
  readonly witness: string;
  readonly targetOid: number;
  /** The server's clock just before the migration, ISO 8601 with milliseconds: older sessions are not the migrator's. */
  readonly serverTime: string;
  /** What the backup holds; null when that cannot be read any more. */
  readonly fingerprint: Fingerprint | null;
  /** null with `verify: archive`: then the dump is restored when it is needed. */
  readonly fallback: ReadyCopy | null;
  /** What the copy is made of where there is none; null when that is out of reach. */
  readonly dump: RestorableDump | null;
  /** Tables that the application changed after the snapshot. */
  readonly writesBeforeMigration: readonly string[];
  /** Of every table, where `on-new-writes: stop` will have to tell rows from added columns; null: not known. */
  readonly columns: TableColumns | null;
  /** The server's roles; null where an earlier run took the baseline. */
  readonly roles: readonly ServerRole[] | null;
}

/**
 * Makes sure that the backup still is what a swap may go back to: nobody has migrated, replaced the database or
 * changed its schema since the snapshot. Rows may have changed; which tables is returned.
 * Rejects with SM_SCHEMA_MOVED; nothing has been touched then.
 */
export async function takeBaseline(
  database: TargetPort & ContentsPort & ExchangePort,
  migrator: Migrator,
  backup: {
    readonly history: readonly HistoryRow[] | null;
    readonly targetOid: number;
    readonly properties: DatabaseProperties;
    readonly details: BackupDetails;
    readonly witness: string;
    readonly counters: Parameters<ContentsPort['changedTables']>[1];
    readonly fallback: Fallback | null;
    readonly dumpPath: string;
  },
  options: { readonly exact: boolean; readonly jobs: number; readonly signal: AbortSignal },
  log: PhaseLog,
): Promise<Baseline> {
  if ((await database.oidOf(database.address.database)) !== backup.targetOid) {
    throw moved('another database has taken the name of the target since the backup was taken');
  }
  const history = await readHistory(database, migrator.historySchema);
  if (!sameHistory(backup.history, history)) {
    throw moved('somebody else has changed the migration history since the backup was taken');
  }
  const witness = await database.witness();
  if (witness !== backup.witness) {
    // TRUNCATE, VACUUM FULL or REFRESH of the application move the witness too, without changing the schema.
    if ((await database.schemaDigest(options.signal)) !== backup.details.fingerprint.schemaDigest) {
      throw moved('somebody else has changed the schema since the backup was taken');
    }
    // A swap puts the old ones back: a privilege that was revoked meanwhile must not return with it.
    if (JSON.stringify(await database.properties()) !== JSON.stringify(backup.properties)) {
      throw moved(
        'somebody else has changed privileges, settings or comment of the database since the backup was taken',
      );
    }
    log.detail('catalogs were rewritten since the backup, the schema is the same');
  }
  const writesBeforeMigration = await database.changedTables(backup.details.fingerprint, backup.counters, {
    exact: options.exact,
    jobs: options.jobs,
    signal: options.signal,
  });
  const [clock] = await database.query(
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "now"`,
    z.object({ now: z.string() }),
  );
  return {
    history,
    witness,
    serverTime: clock?.now ?? '',
    roles: await database.roles(),
    columns: options.exact ? await database.columns() : null,
    targetOid: backup.targetOid,
    fingerprint: backup.details.fingerprint,
    fallback: backup.fallback === null ? null : readyCopy(backup.fallback),
    dump: { path: backup.dumpPath, details: backup.details },
    // The history table is Prisma's; a change of it was excluded above.
    writesBeforeMigration: writesBeforeMigration.filter((table) => !table.endsWith('._prisma_migrations')),
  };
}

function moved(message: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_SCHEMA_MOVED',
    phase: 'migrate',
    message,
    hint: 'Nothing was touched. Let one deploy finish before the next one starts, then run this job again.',
  });
}
