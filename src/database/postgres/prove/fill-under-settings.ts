import { z } from 'zod';
import type { DatabaseProperties, Fingerprint } from '../../database.ts';
import { identifier, literal } from '../../sql-text.ts';
import { parseSetting } from '../copy/database-settings.ts';
import { commitLazily } from '../copy/lazy-commits.ts';
import { replaySettings } from '../copy/replay-settings.ts';
import { isWithheld } from '../copy/withheld-settings.ts';
import { readSessionValues } from '../fingerprint/session-values.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';

type SessionValues = Fingerprint['sessionValues'];

/**
 * Puts in force, in an empty copy, what its source's expressions were computed under: the database's settings, its own
 * and per role, but for those that are withheld; and where a session would get other values all the same (because they
 * came from the role or from another server's postgresql.conf), those that were recorded. The copy's settings are not
 * the source's until replayProperties has been there. `admin` is a session in another database.
 * Rejects with SM_PROPERTY.
 */
export async function fillUnderSettings(
  server: PostgresServer,
  admin: SqlSession,
  copy: string,
  source: { readonly settings: DatabaseProperties['settings']; readonly values: SessionValues },
): Promise<void> {
  const inForce = source.settings.map(({ role, config }) => ({
    role,
    config: config.filter((setting) => !isWithheld(parseSetting(setting).name)),
  }));
  await replaySettings(admin, copy, inForce);
  await commitLazily(admin, copy);
  if (source.values === undefined) return;
  await using session = await server.connect(copy);
  const present = await readSessionValues(session);
  const [me] = await admin.query('SELECT session_user::text AS "name"', z.object({ name: z.string() }));
  for (const [name, value] of Object.entries(source.values)) {
    if (present[name] === value || me === undefined) continue;
    // For the role, because that wins over what the role has on this server; ourselves, because everybody may.
    const place = `ALTER ROLE ${identifier(me.name)} IN DATABASE ${identifier(copy)}`;
    await admin.execute(`${place} SET ${identifier(name)} TO ${literal(value)}`).catch((error: unknown) => {
      // A locale that this server has not, for one: otherValues tells it.
      if (!(error instanceof SqlError)) throw error;
    });
  }
}

/** Values under which the copy could not be computed as its source was, as sentences. */
export function otherValues(expected: SessionValues, actual: SessionValues): readonly string[] {
  return Object.entries(expected ?? {})
    .filter(([name, value]) => actual?.[name] !== value)
    .map(
      ([name, value]) =>
        `${name} was ${shown(value)} where the backup was made and cannot be set so here: the copy was filled and indexed under ${shown(actual?.[name])}`,
    );
}

function shown(value: string | undefined): string {
  return value === undefined || value === '' ? 'empty' : value;
}
