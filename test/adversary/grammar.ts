import { type Random, randomOf } from '../faults/random.ts';
import type { PostgresCluster } from '../support/postgres.ts';

/** A kind of hostile statement: what it is after, and one of many ways to write it. */
interface Kind {
  readonly name: string;
  /** Needs a superuser. */
  readonly asSuperuser?: true;
  write(random: Random): string;
}

const kind = (name: string, ...ways: readonly (string | ((random: Random) => string))[]): Kind => ({
  name,
  write: (random) => {
    const way = random.pick(ways);
    return typeof way === 'string' ? way : way(random);
  },
});
const superuser = (name: string, ...ways: readonly string[]): Kind => ({
  ...kind(name, ...ways),
  asSuperuser: true,
});
const id = (random: Random): number => 1 + Math.floor(random.number() * 60);

/** What the history is made to say. */
const historyGames: readonly Kind[] = [
  kind(
    'takes its own row out of the history',
    `DELETE FROM _prisma_migrations WHERE finished_at IS NULL;`,
    `DELETE FROM "public"."_prisma_migrations" WHERE migration_name <> '20260101_init';`,
    `DELETE FROM U&"_prisma\\005fmigrations" WHERE finished_at IS NULL;`,
    `WITH gone AS (DELETE FROM _prisma_migrations WHERE finished_at IS NULL RETURNING *) SELECT count(*) FROM gone;`,
    `MERGE INTO _prisma_migrations m USING (SELECT 1) s ON m.finished_at IS NULL WHEN MATCHED THEN DELETE;`,
  ),
  kind('empties the history', `DELETE FROM _prisma_migrations;`, `TRUNCATE _prisma_migrations;`),
  kind(
    'says that it is applied',
    `UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE finished_at IS NULL;`,
  ),
  kind(
    'says that it was rolled back',
    `UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL;`,
  ),
  kind(
    'says that a later migration is applied',
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) SELECT gen_random_uuid()::text, checksum, '20260109_later', now(), 1 FROM _prisma_migrations LIMIT 1;`,
  ),
  kind(
    "pretends that somebody else's deploy was here",
    `INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('f', 'f', '20260108_foreign');`,
  ),
  kind(
    'changes a row that is older than itself',
    `UPDATE _prisma_migrations SET checksum = repeat('b', 64) WHERE migration_name = '20260101_init';`,
  ),
  kind(
    'gives its row another name',
    `UPDATE _prisma_migrations SET id = 'other', migration_name = '20260101_init' WHERE finished_at IS NULL;`,
  ),
  kind(
    'writes the error that it will have had',
    `UPDATE _prisma_migrations SET logs = E'Database error code: 23505\\n' WHERE finished_at IS NULL;`,
  ),
  kind(
    'hides the history behind another table',
    `ALTER TABLE _prisma_migrations RENAME TO m; CREATE TABLE _prisma_migrations AS SELECT * FROM m WHERE finished_at IS NOT NULL;`,
    `CREATE TEMP TABLE _prisma_migrations (LIKE public._prisma_migrations INCLUDING ALL);`,
    `CREATE SCHEMA aside; ALTER TABLE _prisma_migrations SET SCHEMA aside; CREATE VIEW _prisma_migrations AS SELECT * FROM aside._prisma_migrations WHERE finished_at IS NOT NULL;`,
  ),
  kind(
    'puts a trigger or a rule on the history',
    `CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER forget BEFORE UPDATE ON _prisma_migrations FOR EACH ROW EXECUTE FUNCTION forget();`,
    `CREATE RULE forget AS ON UPDATE TO _prisma_migrations DO INSTEAD NOTHING;`,
  ),
  kind(
    'hides rows of the history from who reads it',
    `ALTER TABLE _prisma_migrations ENABLE ROW LEVEL SECURITY; ALTER TABLE _prisma_migrations FORCE ROW LEVEL SECURITY;`,
    `REVOKE ALL ON _prisma_migrations FROM CURRENT_USER;`,
  ),
  kind(
    'takes its row out by a text that it puts together',
    `DO $$ BEGIN EXECUTE 'DELETE FROM _prisma' || '_migrations WHERE finished_at IS NULL'; UPDATE note SET body = 'x'; END $$;`,
    `CREATE FUNCTION clean() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('DELETE FROM %I WHERE finished_at IS NULL', '_prisma' || '_migrations'); END $$; SELECT clean(); DROP FUNCTION clean();`,
  ),
];

/** What rows, sequences and large objects are made to hold. */
const changes: readonly Kind[] = [
  kind(
    'changes rows',
    (random) => `UPDATE customer SET name = 'x' WHERE id = ${id(random)};`,
    `UPDATE customer SET balance = balance + 1;`,
    (random) => `DELETE FROM note WHERE id <= ${id(random)};`,
    `INSERT INTO note SELECT 1000, 'more';`,
    `UPDATE rich SET name = 'y';`,
  ),
  kind(
    'changes rows in the middle of a WITH',
    `WITH gone AS (DELETE FROM note WHERE id < 10 RETURNING id) INSERT INTO audit (what) SELECT id::text FROM gone;`,
    `INSERT INTO customer (id, name) VALUES (1, 'z') ON CONFLICT (id) DO UPDATE SET name = excluded.name;`,
  ),
  kind(
    'merges rows',
    `MERGE INTO note n USING customer c ON n.id = c.id WHEN MATCHED THEN UPDATE SET body = c.name;`,
  ),
  kind(
    'empties a table',
    `TRUNCATE note;`,
    `BEGIN; TRUNCATE note; ROLLBACK;`,
    `TRUNCATE customer RESTART IDENTITY CASCADE;`,
  ),
  kind(
    'sets sequences',
    `SELECT setval('ticket', 1);`,
    `SELECT setval('ticket', 5000000);`,
    `ALTER SEQUENCE ticket RESTART;`,
    `SELECT setval(pg_get_serial_sequence('customer', 'id'), 3);`,
    `ALTER TABLE invoice ALTER id RESTART WITH 9;`,
  ),
  kind('draws numbers', `SELECT nextval('ticket');`, `INSERT INTO customer (name) VALUES ('drawn');`),
  kind(
    'plays with large objects',
    `SELECT lo_from_bytea(0, 'new');`,
    `SELECT lo_put(4711, 0, 'xyz');`,
    `SELECT lo_unlink(4711);`,
    `GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC;`,
    `COMMENT ON LARGE OBJECT 4711 IS 'mine';`,
  ),
  kind(
    'calls an old function that changes rows',
    `SELECT wipe();`,
    `SELECT count(*) FROM customer WHERE wipe() = 1;`,
  ),
  kind(
    'changes rows in a DO block',
    `DO $$ BEGIN UPDATE customer SET name = 'done'; END $$;`,
    `DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM note LOOP UPDATE note SET body = 'x' WHERE id = r.id; END LOOP; END $$;`,
    `DO $$ BEGIN UPDATE customer SET name = 'a'; RAISE 'no'; EXCEPTION WHEN OTHERS THEN UPDATE note SET body = 'b'; END $$;`,
  ),
  kind('runs what it has prepared', `PREPARE p AS UPDATE customer SET name = 'p'; EXECUTE p;`),
  kind(
    'keeps a cursor',
    `BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; COMMIT; UPDATE note SET body = 'held'; CLOSE c;`,
  ),
  kind(
    'redirects what others write',
    `CREATE RULE away AS ON INSERT TO note DO INSTEAD INSERT INTO audit (what) VALUES ('away'); INSERT INTO note VALUES (1, 'x'); DROP RULE away ON note;`,
  ),
  kind(
    'changes the code that others run',
    `CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.audit; RETURN NEW; END';`,
    `ALTER TABLE note DISABLE TRIGGER touched;`,
  ),
  kind(
    'hides a table behind a temporary one',
    `CREATE TEMP TABLE customer (id int, name text); INSERT INTO customer VALUES (1, 'temp'); UPDATE public.customer SET name = 'real' WHERE id = 2;`,
  ),
  kind(
    'moves partitions',
    `ALTER TABLE parted DETACH PARTITION parted_1;`,
    `DELETE FROM parted_1 WHERE id < 5;`,
  ),
  kind(
    'fills views',
    `DELETE FROM invoice WHERE id > 50; REFRESH MATERIALIZED VIEW totals;`,
    `REFRESH MATERIALIZED VIEW totals WITH NO DATA;`,
  ),
  kind('copies a table', `CREATE TABLE mine AS SELECT * FROM customer;`, `SELECT * INTO mine2 FROM note;`),
  kind(
    'breaks a constraint that waits',
    `SET CONSTRAINTS ALL DEFERRED; INSERT INTO invoice (customer_id, total) VALUES (999, 1);`,
  ),
  kind(
    'runs SQL by a function that takes one',
    `SELECT query_to_xml('DELETE FROM note RETURNING 1', true, true, '');`,
  ),
];

