import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { compareWithFailed } from '../../src/database/postgres/compare-with-failed.ts';
import { dropCopy } from '../../src/database/postgres/drop-copy.ts';
import { inspect } from '../../src/database/postgres/inspect.ts';
import { readHistory } from '../../src/prisma/history.ts';
import { prove, recordingLog, serverOf, takeBackup } from '../integration/database/proving.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared-servers.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

/** A database of `app` in which `mallory` may create things in one schema, and tries to become a superuser by them. */
interface Place {
  readonly database: string;
  readonly app: string;
  readonly mallory: string;
  /** Runs as mallory, in her schema. */
  plant(sql: string): Promise<void>;
  /** Whether mallory has become anything. */
  isSuperuser(): Promise<boolean>;
}

/** Functions that make their author a superuser when somebody mighty runs them, whatever role that one has put on before. */
const takeover = (mallory: string) => `
  CREATE FUNCTION take() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN
    BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN OTHERS THEN NULL; END;
    BEGIN EXECUTE 'ALTER ROLE "${mallory}" SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
    RETURN true; END $$;
  CREATE FUNCTION is_fine(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM open.take(); RETURN true; END $$;
  CREATE FUNCTION is_fine(int, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM open.take(); RETURN true; END $$;
  CREATE FUNCTION same(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM open.take(); RETURN $1; END $$;
  CREATE FUNCTION react() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM open.take(); RETURN NEW; END $$;`;

async function place(): Promise<Place> {
  const suffix = randomBytes(4).toString('hex');
  const mallory = `mallory_${suffix}`;
  const { database, user: app } = await cluster.createOwnedDatabase('hostile');
  await cluster.createRole(mallory, { attributes: '' });
  await cluster.psql(
    database,
    `CREATE SCHEMA open; GRANT USAGE, CREATE ON SCHEMA open TO "${mallory}", "${app}";
     CREATE TABLE "_prisma_migrations" (id text PRIMARY KEY, checksum text, migration_name text, started_at timestamptz,
       finished_at timestamptz, rolled_back_at timestamptz, applied_steps_count int, logs text);
     CREATE TABLE notes (id int PRIMARY KEY); INSERT INTO notes VALUES (1);
     ALTER TABLE notes OWNER TO "${app}"; ALTER TABLE "_prisma_migrations" OWNER TO "${app}";`,
  );
  const plant = async (sql: string): Promise<void> => {
    await cluster.psql(database, `SET search_path = open; ${sql}`, { user: mallory });
  };
  await plant(takeover(mallory));
  return {
    database,
    app,
    mallory,
    plant,
    isSuperuser: async () =>
      (await cluster.psql('postgres', `SELECT rolsuper FROM pg_roles WHERE rolname = '${mallory}'`)) === 't',
  };
}

/** What pg_restore would compute as the role that restores, while it loads rows. */
const loaded: Readonly<Record<string, string>> = {
  'a CHECK': 'CREATE TABLE t (id int CHECK (is_fine(id))); INSERT INTO t VALUES (1)',
  'a generated column':
    'CREATE TABLE t (id int, twice int GENERATED ALWAYS AS (same(id)) STORED); INSERT INTO t VALUES (1)',
  'a domain':
    'CREATE DOMAIN d AS int CHECK (is_fine(VALUE)); CREATE TABLE t (id d); INSERT INTO t VALUES (1)',
  'an operator in a CHECK':
    'CREATE OPERATOR ==== (FUNCTION = is_fine, LEFTARG = int, RIGHTARG = int); CREATE TABLE t (id int CHECK (id OPERATOR(open.====) id)); INSERT INTO t VALUES (1)',
  'a cast in a CHECK': `CREATE TYPE mood AS ENUM ('ok'); CREATE FUNCTION to_number(mood) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM open.take(); RETURN 1; END $$;
     CREATE CAST (mood AS int) WITH FUNCTION to_number(mood); CREATE TABLE t (m mood CHECK (m::int > 0)); INSERT INTO t VALUES ('ok')`,
  'the key of a partitioned table':
    'CREATE TABLE t (id int) PARTITION BY LIST (same(id)); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); INSERT INTO t VALUES (1)',
  'a function below one whose body the catalog knows': `
     CREATE FUNCTION deeper(int) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN open.is_fine($1);
     CREATE TABLE t (id int CHECK (deeper(id))); INSERT INTO t VALUES (1)`,
};

