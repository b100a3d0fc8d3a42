const tables = ['Document', 'Message', 'Event', 'Attachment'];
const rowBytes = 1024;

/** Tables for `largeRows`. */
export const largeTables = tables
  .map((table) => `CREATE TABLE "${table}" ("id" SERIAL PRIMARY KEY, "text" TEXT);`)
  .join('\n');

/** SQL that fills them with some `gigabytes` of hexadecimal digits, which no dump makes much smaller than half. */
export function largeRows(gigabytes: number): string {
  const rows = Math.round((gigabytes * 1024 ** 3) / tables.length / rowBytes);
  const text = Array.from({ length: 30 }, (_, index) => `md5(n || '-${index}')`).join(' || ');
  const inserts = tables.map(
    (table) => `INSERT INTO "${table}" ("text") SELECT ${text} FROM generate_series(1, ${rows}) n;`,
  );
  return [...inserts, 'ANALYZE;'].join('\n');
}

/** A server that is to take them without a checkpoint every few seconds. */
export const serverSettings = ['max_wal_size = 8GB', 'checkpoint_timeout = 30min'] as const;
