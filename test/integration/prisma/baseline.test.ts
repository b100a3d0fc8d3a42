import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tablesWithoutHistory } from '../../../src/prisma/baseline.ts';
import { openPrismaMigrator } from '../../../src/prisma/classic/prisma-migrator.ts';
import { Checkout } from '../../../src/system/checkout.ts';
import { compileCache } from '../../support/compile-cache.ts';
import { engineModeOf, prismaEngineEnv } from '../../support/prisma-engine/prisma-engine.ts';
import { createPrismaProject, type PrismaChoice, prismaCliOf } from '../../support/prisma-project.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { serverOf } from '../database/proving.ts';

interface Given {
  /** Run by the superuser before the first deploy. */
  readonly sql: string;
  readonly prisma?: PrismaChoice;
  /** `schemas` of the datasource. */
  readonly schemas?: readonly string[];
  /** `tables.external` of the config. */
  readonly external?: readonly string[];
  readonly query?: string;
}

/** What an empty project finds in the database before its first deploy; whether Prisma minds is Prisma's to say. */
const grounds: Readonly<Record<string, Given>> = {
  nothing: { sql: '' },
  'a table': { sql: 'CREATE TABLE a (id int)' },
  'a table, for Prisma 5': { sql: 'CREATE TABLE a (id int)', prisma: '5' },
  'a table, for Prisma 6': { sql: 'CREATE TABLE a (id int)', prisma: '6' },
  'a table that its role cannot read': { sql: 'CREATE TABLE a (id int); REVOKE ALL ON a FROM PUBLIC' },
  'a table of an extension': {
    sql: 'CREATE TABLE a (id int); CREATE EXTENSION hstore; ALTER EXTENSION hstore ADD TABLE a',
  },
  'PostGIS’s tables, in any case': {
    sql: 'CREATE TABLE spatial_ref_sys (id int); CREATE TABLE "Geometry_Columns" (id int); CREATE TABLE raster_columns (id int); CREATE TABLE raster_overviews (id int); CREATE TABLE geography_columns (id int)',
  },
  'PostGIS’s tables, for Prisma 5': { sql: 'CREATE TABLE spatial_ref_sys (id int)', prisma: '5' },
  'the tables of postgis_topology in the same schema': { sql: 'CREATE TABLE topology (id int)' },
  'what is no table': {
    sql: `CREATE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW m AS SELECT 1; CREATE TYPE e AS ENUM ('a'); CREATE SEQUENCE s;
          CREATE TABLE p (k int) PARTITION BY LIST (k); CREATE EXTENSION file_fdw; CREATE SERVER f FOREIGN DATA WRAPPER file_fdw;
          CREATE FOREIGN TABLE ft (a int) SERVER f OPTIONS (filename '/dev/null')`,
  },
  'a partitioned table with a leaf': {
    sql: 'CREATE TABLE p (k int) PARTITION BY LIST (k); CREATE TABLE leaf PARTITION OF p DEFAULT',
  },
  'a table in another schema': { sql: 'CREATE SCHEMA s; CREATE TABLE s.a (id int)' },
  'a table in a schema that the datasource names': {
    sql: 'CREATE SCHEMA s; CREATE TABLE s.a (id int)',
    schemas: ['public', 's'],
  },
  'a table in public, which the datasource does not name': {
    sql: 'CREATE SCHEMA s; CREATE TABLE a (id int)',
    schemas: ['s'],
  },
  'a table in the schema of the URL': {
    sql: 'CREATE SCHEMA s; CREATE TABLE s.a (id int)',
    query: '?schema=s',
  },
  'external tables': {
    sql: 'CREATE TABLE a (id int); CREATE TABLE b (id int)',
    external: ['public.a', 'public.b'],
  },
  'an external table without its schema': { sql: 'CREATE TABLE a (id int)', external: ['a'] },
  'an external table of another schema': {
    sql: 'CREATE SCHEMA s; CREATE TABLE s.a (id int)',
    schemas: ['public', 's'],
    external: ['s.a'],
  },
  'an external table of another case': { sql: 'CREATE TABLE "A" (id int)', external: ['public.a'] },
};

test.each(Object.entries(grounds))(
  'whether Prisma would deploy beside %s is known before',
  async (_, given) => {
    const { sql, prisma = '7', schemas, external, query = '' } = given;
    const cluster = await sharedPostgres();
    const owned = await cluster.createOwnedDatabase('baseline');
    await cluster.psql(owned.database, sql);
    const url = owned.url + query;
    const directory = await mkdtemp(join(tmpdir(), 'safe-migrate-baseline-'));
    try {
      await createPrismaProject(directory, {
        migrations: { '1_a': 'SELECT 1;' },
        prisma,
        ...(schemas === undefined
          ? {}
          : {
              schemaPrisma: `datasource db {\n  provider = "postgresql"\n  schemas = ${JSON.stringify(schemas)}\n}\n`,
            }),
        ...(external === undefined
          ? {}
          : {
              config: `export default { experimental: { externalTables: true }, schema: 'prisma/schema.prisma',
              datasource: { url: process.env.DATABASE_URL }, tables: { external: ${JSON.stringify(external)} } };\n`,
            }),
      });
      const env = {
        PATH: process.env.PATH ?? '',
        ...compileCache,
        ...prismaEngineEnv(engineModeOf(prisma), prisma),
        DATABASE_URL: url,
      };
      const migrator = await openPrismaMigrator({
        workingDirectory: directory,
        checkout: new Checkout([directory]),
        schemaPath: null,
        configPath: null,
        databaseUrl: null,
        run: 'r1',
        signal: new AbortController().signal,
        env,
      });
      await using server = await serverOf(owned.url);
      const session = await server.connect(owned.database);
      const tables = await tablesWithoutHistory(session, migrator.historySchema, migrator.ownTables);
      await session[Symbol.asyncDispose]();

      const said = await new Promise<string>((resolve) => {
        execFile(
          process.execPath,
          [prismaCliOf(prisma, directory), 'migrate', 'deploy'],
          { cwd: directory, env },
          (_error, stdout, stderr) => resolve(stdout + stderr),
        );
      });
      expect({ refused: /P3005/.test(said), tables }, said).toEqual({ refused: tables.length > 0, tables });
      if (!/P3005/.test(said)) expect(said).toMatch(/1_a/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);
