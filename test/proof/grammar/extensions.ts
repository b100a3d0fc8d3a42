import { kind } from './kind.ts';

const ours = "SELECT format('%I', extname) FROM pg_extension WHERE extname <> 'plpgsql' AND pg_has_role(extowner, 'USAGE')";
const isThere = async (extension: string, one: (sql: string) => Promise<string>) =>
  one(`SELECT n.nspname FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = '${extension}'`);

/** Contrib's that an ordinary owner may create. */
const trusted = (name: string) =>
  kind(`extension ${name}`, async (p) => `CREATE EXTENSION ${name} SCHEMA ${await p.schema()}`, {
    weight: 0.8,
  });

export const extensionKinds = [
  ...['citext', 'hstore', 'ltree', 'pg_trgm', 'btree_gist', 'btree_gin', 'pgcrypto', 'cube', 'unaccent', 'intarray'].map(trusted),
  kind('extension in an old version', (p) => `CREATE EXTENSION ${p.pick(["citext VERSION '1.5'", "hstore VERSION '1.7'", "pg_trgm VERSION '1.5'", "ltree VERSION '1.1'"])}`),
  kind('extension postgres_fdw', () => 'CREATE EXTENSION postgres_fdw', { by: 'superuser', weight: 2 }),
  kind('untrusted extension', (p) => `CREATE EXTENSION ${p.pick(['pageinspect', 'amcheck', 'earthdistance CASCADE'])}`, { by: 'superuser' }),
  kind("a superuser's extension", () => 'CREATE EXTENSION pg_freespacemap', { foreign: true }),
  kind('queue extension', () => 'CREATE EXTENSION proof_queue'),
  kind('vault extension', () => 'CREATE EXTENSION proof_vault'),
  kind('extension of unregistered tables', (p) => `CREATE EXTENSION proof_plain SCHEMA ${p.pick(['public', 'public'])}`),
  kind(
    'messages in the queue',
    async (p) => {
      await isThere('proof_queue', (sql) => p.one(sql));
      return `INSERT INTO proof_net.queue (url) SELECT 'http://nowhere/' || g FROM generate_series(1, ${p.number(20) + 1}) g`;
    },
    { rare: true },
  ),
  kind(
    'secrets in the vault',
    async (p) => {
      await isThere('proof_vault', (sql) => p.one(sql));
      return `INSERT INTO proof_vault.secrets (name, secret) SELECT 'n' || g, 'xyz' FROM generate_series(1, ${p.number(9) + 1}) g`;
    },
    { weight: 2 },
  ),
  kind(
    'keys of the vault',
    async (p) => {
      await isThere('proof_vault', (sql) => p.one(sql));
      return `INSERT INTO proof_vault.keys (name, builtin) VALUES ('own ${p.number(1000)}', false)`;
    },
    { rare: true },
  ),
  kind(
    'built-in row of the vault edited',
    async (p) => {
      await isThere('proof_vault', (sql) => p.one(sql));
      return `UPDATE proof_vault.keys SET name = 'edited ${p.number(1000)}' WHERE builtin`;
    },
    { rare: true },
  ),
  kind(
    'unregistered rows edited',
    async (p) => {
      const schema = await isThere('proof_plain', (sql) => p.one(sql));
      return p.pick([
        `UPDATE "${schema}".lookup SET label = label || '!' WHERE id = 1`,
        `DELETE FROM "${schema}".lookup WHERE id = 2`,
        `INSERT INTO "${schema}".lookup VALUES (${p.number(1000) + 10}, 'ours')`,
      ]);
    },
    { rare: true },
  ),
  kind(
    'index on an extension table',
    async (p) => {
      const schema = await isThere('proof_plain', (sql) => p.one(sql));
      return `CREATE INDEX ${p.name('i')} ON "${schema}".lookup (label)`;
    },
    { rare: true },
  ),
  kind(
    'index of an extension table changed',
    async (p) =>
      `ALTER INDEX ${await p.one("SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname IN ('lookup_pkey', 'secrets_pkey') AND pg_has_role(c.relowner, 'USAGE')")} ${p.pick(['SET (fillfactor = 66)', 'RENAME TO own_pkey'])}`,
    { rare: true },
  ),
  kind(
    'trigger on an extension table',
    async (p) => {
      const schema = await isThere('proof_plain', (sql) => p.one(sql));
      return `CREATE TRIGGER ${p.name('tr')} BEFORE UPDATE ON "${schema}".lookup FOR EACH ROW EXECUTE FUNCTION ${await p.callable("p.prorettype = 'trigger'::regtype")}()`;
    },
    { rare: true },
  ),
  kind('grant on an extension table', async (p) => {
    const schema = await isThere('proof_plain', (sql) => p.one(sql));
    return `GRANT SELECT ON "${schema}".lookup TO ${p.roles[2]}`;
  }),
  kind(
    'comment on an extension table',
    async (p) => {
      const schema = await isThere('proof_plain', (sql) => p.one(sql));
      return `COMMENT ON TABLE "${schema}".lookup IS 'edited by us'`;
    },
    { rare: true },
  ),
  kind(
    'column added to an extension table',
    async (p) => {
      const schema = await isThere('proof_plain', (sql) => p.one(sql));
      return `ALTER TABLE "${schema}".lookup ADD ${p.name('c')} integer DEFAULT 5`;
    },
    { rare: true },
  ),
  kind(
    'policy on an extension table',
    async (p) => {
      const schema = await isThere('proof_plain', (sql) => p.one(sql));
      return `CREATE POLICY ${p.name('po')} ON "${schema}".lookup USING (id > 0)`;
    },
    { rare: true },
  ),
  kind('table added to an extension', async (p) => `ALTER EXTENSION ${await p.one(ours)} ADD TABLE ${await p.table()}`, { rare: true }),
  kind('function added to an extension', async (p) => `ALTER EXTENSION ${await p.one(ours)} ADD FUNCTION ${await p.routine("p.prokind = 'f'")}`, { rare: true }),
  kind(
    'sequence added to an extension',
    async (p) => `ALTER EXTENSION ${await p.one(ours)} ADD SEQUENCE ${await p.relation('S', "NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('i', 'a'))")}`,
    { rare: true },
  ),
  kind('view added to an extension', async (p) => `ALTER EXTENSION ${await p.one(ours)} ADD VIEW ${await p.relation('v')}`, { rare: true }),
  kind('member dropped from an extension', () => 'ALTER EXTENSION proof_plain DROP FUNCTION proof_plain_label(integer)', { rare: true }),
  kind(
    'function of an extension replaced',
    async (p) => {
      const schema = await isThere('proof_plain', (sql) => p.one(sql));
      return `ALTER FUNCTION "${schema}".proof_plain_label(integer) COST 99 SET search_path = ''`;
    },
    { rare: true },
  ),
  kind('grant on an extension function', async (p) => {
    const schema = await isThere('proof_plain', (sql) => p.one(sql));
    return `REVOKE ALL ON FUNCTION "${schema}".proof_plain_label(integer) FROM PUBLIC`;
  }),
  kind('extension moved', async (p) => `ALTER EXTENSION ${p.pick(['citext', 'hstore', 'pg_trgm'])} SET SCHEMA ${await p.schema()}`),
  kind(
    'column of an extension type',
    async (p) => {
      const type = await p.one("SELECT format('%I.%I', n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typname IN ('citext', 'hstore', 'ltree', 'cube')");
      return `ALTER TABLE ${await p.table()} ADD ${p.name('x')} ${type}`;
    },
    { weight: 2 },
  ),
  kind('index of an extension opclass', async (p) => {
    const { table, name } = await p.column('^text$');
    const opclass = await p.one("SELECT format('%I.%I', n.nspname, o.opcname) FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace WHERE o.opcname IN ('gin_trgm_ops')");
    return `CREATE INDEX ${p.name('i')} ON ${table} USING gin (${name} ${opclass})`;
  }),
] as const;