/** What is computed as the table's owner, who cannot get out of that role there, or not at all. */
const contained: Readonly<Record<string, string>> = {
  'an index expression': 'CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE INDEX ON t (same(id))',
  'an index predicate':
    'CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE INDEX ON t (id) WHERE is_fine(id)',
  'an exclusion constraint':
    'CREATE TABLE t (id int, EXCLUDE USING btree (same(id) WITH =)); INSERT INTO t VALUES (1)',
  statistics:
    'CREATE TABLE t (id int, n int); INSERT INTO t SELECT g, g FROM generate_series(1, 500) g; CREATE STATISTICS s ON (same(id)), n FROM t',
  'a materialized view': 'CREATE MATERIALIZED VIEW m AS SELECT same(1)',
  'triggers, also those that always fire': `CREATE TABLE t (id int); INSERT INTO t VALUES (1);
     CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION react(); ALTER TABLE t ENABLE ALWAYS TRIGGER a;
     CREATE CONSTRAINT TRIGGER b AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION react()`,
  'a default, a view, a rule and a policy': `CREATE TABLE t (id int DEFAULT same(1)); INSERT INTO t VALUES (1);
     CREATE VIEW v AS SELECT same(id) FROM t; CREATE RULE r AS ON INSERT TO t DO ALSO SELECT take();
     ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (is_fine(id))`,
};

