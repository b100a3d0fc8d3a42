import { z } from 'zod';
import type { Fingerprint } from '../../database.ts';
import { literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';

/**
 * Parameters that change what expressions compute or how values are written and read. Whatever else a database can
 * set decides how fast or by whom something is computed; `search_path` and `xmloption` are set by every archive.
 */
const decisiveParameters = [
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'bytea_output',
  'default_text_search_config',
  'extra_float_digits',
  'lc_monetary',
  'lc_numeric',
  'lc_time',
  'timezone_abbreviations',
  'xmlbinary',
] as const;

/**
 * Their values as a new session of this role gets them in this database, wherever they come from: the database, the
 * role, postgresql.conf. What sessions of ours set for themselves does not count.
 */
export async function readSessionValues(
  session: SqlSession,
): Promise<NonNullable<Fingerprint['sessionValues']>> {
  const rows = await session.query(
    `SELECT name, reset_val AS "value" FROM pg_catalog.pg_settings
      WHERE name IN (${decisiveParameters.map(literal).join(', ')}) ORDER BY name COLLATE "C"`,
    z.object({ name: z.string(), value: z.string() }),
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}
