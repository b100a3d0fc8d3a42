import type { DatabaseProperties } from '../../database.ts';
import { identifier } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';
import { parseSetting, setClause } from './database-settings.ts';
import { readProperties } from './properties.ts';
import { propertyError } from './property-error.ts';

type Settings = DatabaseProperties['settings'];

/** Gives database `name` these settings, its own and those per role. Rejects with SM_PROPERTY, naming the setting. */
export async function replaySettings(admin: SqlSession, name: string, settings: Settings): Promise<void> {
  for (const { role, config } of settings) {
    for (const setting of config) {
      try {
        await admin.execute(`${place(name, role)} ${setClause(setting)}`);
      } catch (cause) {
        if (!(cause instanceof SqlError)) throw cause;
        const label = `the setting ${parseSetting(setting).name}${role === null ? '' : ` of role ${role}`}`;
        throw propertyError(`${label} cannot be carried over to ${name}: ${cause.primaryMessage}`, cause);
      }
    }
  }
}

/** Takes all settings from database `name`, as far as the role may. */
export async function resetSettings(admin: SqlSession, name: string): Promise<void> {
  const { settings } = await readProperties(admin, name);
  for (const { role } of settings) await admin.execute(`${place(name, role)} RESET ALL`);
}

function place(name: string, role: string | null): string {
  return role === null
    ? `ALTER DATABASE ${identifier(name)}`
    : `ALTER ROLE ${identifier(role)} IN DATABASE ${identifier(name)}`;
}
