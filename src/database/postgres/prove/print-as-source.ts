import type { DatabaseProperties } from '../../database.ts';
import { parseSetting } from '../copy/database-settings.ts';
import { replaySettings } from '../copy/replay-settings.ts';
import type { SqlSession } from '../server/server.ts';

/** Shapes what pg_dump prints; while a database is restored it is withheld. */
const printing = 'quote_all_identifiers';

/**
 * Lets pg_dump print the schema of a restored database as it prints that of its source, also when the copy has become the
 * target and has all of its settings. `admin` is a session in another database.
 */
export async function printAsSource(
  admin: SqlSession,
  name: string,
  settings: DatabaseProperties['settings'],
): Promise<void> {
  const shaping = settings.map(({ role, config }) => ({
    role,
    config: config.filter((setting) => parseSetting(setting).name === printing),
  }));
  await replaySettings(admin, name, shaping);
}