/** What the transaction around it is made to be. */
const transactions: readonly Kind[] = [
  kind(
    'commits in between',
    `BEGIN; UPDATE note SET body = 'kept'; COMMIT;`,
    `COMMIT; UPDATE note SET body = 'kept'; BEGIN;`,
  ),
  kind(
    'rolls back in between',
    `ROLLBACK; DELETE FROM note WHERE id = 3;`,
    `BEGIN; DELETE FROM note; ROLLBACK; DELETE FROM audit;`,
  ),
  kind(
    'sets savepoints',
    `BEGIN; SAVEPOINT s; DELETE FROM note; ROLLBACK TO s; INSERT INTO audit (what) VALUES ('s'); RELEASE s; COMMIT;`,
  ),
  kind(
    'prepares its transaction',
    (random) =>
      `BEGIN; DELETE FROM note WHERE id < 9; PREPARE TRANSACTION 'adversary ${Math.floor(random.number() * 1e9)}';`,
  ),
  kind(
    'commits in a DO block',
    `DO $$ BEGIN DELETE FROM note WHERE id = 4; COMMIT; UPDATE customer SET name = 'c'; END $$;`,
  ),
  kind(
    'commits in a procedure',
    `CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM note WHERE id = 5; COMMIT; DELETE FROM _prisma_migrations WHERE finished_at IS NULL; COMMIT; END $$; CALL p(); DROP PROCEDURE p();`,
  ),
  kind(
    'works outside of transactions',
    `CREATE INDEX CONCURRENTLY late ON note (id);`,
    `VACUUM note;`,
    `REINDEX TABLE customer;`,
    `CLUSTER customer USING by_name;`,
  ),
  kind('changes isolation', `BEGIN ISOLATION LEVEL SERIALIZABLE; UPDATE note SET body = 'i'; COMMIT;`),
];

