import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { splitNameFails } from '../support/erp.ts';
import { startPostgres, type ThrowawayCluster } from '../support/postgres.ts';
import { readReport } from '../support/refusal.ts';
import { createWorld } from '../support/world.ts';

const pending = { '20260103000000_split_name': splitNameFails };

interface Shape {
  readonly platform: string;
  /** What the platform gives the role; `$user` is its name, `$database` the target's. */
  readonly sql: string;
  readonly result: 'restored' | 'refused';
  readonly codes: readonly string[];
}

/** docs/platforms.md says where each comes from. */
const shapes: readonly Shape[] = [
  {
    platform: 'Amazon RDS and Aurora, the master user',
    sql: 'ALTER ROLE $user CREATEDB CREATEROLE; GRANT rds_superuser TO $user',
    result: 'restored',
    codes: ['SM_MIGRATION_FAILED'],
  },
  {
    platform: 'Google Cloud SQL, a user of the console',
    sql: 'ALTER ROLE $user CREATEDB CREATEROLE; GRANT cloudsqlsuperuser TO $user',
    result: 'restored',
    codes: ['SM_MIGRATION_FAILED'],
  },
  {
    platform: 'Google Cloud SQL, a user made with SQL',
    sql: 'ALTER ROLE $user NOCREATEDB',
    result: 'refused',
    codes: ['SM_NO_CREATEDB'],
  },
  {
    platform: 'Azure Flexible Server, the server admin',
    sql: 'ALTER ROLE $user CREATEDB CREATEROLE; GRANT azure_pg_admin TO $user',
    result: 'restored',
    codes: ['SM_MIGRATION_FAILED'],
  },
  {
    platform: 'Neon, a role of the console',
    sql: 'ALTER ROLE $user CREATEDB CREATEROLE BYPASSRLS REPLICATION; GRANT neon_superuser TO $user',
    result: 'restored',
    codes: ['SM_MIGRATION_FAILED'],
  },
  {
    platform: 'Supabase, in a database that is not named postgres',
    sql: 'ALTER ROLE $user CREATEDB CREATEROLE BYPASSRLS REPLICATION',
    result: 'restored',
    codes: ['SM_MIGRATION_FAILED'],
  },
  {
    platform: 'Heroku Postgres, the default credential',
    sql: 'ALTER ROLE $user NOCREATEDB; GRANT pg_signal_backend TO $user',
    result: 'refused',
    codes: ['SM_NO_CREATEDB'],
  },
];

/** A server of its own: the platforms' roles have names of their own, and belong to the whole server. */
let platform: ThrowawayCluster;

beforeAll(async () => {
  platform = await startPostgres();
  await platform.psql(
    'postgres',
    `CREATE ROLE rds_superuser; GRANT pg_signal_backend, pg_monitor TO rds_superuser;
     CREATE ROLE cloudsqlsuperuser CREATEDB CREATEROLE; GRANT pg_signal_backend, pg_monitor TO cloudsqlsuperuser;
     CREATE ROLE azure_pg_admin; GRANT pg_signal_backend, pg_monitor TO azure_pg_admin;
     CREATE ROLE neon_superuser CREATEDB CREATEROLE BYPASSRLS; GRANT pg_signal_backend, pg_monitor, pg_read_all_data, pg_write_all_data TO neon_superuser;
     CREATE ROLE application LOGIN PASSWORD 'application';
     CREATE ROLE rdsadmin SUPERUSER LOGIN PASSWORD 'rdsadmin';`,
  );
});

afterAll(() => platform?.[Symbol.asyncDispose]());

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

describe('with the privileges of a managed platform a migration that fails is', () => {
  it.each(shapes)('$result: $platform', async ({ sql, result, codes }) => {
    await using world = await createWorld({ cluster: platform, pending });
    await platform.psql(world.database, sql.replaceAll('$user', `"${world.user}"`));
    const before = await world.state();
    // The application is another role than the one that migrates, where that one may end its sessions.
    const mayEnd = sql.includes('superuser') || sql.includes('azure_pg_admin');
    const session = mayEnd
      ? await connected(platform.url({ database: world.database, user: 'application' }))
      : null;
    try {
      await using run = await world.migrate();
      expect(run.result.outputs, run.result.log).toMatchObject({ result });
      const { problems } = await readReport(run.result);
      expect(problems.map(({ code }) => code)).toEqual(codes);
      expect(await world.state()).toEqual(before);
    } finally {
      await session?.end();
    }
  });

  it("refused while the platform's own superuser is connected to the target", async () => {
    await using world = await createWorld({ cluster: platform, pending });
    await platform.psql('postgres', `GRANT rds_superuser TO "${world.user}"`);
    const session = await connected(platform.url({ database: world.database, user: 'rdsadmin' }));
    try {
      await using run = await world.migrate();
      expect(run.result.outputs, run.result.log).toMatchObject({ result: 'refused' });
      const { problems } = await readReport(run.result);
      expect(problems).toMatchObject([{ code: 'SM_FOREIGN_SESSIONS' }]);
      expect(problems[0]?.message).toContain('rdsadmin (superuser): 1');
    } finally {
      await session.end();
    }
  });

  it('refused where the database is named postgres, as on Supabase', async () => {
    await using world = await createWorld({ cluster: platform, pending });
    await platform.psql('postgres', `ALTER DATABASE postgres OWNER TO "${world.user}"`);
    await using run = await world.migrate({
      inputs: { 'database-url': platform.url({ database: 'postgres', user: world.user }) },
    });
    const { problems } = await readReport(run.result);
    expect(problems.map(({ code }) => code)).toContain('SM_MAINTENANCE_DATABASE');
    await platform.psql('postgres', 'ALTER DATABASE postgres OWNER TO postgres');
  });
});
