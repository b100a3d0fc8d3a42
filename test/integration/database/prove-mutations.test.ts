import { beforeAll, expect, test } from 'vitest';
import { compareProperties } from '../../../src/database/postgres/copy/replay-properties.ts';
import { fingerprintDatabase } from '../../../src/database/postgres/fingerprint/fingerprint.ts';
import { compareFingerprints } from '../../../src/database/postgres/prove/compare-fingerprints.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { propertiesOf, prove, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

const schema = (reader: string) => `
  CREATE EXTENSION citext;
  CREATE TABLE of_extension (id int PRIMARY KEY, v text);
  CREATE TABLE parents (id int PRIMARY KEY, name text COLLATE "C", note text, kind varchar(10));
  CREATE TABLE children (id serial PRIMARY KEY, parent int REFERENCES parents (id), t text, n int, ts tsvector);
  ALTER TABLE children ADD CONSTRAINT children_n_check CHECK (n > 0) NOT VALID;
  CREATE UNLOGGED TABLE fleeting (id int);
  INSERT INTO parents VALUES (1, 'a', 'b', 'c'), (2, 'd', 'e', 'f');
  INSERT INTO children (parent, t) VALUES (1, 'x'), (2, 'y');
  CREATE INDEX by_t ON children (t); CREATE INDEX by_n ON children (n) WHERE n > 1;
  CREATE VIEW seen AS SELECT id FROM parents;
  CREATE MATERIALIZED VIEW kept AS SELECT count(*) AS n FROM parents;
  CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
  CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER tr BEFORE INSERT ON parents FOR EACH ROW EXECUTE FUNCTION g();
  CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN short AS text;
  CREATE POLICY pol ON parents FOR SELECT TO ${reader} USING (true);
  CREATE STATISTICS st ON name, note FROM parents;
  CREATE PUBLICATION pub FOR TABLE parents;
  CREATE RULE ru AS ON DELETE TO children DO ALSO NOTHING;
  CREATE TEXT SEARCH CONFIGURATION conf (COPY = pg_catalog.english);
  COMMENT ON COLUMN parents.note IS 'what is noted';
  GRANT SELECT ON parents TO ${reader};
  ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ${reader};
  SELECT setval('children_id_seq', 7, false); SELECT lo_from_bytea(4711, 'content');`;

