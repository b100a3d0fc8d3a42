import { kind } from './kind.ts';

export const functionKinds = [
  kind('function in SQL', async (p) => `CREATE FUNCTION ${await p.fresh('f')}(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 + ${p.number(9)}'`, { weight: 2 }),
  kind(
    'function with a body of its own',
    async (p) => `CREATE FUNCTION ${await p.fresh('f')}(x text) RETURNS boolean LANGUAGE sql STABLE BEGIN ATOMIC SELECT x IN ('a', 'b') OR EXISTS (SELECT FROM ${await p.table()}); END`,
  ),
  kind(
    'function in plpgsql',
    async (p) =>
      `CREATE FUNCTION ${await p.fresh('f')}(a integer DEFAULT 3, OUT b text, VARIADIC c integer[] DEFAULT '{}') LANGUAGE plpgsql STRICT PARALLEL SAFE COST 77 AS $body$ BEGIN b := a::text || '$'; END $body$`,
  ),
  kind('function that returns a table', async (p) => `CREATE FUNCTION ${await p.fresh('f')}() RETURNS TABLE (x integer, "Y y" text) LANGUAGE sql ROWS 7 AS 'SELECT 1, ''a''::text'`),
  kind(
    'function with settings',
    async (p) =>
      `CREATE FUNCTION ${await p.fresh('f')}() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, "Odd, path" SET timezone = 'Asia/Tokyo' AS 'SELECT current_setting(''timezone'')'`,
  ),
  kind('function that takes a row', async (p) => {
    const table = await p.table();
    return `CREATE FUNCTION ${await p.fresh('f')}(${table}) RETURNS text LANGUAGE sql STABLE AS 'SELECT ''row''::text'`;
  }),
  kind('procedure', async (p) => `CREATE PROCEDURE ${await p.fresh('pr')}(INOUT x integer) LANGUAGE plpgsql AS 'BEGIN x := x + 1; COMMIT; END'`),
  kind('trigger function', async (p) => `CREATE FUNCTION ${await p.fresh('tf')}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN coalesce(NEW, OLD); END'`, { weight: 2 }),
  kind('leakproof function', async (p) => `ALTER FUNCTION ${await p.routine("p.prokind = 'f'")} LEAKPROOF`, {
    by: 'superuser',
  }),
  kind('changed function', async (p) => `ALTER FUNCTION ${await p.routine("p.prokind = 'f'")} ${p.pick(['PARALLEL RESTRICTED', 'COST 321', 'CALLED ON NULL INPUT', 'RESET ALL'])}`),
  kind('support function', async (p) => `ALTER FUNCTION ${await p.routine("p.prokind = 'f' AND NOT p.proretset AND p.prolang <> 12")} SUPPORT pg_catalog.textlike_support`, { by: 'superuser' }),
  kind('aggregate', async (p) => `CREATE AGGREGATE ${await p.fresh('ag')}(numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0', COMBINEFUNC = numeric_add, PARALLEL = SAFE)`),
  kind(
    'ordered-set aggregate',
    async (p) => `CREATE AGGREGATE ${await p.fresh('ag')}(double precision ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA)`,
    { by: 'superuser' },
  ),
  kind('moving aggregate', async (p) => `CREATE AGGREGATE ${await p.fresh('ag')}(integer) (SFUNC = int4pl, STYPE = integer, MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = integer, SORTOP = >)`),
  kind('operator', async (p) => {
    const schema = await p.schema();
    const [type, f] = [await p.type('ed'), `${schema}.${p.name('of')}`];
    return `CREATE FUNCTION ${f}(${type}, ${type}) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1::text = $2::text';
      CREATE OPERATOR ${schema}.${p.pick(['===', '<=>', '@@@'])} (LEFTARG = ${type}, RIGHTARG = ${type}, FUNCTION = ${f}, COMMUTATOR = OPERATOR(${schema}.===), RESTRICT = eqsel, HASHES)`.replace(
      /, COMMUTATOR = [^,]*,/,
      p.chance(0.5) ? ',' : ',',
    );
  }),
  kind(
    'operator class',
    async (p) =>
      `CREATE OPERATOR CLASS ${await p.fresh('oc')} FOR TYPE integer USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer)`,
    { by: 'superuser' },
  ),
  kind(
    'operator family',
    async (p) => {
      const family = await p.fresh('of');
      return `CREATE OPERATOR FAMILY ${family} USING btree; ALTER OPERATOR FAMILY ${family} USING btree ADD OPERATOR 1 < (integer, bigint), FUNCTION 1 (integer, bigint) btint48cmp(integer, bigint)`;
    },
    { by: 'superuser' },
  ),
  kind(
    'index of our operator class',
    async (p) => {
      const { table, name } = await p.column('^integer$');
      return `CREATE INDEX ${p.name('i')} ON ${table} (${name} ${await p.object('pg_opclass', 'opc', 'opcintype = 23')})`;
    },
    { by: 'superuser' },
  ),
  kind('cast with a function', async (p) => {
    const [type, f] = [await p.type('e'), await p.fresh('cf')];
    return `CREATE FUNCTION ${f}(integer) RETURNS ${type} LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN NULL; END'; CREATE CAST (integer AS ${type}) WITH FUNCTION ${f}(integer) AS ${p.pick(['ASSIGNMENT', 'IMPLICIT'])}`;
  }),
  kind('cast without a function', async (p) => `CREATE CAST (${await p.type('e')} AS ${await p.type('c')}) WITH INOUT`),
  kind(
    'transform',
    async (p) => {
      const f = await p.fresh('tff');
      return `CREATE FUNCTION ${f}(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'int4recv'; CREATE TRANSFORM FOR ${p.pick(['xid8', 'macaddr8', 'lseg', 'circle', 'path'])} LANGUAGE sql (FROM SQL WITH FUNCTION ${f}(internal))`;
    },
    { by: 'superuser' },
  ),
  kind('conversion', async (p) => `CREATE ${p.pick(['', ''])}CONVERSION ${await p.fresh('cv')} FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8`),
  kind('language', (p) => `CREATE LANGUAGE ${p.name('lang')} HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator`, { by: 'superuser', rare: true }),
  kind('access method', (p) => `CREATE ACCESS METHOD ${p.name('am')} TYPE ${p.pick(['TABLE HANDLER heap_tableam_handler', 'INDEX HANDLER bthandler'])}`, { by: 'superuser', rare: true }),
  kind('function of another role', async (p) => `ALTER ROUTINE ${await p.routine()} OWNER TO ${p.roles[1]}`, {
    rare: true,
  }),
  kind('grant on a function', async (p) => `GRANT EXECUTE ON ROUTINE ${await p.routine()} TO ${p.grantee()}`),
  kind('revoked function', async (p) => `REVOKE ALL ON ROUTINE ${await p.routine()} FROM PUBLIC`),
  kind(
    'function that depends on an extension',
    async (p) => `ALTER ROUTINE ${await p.routine("p.prokind IN ('f', 'p')")} DEPENDS ON EXTENSION ${await p.one("SELECT format('%I', extname) FROM pg_extension")}`,
    { weight: 0.5 },
  ),
] as const;
