import { kind } from './kind.ts';

export const typeKinds = [
  kind('enum', async (p) => `CREATE TYPE ${await p.fresh('e')} AS ENUM ('sad', 'so-so', 'it''s "happy"', 'ünï')`, { weight: 2 }),
  kind('enum without labels', async (p) => `CREATE TYPE ${await p.fresh('e')} AS ENUM ()`),
  kind('label between labels', async (p) => {
    const type = await p.type('e');
    const label = await p.one(`SELECT quote_literal(enumlabel) FROM pg_enum WHERE enumtypid = '${type.replaceAll("'", "''")}'::regtype`);
    return `ALTER TYPE ${type} ADD VALUE '${p.number(1e6)}' ${p.pick(['BEFORE', 'AFTER'])} ${label}`;
  }),
  kind('renamed label', async (p) => {
    const type = await p.type('e');
    const label = await p.one(`SELECT quote_literal(enumlabel) FROM pg_enum WHERE enumtypid = '${type.replaceAll("'", "''")}'::regtype`);
    return `ALTER TYPE ${type} RENAME VALUE ${label} TO 'sadder ${p.number(1000)}'`;
  }),
  kind('domain', async (p) => `CREATE DOMAIN ${await p.fresh('d')} AS ${p.pick(['text', 'integer', 'numeric(5, 2)'])} DEFAULT '7' CHECK (VALUE IS NULL OR length(VALUE::text) < 40)`),
  kind('domain with IN', async (p) => `CREATE DOMAIN ${await p.fresh('d')} AS varchar(10) CONSTRAINT ${p.name('among')} CHECK (VALUE IN ('draft', 'sent', 'b', ''))`),
  kind('domain with a collation', async (p) => `CREATE DOMAIN ${await p.fresh('d')} AS text COLLATE "C"`),
  kind('domain check that is not valid', async (p) => `ALTER DOMAIN ${await p.type('d')} ADD CONSTRAINT ${p.name('dc')} CHECK (VALUE::text <> 'x') NOT VALID`),
  kind('domain that is not null', async (p) => `CREATE DOMAIN ${await p.fresh('d')} AS integer NOT NULL DEFAULT 1`),
  kind('composite type', async (p) => `CREATE TYPE ${await p.fresh('k')} AS (${p.name('a')} integer, ${p.name('b')} text COLLATE "C", ${p.name('c')} date[])`),
  kind('attribute of a composite type', async (p) => `ALTER TYPE ${await p.type('c')} ADD ATTRIBUTE ${p.name('more')} numeric CASCADE`),
  kind('dropped attribute', async (p) => {
    const type = await p.type('c');
    const name = await p.one(
      `SELECT format('%I', attname) FROM pg_attribute a JOIN pg_type t ON t.typrelid = a.attrelid WHERE t.oid = '${type.replaceAll("'", "''")}'::regtype AND attnum > 1 AND NOT attisdropped`,
    );
    return `ALTER TYPE ${type} DROP ATTRIBUTE ${name} CASCADE`;
  }),
  kind('range type', async (p) => `CREATE TYPE ${await p.fresh('r')} AS RANGE (subtype = ${p.pick(['double precision', 'time', 'text'])})`),
  kind('range type with a collation', async (p) => `CREATE TYPE ${await p.fresh('r')} AS RANGE (subtype = text, collation = "C", multirange_type_name = ${await p.fresh('m')})`),
  kind('shell type', async (p) => `CREATE TYPE ${await p.fresh('shell')}`),
  kind(
    'base type',
    async (p) => {
      const schema = await p.schema();
      const [type, input, output] = [`${schema}.${p.name('base')}`, `${schema}.${p.name('in')}`, `${schema}.${p.name('out')}`];
      return `CREATE TYPE ${type};
      CREATE FUNCTION ${input}(cstring) RETURNS ${type} LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
      CREATE FUNCTION ${output}(${type}) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
      CREATE TYPE ${type} (INPUT = ${input}, OUTPUT = ${output}, LIKE = integer, CATEGORY = 'N', PREFERRED = false)`;
    },
    { by: 'superuser' },
  ),
  kind('renamed type', async (p) => `ALTER TYPE ${await p.type('ed')} RENAME TO ${p.name('ty')}`),
  kind('renamed range type', async (p) => `ALTER TYPE ${await p.type('r')} RENAME TO ${p.name('ty')}`, {
    rare: true,
  }),
  kind('type of another role', async (p) => `ALTER TYPE ${await p.type()} OWNER TO ${p.roles[1]}`, {
    rare: true,
  }),
  kind('grant on a type', async (p) => `GRANT USAGE ON TYPE ${await p.type()} TO ${p.grantee()}`),
  kind('revoked type', async (p) => `REVOKE USAGE ON TYPE ${await p.type()} FROM PUBLIC`),
] as const;