/** What is done to the copy, and how the comparison names it. */
const mutations = (reader: string): readonly (readonly [string, RegExp])[] => [
  ['DROP INDEX by_t', /^index public\.by_t is missing$/],
  [`ALTER TABLE fleeting OWNER TO ${reader}`, /^table public\.fleeting: relowner is \S+ instead of /],
  [
    'ALTER TABLE parents DISABLE TRIGGER ALL',
    /^trigger of constraint children_parent_fkey of public\.children: .* on public\.parents: tgenabled is D instead of O$/,
  ],
  ['DELETE FROM parents WHERE id = 2', /^table public\.parents has 1 rows instead of 2$/],
  [
    `SELECT setval('children_id_seq', 7, true)`,
    /^sequence public\.children_id_seq stands at 7 instead of 7 \(not yet used\)$/,
  ],
  [
    'ALTER TABLE parents ALTER name TYPE text COLLATE "POSIX"',
    /^column public\.parents\.name: attcollation is "POSIX" instead of "C"$/,
  ],
  [
    `COMMENT ON COLUMN parents.note IS 'else'`,
    /^comment table column public\.parents\.note: description differs$/,
  ],
  ['ALTER POLICY pol ON parents TO PUBLIC', /^policy pol on public\.parents: polroles is PUBLIC instead of /],
  [
    'ALTER TABLE parents ALTER note SET STATISTICS 500',
    /^column public\.parents\.note: attstattarget is 500 instead of -1$/,
  ],
  [
    'ALTER TABLE parents ALTER note SET STORAGE EXTERNAL',
    /^column public\.parents\.note: attstorage is e instead of x$/,
  ],
  [
    'ALTER TABLE parents ALTER note SET COMPRESSION pglz',
    /^column public\.parents\.note: attcompression is p instead of not set$/,
  ],
  ['ALTER TABLE children SET (fillfactor = 70)', /^table public\.children: reloptions differs$/],
  [
    'ALTER TABLE children SET (toast.autovacuum_enabled = off)',
    /^table public\.children: toastOptions differs$/,
  ],
  ['ALTER TABLE children REPLICA IDENTITY FULL', /^table public\.children: relreplident is f instead of d$/],
  [
    'ALTER TABLE children VALIDATE CONSTRAINT children_n_check',
    /^constraint children_n_check of public\.children: convalidated is true instead of not set$/,
  ],
  [
    'ALTER TABLE children CLUSTER ON children_pkey',
    /^index definition public\.children_pkey: indisclustered is true instead of not set$/,
  ],
  ['ALTER TABLE children DISABLE RULE ru', /^rule ru on public\.children: ev_enabled is D instead of O$/],
  [
    'ALTER SEQUENCE children_id_seq OWNED BY NONE',
    /^sequence public\.children_id_seq: ownedBy is not set instead of public\.children\.id$/,
  ],
  [
    'ALTER SEQUENCE children_id_seq CACHE 20',
    /^sequence definition public\.children_id_seq: seqcache is 20 instead of 1$/,
  ],
  ['ALTER FUNCTION f(int) VOLATILE', /^function public\.f\(integer\): provolatile is v instead of i$/],
  ['REVOKE EXECUTE ON FUNCTION f(int) FROM PUBLIC', /^function public\.f\(integer\): proacl is /],
  [
    `ALTER TYPE mood ADD VALUE 'so-so' BEFORE 'glad'`,
    /^enum value public\.mood 'glad': enumsortorder is 3 instead of 2$/,
  ],
  [`ALTER DOMAIN short OWNER TO ${reader}`, /^domain public\.short: typowner is /],
  [
    'ALTER STATISTICS st SET STATISTICS 9',
    /^statistics object public\.st: stxstattarget is 9 instead of -1$/,
  ],
  ['ALTER PUBLICATION pub SET (publish = insert)', /^publication pub: pubupdate is not set instead of true$/],
  [
    'ALTER TEXT SEARCH CONFIGURATION conf DROP MAPPING FOR word',
    /^text search mapping public\.conf 2 1 is missing$/,
  ],
  [
    `ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM ${reader}`,
    /^default privileges .* r( |$).*(is missing|defaclacl)/,
  ],
  [
    `ALTER LARGE OBJECT 4711 OWNER TO ${reader}`,
    /^large objects: 1 as expected, but not the same contents, owners or grants$/,
  ],
  [`ALTER VIEW seen OWNER TO ${reader}`, /^view public\.seen: relowner is /],
  [
    'ALTER EXTENSION citext ADD TABLE of_extension',
    /^member of extension citext: table public\.of_extension/,
  ],
  [`GRANT UPDATE (t) ON children TO ${reader}`, /^column public\.children\.t: attacl is /],
  ['DROP TRIGGER tr ON parents', /^trigger tr on public\.parents is missing$/],
];

test('whatever is changed in the copy between restore and comparison is found and named', async () => {
  const { database } = await cluster.createOwnedDatabase('mutated');
  const reader = `${database}_reader`;
  await cluster.createRole(reader);
  await cluster.psql(database, schema(reader));
  await cluster.psql('postgres', `ALTER ROLE ${reader} IN DATABASE ${database} SET work_mem = '8MB'`);
  const server = await serverOf(cluster.url({ database }));
  await using backup = await takeBackup(server);
  const copy = await prove(server, backup);
  expect(copy.told).toEqual([]);

  await cluster.psql(
    'postgres',
    `ALTER DATABASE ${copy.name} ALLOW_CONNECTIONS true; ALTER ROLE ${reader} IN DATABASE ${copy.name} SET work_mem = '9MB'`,
  );
  const made = mutations(reader);
  for (const [statement] of made) await cluster.psql(copy.name, statement);
  const options = { jobs: 2, signal: new AbortController().signal };
  const { fingerprint } = await fingerprintDatabase(server, copy.name, options);
  const { differences, told } = compareFingerprints(backup.fingerprint, fingerprint);
  const found = [...differences, ...told];
  for (const [statement, sentence] of made)
    expect(
      found.some((each) => sentence.test(each)),
      `${statement}\n${found.join('\n')}`,
    ).toBe(true);
  expect(compareProperties(backup.properties, await propertiesOf(server, copy.name))).toEqual([
    `its settings for role ${reader} differ`,
  ]);
});