/** What its session is made to be. */
const sessions: readonly Kind[] = [
  kind('lets go of the lock', `SELECT pg_advisory_unlock(72707369);`, `SELECT pg_advisory_unlock_all();`),
  kind('takes another name', `SET application_name = 'erp'; UPDATE note SET body = 'named';`),
  kind(
    'changes its settings',
    `SET search_path = pg_catalog;`,
    `SET lock_timeout = '1ms'; UPDATE note SET body = 'l';`,
    `SET default_transaction_read_only = on;`,
    `SET statement_timeout = '1s'; RESET ALL;`,
    `SET client_min_messages = error; SET row_security = off; SET bytea_output = 'escape'; SET datestyle = 'German';`,
  ),
  kind(
    'becomes another role',
    `SET ROLE FRIEND; INSERT INTO note VALUES (7, 'friend');`,
    `SET ROLE FRIEND; CREATE TABLE of_friend (id int); RESET ROLE;`,
  ),
  kind('forgets everything', `UPDATE note SET body = 'd'; DISCARD ALL;`),
  kind(
    'listens and notifies',
    `LISTEN adversary; NOTIFY adversary, 'x'; UPDATE note SET body = 'n'; UNLISTEN *;`,
  ),
  kind(
    'locks tables',
    `BEGIN; LOCK TABLE customer IN ACCESS EXCLUSIVE MODE; UPDATE customer SET name = 'locked'; COMMIT;`,
  ),
  kind(
    'runs into its own time limit',
    `SET statement_timeout = '20ms'; UPDATE note SET body = 't'; SELECT pg_sleep(1);`,
  ),
];

/** What the catalogs are made to say. */
const definitions: readonly Kind[] = [
  kind(
    'adds and drops',
    `CREATE TABLE fresh (id int); DROP TABLE fresh;`,
    `ALTER TABLE customer ADD COLUMN x int; ALTER TABLE customer DROP COLUMN x;`,
    `DROP TABLE audit CASCADE;`,
  ),
  kind('adds a value to a type', `ALTER TYPE mood ADD VALUE 'ugly';`),
  kind(
    'changes a column',
    `ALTER TABLE customer ALTER name TYPE varchar(99);`,
    `ALTER TABLE note ALTER body SET DEFAULT 'x';`,
    `ALTER TABLE customer ALTER name SET STATISTICS 9;`,
  ),
  kind(
    'grants and revokes',
    `GRANT SELECT ON customer TO PUBLIC;`,
    `REVOKE ALL ON note FROM FRIEND;`,
    `ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;`,
    `GRANT CONNECT ON DATABASE ARENA TO PUBLIC;`,
  ),
  kind(
    'gives things away',
    `ALTER TABLE note OWNER TO FRIEND;`,
    `ALTER LARGE OBJECT 4711 OWNER TO FRIEND;`,
    `ALTER SEQUENCE ticket OWNER TO FRIEND;`,
  ),
  kind(
    'comments',
    `COMMENT ON TABLE note IS 'x';`,
    `COMMENT ON DATABASE ARENA IS 'x';`,
    `COMMENT ON COLUMN note.id IS 'x';`,
  ),
  kind(
    'changes the database',
    `ALTER DATABASE ARENA SET work_mem = '8MB';`,
    `ALTER DATABASE ARENA CONNECTION LIMIT 90;`,
    `ALTER ROLE CURRENT_USER IN DATABASE ARENA SET work_mem = '9MB';`,
  ),
  kind('brings extensions', `CREATE EXTENSION citext;`, `CREATE EXTENSION hstore; DROP EXTENSION hstore;`),
  kind(
    'turns row security on',
    `ALTER TABLE note ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON note USING (false);`,
  ),
];