/** Small extensions like those that platforms have: files of the server's extension folder. */
export const ownExtensions: Readonly<Record<string, string>> = {
  'proof_queue.control': "comment = 'a queue of requests'\ndefault_version = '1.0'\nrelocatable = false\nsuperuser = true\ntrusted = true\n",
  'proof_queue--1.0.sql': `CREATE SCHEMA proof_net;
    CREATE UNLOGGED TABLE proof_net.queue (id bigserial PRIMARY KEY, url text NOT NULL);
    CREATE UNLOGGED TABLE proof_net.answer (id bigint, status integer, created timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON proof_net.answer (created);
    CREATE FUNCTION proof_net.get(url text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO proof_net.queue (url) VALUES (url) RETURNING id';
    GRANT USAGE ON SCHEMA proof_net TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA proof_net TO PUBLIC; GRANT ALL ON ALL SEQUENCES IN SCHEMA proof_net TO PUBLIC;\n`,
  'proof_vault.control': "comment = 'secrets'\ndefault_version = '1.0'\nrelocatable = false\nsuperuser = true\ntrusted = true\n",
  'proof_vault--1.0.sql': `CREATE SCHEMA proof_vault;
    CREATE TABLE proof_vault.secrets (id serial PRIMARY KEY, name text UNIQUE, secret text NOT NULL, created timestamptz DEFAULT now());
    CREATE TABLE proof_vault.keys (id serial PRIMARY KEY, name text, builtin boolean DEFAULT true);
    INSERT INTO proof_vault.keys (name) VALUES ('root'), ('spare');
    CREATE VIEW proof_vault.decrypted AS SELECT id, name, reverse(secret) AS secret FROM proof_vault.secrets;
    SELECT pg_catalog.pg_extension_config_dump('proof_vault.secrets', '');
    SELECT pg_catalog.pg_extension_config_dump('proof_vault.secrets_id_seq', '');
    SELECT pg_catalog.pg_extension_config_dump('proof_vault.keys', 'WHERE NOT builtin');
    GRANT USAGE ON SCHEMA proof_vault TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA proof_vault TO PUBLIC; GRANT ALL ON ALL SEQUENCES IN SCHEMA proof_vault TO PUBLIC;\n`,
  'proof_plain.control': "comment = 'tables that are not registered'\ndefault_version = '1.0'\nrelocatable = true\nsuperuser = false\n",
  'proof_plain--1.0.sql': `CREATE TABLE lookup (id integer PRIMARY KEY, label text);
    INSERT INTO lookup VALUES (1, 'one'), (2, 'two'), (3, 'three');
    CREATE FUNCTION proof_plain_label(integer) RETURNS text LANGUAGE sql STABLE AS 'SELECT label FROM lookup WHERE id = $1';\n`,
};
