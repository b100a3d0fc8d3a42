import { beforeAll, describe, expect, test } from 'vitest';
import { dropCopy } from '../../../src/database/postgres/copy/drop-copy.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { propertiesOf, prove, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

const owners = `SELECT string_agg(extname || ' ' || extowner::regrole::text, ', ' ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql'`;

/** Backs `database` up as `user`, proves it, and says whom the extensions of the copy belong to. */
async function proveAs(database: string, user?: string) {
  const server = await serverOf(cluster.url({ database, ...(user === undefined ? {} : { user }) }));
  await using backup = await takeBackup(server);
  const fallback = await prove(server, backup);
  const copied = await propertiesOf(server, fallback.name);
  expect({ ...copied, comment: null, acl: null }).toEqual({ ...backup.properties, comment: null, acl: null });
  const copiedAcl = await cluster.psql(
    'postgres',
    `SELECT has_database_privilege('${user ?? 'public'}', '${fallback.name}', 'CREATE')`,
  );
  await cluster.psql('postgres', `ALTER DATABASE "${fallback.name}" ALLOW_CONNECTIONS true`);
  const belong = await cluster.psql(fallback.name, owners);
  await using admin = await server.connect(database);
  await dropCopy(admin, database, fallback.name);
  return { told: fallback.told, belong, mayCreate: copiedAcl === 't' };
}

describe('an extension of a restored copy', () => {
  test('belongs to the application’s role when a superuser has made the backup', async () => {
    const { database, user } = await cluster.createOwnedDatabase('extowner');
    const keeper = `${user}_keeper`;
    await cluster.createRole(keeper, { attributes: 'NOSUPERUSER' });
    await cluster.psql(
      database,
      `CREATE EXTENSION pg_trgm; SET ROLE "${user}"; CREATE EXTENSION citext; RESET ROLE;
       GRANT CREATE ON DATABASE "${database}" TO "${keeper}"; SET ROLE "${keeper}"; CREATE EXTENSION hstore; RESET ROLE;
       REVOKE CREATE ON DATABASE "${database}" FROM "${keeper}"`,
    );
    const before = await cluster.psql(database, owners);
    expect(before).toBe(`citext ${user}, hstore ${keeper}, pg_trgm ${cluster.info.superuser}`);
    expect(await proveAs(database)).toEqual({ told: [], belong: before, mayCreate: false });
    // A member of both makes it so as well, but for the superuser's, of which nobody loses anything.
    await cluster.psql('postgres', `GRANT "${keeper}" TO "${user}"`);
    const { told, belong } = await proveAs(database, user);
    expect(belong).toBe(`citext ${user}, hstore ${keeper}, pg_trgm ${user}`);
    expect(told).toEqual([
      `extension pg_trgm belongs to ${user} in the copy instead of ${cluster.info.superuser}: it belongs to whoever creates it, and nobody loses a right by this`,
    ]);
  });

  test('is refused by name when its owner would lose it', async () => {
    const { database, user } = await cluster.createOwnedDatabase('extowner');
    const keeper = `${user}_keeper`;
    await cluster.createRole(keeper, { attributes: 'NOSUPERUSER' });
    await cluster.psql(
      database,
      `GRANT CREATE ON DATABASE "${database}" TO "${keeper}"; SET ROLE "${keeper}"; CREATE EXTENSION citext`,
    );
    await expect(proveAs(database, user)).rejects.toMatchObject({
      code: 'SM_NOT_EQUAL',
      message: expect.stringContaining(
        `extension citext belongs to ${user} in the copy instead of ${keeper}, who could not alter it any more`,
      ),
    });
    await cluster.psql('postgres', `GRANT "${user}" TO "${keeper}"`);
    expect((await proveAs(database, user)).told).toEqual([
      expect.stringMatching(/^extension citext belongs to /),
    ]);
  });
});