/** What only a superuser's script may do. */
const asSuperuser: readonly Kind[] = [
  superuser(
    'watches all DDL',
    `CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.note; END'; CREATE EVENT TRIGGER ev ON ddl_command_end EXECUTE FUNCTION ev(); CREATE TABLE fires (id int); DROP TABLE fires; DROP EVENT TRIGGER ev; DROP FUNCTION ev();`,
    `CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER ev ON ddl_command_end EXECUTE FUNCTION ev();`,
  ),
  superuser(
    'writes by another connection',
    `CREATE EXTENSION dblink; SELECT dblink_exec('dbname=ARENA_NAME port=PORT host=HOST user=SUPERUSER password=PASSWORD', 'DELETE FROM public.note WHERE id < 20'); DROP EXTENSION dblink;`,
  ),
  superuser(
    'turns triggers off',
    `SET session_replication_role = replica; DELETE FROM customer WHERE id = 1;`,
  ),
  superuser(
    'copies by a file',
    `COPY customer TO '/dev/null';`,
    `COPY note FROM PROGRAM 'printf "900\\tprogram\\n"';`,
  ),
  superuser('becomes nobody', `SET SESSION AUTHORIZATION FRIEND; INSERT INTO note VALUES (8, 'auth');`),
  superuser(
    'writes the catalogs',
    `UPDATE pg_catalog.pg_class SET reltuples = 1 WHERE relname = 'note';`,
    `UPDATE pg_catalog.pg_description SET description = 'x';`,
  ),
];

export const kinds: readonly Kind[] = [
  ...historyGames,
  ...changes,
  ...transactions,
  ...sessions,
  ...definitions,
  ...asSuperuser,
];

/** How it comes to its end. */
const endings: readonly string[] = [
  `SELECT 1/0;`,
  `INSERT INTO customer (id, name) VALUES (1, 'twice');`,
  `ALTER TABLE nowhere ADD COLUMN x int;`,
  `UPDATE customer SET balance = -1;`,
  `DO $$ BEGIN RAISE 'on purpose'; END $$;`,
  `SELECT pg_terminate_backend(pg_backend_pid());`,
  `SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1);`,
  ``,
];

export interface HostileScript {
  readonly kinds: readonly string[];
  readonly asSuperuser: boolean;
  readonly script: string;
}

/** Script number `index` of a seed: the kinds come round one after the other, so that each has its turn. */
export function hostileScript(seed: string, index: number): HostileScript {
  const random = randomOf(`${seed} ${index}`);
  const first = kinds[index % kinds.length];
  if (first === undefined) throw new RangeError('no kinds');
  const others = random.number() < 0.6 ? [random.pick(kinds)] : [];
  // A game with the history is worth most where something else was changed.
  const change = random.number() < 0.5 ? [random.pick(changes)] : [];
  const chosen = random.number() < 0.5 ? [first, ...others, ...change] : [...change, first, ...others];
  return {
    kinds: chosen.map(({ name }) => name),
    asSuperuser: chosen.some((each) => each.asSuperuser === true),
    script: [...chosen.map((each) => each.write(random)), random.pick(endings)].join('\n'),
  };
}

/** A script with the names of the database in it that it is let loose on. */
export function fillIn(
  script: string,
  { info }: PostgresCluster,
  names: { readonly database: string; readonly friend: string },
): string {
  return script
    .replaceAll('FRIEND', `"${names.friend}"`)
    .replaceAll('ARENA_NAME', names.database)
    .replaceAll('ARENA', `"${names.database}"`)
    .replaceAll('PORT', String(info.port))
    .replaceAll('HOST', info.host)
    .replaceAll('SUPERUSER', info.superuser)
    .replaceAll('PASSWORD', info.password);
}
