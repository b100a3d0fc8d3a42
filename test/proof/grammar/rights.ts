import { kind } from './kind.ts';

const largeObjects = "SELECT oid::text FROM pg_largeobject_metadata WHERE pg_has_role(lomowner, 'USAGE')";

export const rightKinds = [
  kind('grant on a table', async (p) => `GRANT ${p.pick(['SELECT', 'INSERT, UPDATE', 'ALL', 'TRIGGER'])} ON ${await p.table()} TO ${p.grantee()}`, { weight: 2 }),
  kind('grant with grant option', async (p) => `GRANT SELECT, DELETE ON ${await p.relation('rvm')} TO ${p.roles[2]} WITH GRANT OPTION`),
  kind(
    'grant by another role',
    async (p) => {
      const table = await p.table();
      return `GRANT SELECT ON ${table} TO ${p.roles[1]} WITH GRANT OPTION; SET ROLE ${p.roles[1]}; GRANT SELECT ON ${table} TO ${p.roles[2]}; RESET ROLE`;
    },
    { rare: true },
  ),
  kind('grant on columns', async (p) => {
    const { table, name } = await p.column();
    return `GRANT SELECT (${name}), UPDATE (${name}) ON ${table} TO ${p.grantee()}`;
  }),
  kind('right to maintain', async (p) => `GRANT MAINTAIN ON ${await p.table()} TO ${p.grantee()}`, {
    from: 17,
  }),
  kind("owner's rights revoked", async (p) => `REVOKE UPDATE, TRUNCATE ON ${await p.table()} FROM ${p.roles[0]}`),
  kind("owner's right to triggers revoked", async (p) => `REVOKE TRIGGER ON ${await p.table('c.relhastriggers')} FROM ${p.roles[0]}`, { rare: true }),
  kind("all of the owner's rights revoked", async (p) => `REVOKE ALL ON ${await p.relation('v')} FROM ${p.roles[0]}`),
  kind('grant on a schema', async (p) => `GRANT ${p.pick(['USAGE', 'ALL'])} ON SCHEMA ${await p.schema()} TO ${p.grantee()}`),
  kind('grant on a sequence', async (p) => `GRANT ${p.pick(['USAGE', 'SELECT, UPDATE'])} ON SEQUENCE ${await p.relation('S')} TO ${p.grantee()}`),
  kind('public schema closed', () => 'REVOKE ALL ON SCHEMA public FROM PUBLIC'),
  kind('public schema open', () => 'GRANT CREATE ON SCHEMA public TO PUBLIC'),
  kind('default privileges', (p) => `ALTER DEFAULT PRIVILEGES GRANT ${p.pick(['SELECT ON TABLES', 'USAGE ON SEQUENCES', 'EXECUTE ON FUNCTIONS'])} TO ${p.grantee()}`, { weight: 0.5 }),
  kind('default privileges of schemas and types', (p) => `ALTER DEFAULT PRIVILEGES GRANT ${p.pick(['ALL ON SCHEMAS', 'USAGE ON TYPES'])} TO ${p.grantee()}`, { rare: true }),
  kind(
    'default privileges in a schema',
    async (p) => `ALTER DEFAULT PRIVILEGES IN SCHEMA ${await p.schema()} GRANT ${p.pick(['SELECT ON TABLES', 'ALL ON SEQUENCES'])} TO ${p.roles[2]} WITH GRANT OPTION`,
  ),
  kind('default privileges of another role', (p) => `ALTER DEFAULT PRIVILEGES FOR ROLE ${p.roles[1]} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`, { rare: true }),
  kind('default privileges of large objects', (p) => `ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO ${p.grantee()}`, { from: 18 }),
  kind('table of another role', async (p) => `ALTER TABLE ${await p.table('c.relhasindex')} OWNER TO ${p.roles[1]}`, { rare: true }),
  kind('sequence of another role', async (p) => `ALTER SEQUENCE ${await p.relation('S')} OWNER TO ${p.roles[1]}`, { rare: true }),
  kind('grant on the database', (p) => `GRANT ${p.pick(['CREATE', 'TEMPORARY', 'CONNECT'])} ON DATABASE ${p.database} TO ${p.roles[2]}`),
  kind('database closed to the public', (p) => `REVOKE ${p.pick(['CONNECT', 'TEMPORARY', 'ALL'])} ON DATABASE ${p.database} FROM PUBLIC`),
  kind('comment on the database', (p) => `COMMENT ON DATABASE ${p.database} IS 'what it''s for; ünï'`),
  kind('connection limit', (p) => `ALTER DATABASE ${p.database} CONNECTION LIMIT ${50 + p.number(20)}`),
  kind('grant on system functions', () => `GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO pg_monitor`, { by: 'superuser' }),
  kind('revoked system function', () => 'REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC', { by: 'superuser' }),
  kind('revoked language', () => 'REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC', { by: 'superuser' }),
  kind('large object', async (p) => `SELECT lo_from_bytea(${p.number(1e6) + 20_000}, decode(repeat('${p.pick(['00ff', 'ab', '0a5c'])}', ${p.pick([0, 1, 3000])}), 'hex'))`),
  kind('large object with a hole', (p) => `SELECT lo_put(lo_create(${p.number(1e6) + 2e6}), 5000, 'after a hole')`),
  kind('large object of another role', async (p) => `ALTER LARGE OBJECT ${await p.one(largeObjects)} OWNER TO ${p.roles[1]}`, { rare: true }),
  kind('grant on a large object', async (p) => `GRANT SELECT ON LARGE OBJECT ${await p.one(largeObjects)} TO ${p.grantee()}`),
  kind('comment on a large object', async (p) => `COMMENT ON LARGE OBJECT ${await p.one(largeObjects)} IS 'a picture'`),
] as const;
