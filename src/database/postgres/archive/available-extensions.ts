import { z } from 'zod';
import type { PhaseLog } from '../../../report/run-log.ts';
import type { Fingerprint } from '../../database.ts';
import type { SqlSession } from '../server/server.ts';

const extensionRow = z.object({ name: z.string(), versions: z.array(z.string()), newest: z.string() });

/**
 * The extensions of a backup as a server of another major version can have them: where it does not know the version
 * any more, in its own default one, which the log says. What it does not know at all stays, and fails by its name.
 */
export async function availableExtensions(
  admin: SqlSession,
  wanted: Fingerprint['extensions'],
  log: PhaseLog,
): Promise<Fingerprint['extensions']> {
  const rows = await admin.query(
    `SELECT a.name::text AS "name", a.default_version AS "newest",
            ARRAY(SELECT v.version FROM pg_catalog.pg_available_extension_versions v WHERE v.name = a.name) AS "versions"
       FROM pg_catalog.pg_available_extensions a`,
    extensionRow,
  );
  const available = new Map(rows.map((row) => [row.name, row]));
  return wanted.map((extension) => {
    const found = available.get(extension.name);
    if (found === undefined || found.versions.includes(extension.version)) return extension;
    log.warn(
      `this server does not know version ${extension.version} of the extension ${extension.name}; it is restored in version ${found.newest}`,
    );
    return { ...extension, version: found.newest };
  });
}