describe('code of another role, in a database that a superuser backs up', () => {
  it.each(Object.entries(loaded))('in %s is refused by name before anything is loaded', async (_, sql) => {
    const { database, plant, mallory, isSuperuser } = await place();
    await plant(sql);
    const server = await serverOf(cluster.url({ database }));
    await using session = await server.connect(database);
    const facts = await inspect(session, server.version);
    const obstacle = facts.obstacles.find(({ code }) => code === 'SM_FOREIGN_CODE');
    expect(obstacle?.message).toContain(`of ${mallory}`);
    expect(obstacle?.message).toMatch(/function open\.\w+\(/);
    expect(obstacle?.closes).toContain('swap');
    // Also where nobody has looked before: a stored backup may hold what the target does not.
    await using backup = await takeBackup(server);
    await expect(prove(server, backup)).rejects.toMatchObject({ code: 'SM_FOREIGN_CODE' });
    expect(await isSuperuser()).toBe(false);
    expect(await cluster.databases()).not.toContain(`${database}__fallback_r1`);
  });

  it('in indexes, statistics, materialized views, triggers, defaults and the like runs as its owner, or not at all', async () => {
    const { database, plant, isSuperuser } = await place();
    for (const [number, sql] of Object.values(contained).entries()) {
      await plant(sql.replaceAll(/\bt\b/g, `t${number}`));
    }
    const server = await serverOf(cluster.url({ database }));
    await using session = await server.connect(database);
    expect((await inspect(session, server.version)).obstacles).toEqual([]);
    await using backup = await takeBackup(server);
    const fallback = await prove(server, backup);
    expect(await isSuperuser()).toBe(false);
    await dropCopy(session, database, fallback.name);
  });

  it('in an index of a table of the superuser is refused: it would run as that one', async () => {
    const { database, isSuperuser } = await place();
    await cluster.psql(database, 'CREATE TABLE theirs (id int); CREATE INDEX ON theirs (open.same(id))');
    const server = await serverOf(cluster.url({ database }));
    await using backup = await takeBackup(server);
    await using session = await server.connect(database);
    const { obstacles } = await inspect(session, server.version);
    expect(obstacles).toMatchObject([{ code: 'SM_FOREIGN_CODE' }]);
    expect(await isSuperuser()).toBe(false);
    expect(backup.fingerprint.tables.length).toBeGreaterThan(0);
  });
});

describe('code of the own role', () => {
  it('is no reason to refuse: its owner backs up what a superuser may not', async () => {
    const { database, app } = await place();
    await cluster.psql(
      database,
      `DROP SCHEMA open CASCADE; CREATE FUNCTION is_even(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = 0';
       ALTER FUNCTION is_even(int) OWNER TO "${app}"; ALTER TABLE notes ADD COLUMN n int CHECK (public.is_even(n))`,
    );
    const obstaclesFor = async (url: string) => {
      const server = await serverOf(url);
      await using session = await server.connect(database);
      return (await inspect(session, server.version)).obstacles.map(({ code }) => code);
    };
    expect(await obstaclesFor(cluster.url({ database, user: app }))).toEqual([]);
    expect(await obstaclesFor(cluster.url({ database }))).toEqual(['SM_FOREIGN_CODE']);
    // A login that has nothing but its membership gains nothing by the owner's code.
    const migrator = `${app}_migrator`;
    await cluster.createRole(migrator);
    await cluster.psql('postgres', `GRANT "${app}" TO "${migrator}"`);
    expect(await obstaclesFor(cluster.url({ database, user: migrator }))).toEqual([]);
    // One that may do more does.
    await cluster.psql('postgres', `GRANT pg_read_all_data TO "${migrator}"`);
    expect(await obstaclesFor(cluster.url({ database, user: migrator }))).toEqual(['SM_FOREIGN_CODE']);
    // And a superuser's functions may be called by everybody, those of a trusted extension as well, whoever created it.
    await cluster.psql(database, 'ALTER FUNCTION is_even(int) OWNER TO postgres');
    await cluster.psql(
      database,
      `GRANT CREATE ON SCHEMA public TO "${app}"; SET ROLE "${app}"; CREATE EXTENSION citext SCHEMA public;
       CREATE TABLE mails (mail public.citext CHECK (mail OPERATOR(public.<>) 'x'))`,
    );
    expect(await obstaclesFor(cluster.url({ database }))).toEqual([]);
  });
});

describe('reading rows runs no code of the types that they have', () => {
  it.each([
    ['an enum', `CREATE TYPE mood AS ENUM ('bad', 'ok')`, `'ok'`],
    ['a composite type', 'CREATE TYPE mood AS (a int, b text)', `ROW(1, 'x')`],
    ['a range', 'CREATE TYPE mood AS RANGE (subtype = numeric)', `'[1,2)'`],
  ])('as keys of %s with casts of its own', async (_, type, value) => {
    const { database, plant, isSuperuser } = await place();
    await plant(`${type};
      CREATE FUNCTION shown(mood) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM open.take(); RETURN 'shown'; END $$;
      CREATE FUNCTION as_json(mood) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM open.take(); RETURN '1'; END $$;
      CREATE CAST (mood AS text) WITH FUNCTION shown(mood) AS ASSIGNMENT;
      CREATE CAST (mood AS json) WITH FUNCTION as_json(mood);
      CREATE TABLE t (id mood PRIMARY KEY, v mood); INSERT INTO t VALUES (${value}, ${value})`);
    const server = await serverOf(cluster.url({ database }));
    const failed = `${database}__failed_r1`;
    await cluster.psql(
      'postgres',
      `CREATE DATABASE "${failed}" TEMPLATE "${database}";
       COMMENT ON DATABASE "${failed}" IS 'safe-migrate {"format":1,"kind":"failed","target":"${database}","run":"r1"}'`,
    );
    await cluster.psql(database, 'DELETE FROM open.t');
    await using backup = await takeBackup(server);
    await using session = await server.connect(database);
    const differences = await compareWithFailed(
      server,
      session,
      { failedName: failed, xidAtSwap: 2 ** 31, before: { ...backup.fingerprint, tables: [] }, jobs: 1 },
      recordingLog().log,
    );
    expect(differences).toMatchObject([{ table: 't', onlyInFailed: 1, key: ['id'] }]);
    expect(differences[0]?.sampleKeys[0]).not.toContain('shown');
    expect(await isSuperuser()).toBe(false);
    await dropCopy(session, database, failed);
  });

  it('in the migration history, whatever types its columns have been given', async () => {
    const { database, app, plant, isSuperuser } = await place();
    await plant(`CREATE TYPE mood AS ENUM ('2026-01-01 00:00:00+00', '1');
      CREATE FUNCTION shown(mood) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM open.take(); RETURN 'shown'; END $$;
      CREATE FUNCTION as_json(mood) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM open.take(); RETURN '1'; END $$;
      CREATE FUNCTION as_time(mood) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM open.take(); RETURN now(); END $$;
      CREATE CAST (mood AS text) WITH FUNCTION shown(mood) AS IMPLICIT;
      CREATE CAST (mood AS json) WITH FUNCTION as_json(mood) AS IMPLICIT;
      CREATE CAST (mood AS timestamptz) WITH FUNCTION as_time(mood) AS IMPLICIT`);
    await cluster.psql(
      database,
      `DROP TABLE "_prisma_migrations"; CREATE TABLE "_prisma_migrations" (id open.mood, checksum open.mood,
         migration_name open.mood, started_at open.mood, finished_at open.mood, rolled_back_at open.mood,
         applied_steps_count open.mood, logs open.mood);
       INSERT INTO "_prisma_migrations" VALUES ('1', '1', '1', '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00', null, '1', '1')`,
      { user: app },
    );
    const server = await serverOf(cluster.url({ database }));
    await using session = await server.connect(database);
    expect(await readHistory(session, 'public')).toMatchObject([
      {
        id: '1',
        startedAt: '2026-01-01T00:00:00.000000Z',
        rolledBackAt: null,
        appliedStepsCount: 1,
        logs: '1',
      },
    ]);
    expect(await isSuperuser()).toBe(false);
  });
});
