import { z } from 'zod';
import type { TargetPort } from '../database/database.ts';
import { literal } from '../database/sql-text.ts';

/** Which tables `migrate deploy` takes for the project's own where there is no history. */
export interface OwnTables {
  /** The schema of the URL and those that the datasource names. */
  readonly schemas: readonly string[];
  /** `tables.external` of the config, of which Migrate heeds `schema.table` alone, letter by letter. */
  readonly external: readonly string[];
}

/** PostGIS's own, which Migrate overlooks by these names in any case and schema. As measured on 7.10. */
const overlooked = [
  'geography_columns',
  'geometry_columns',
  'raster_columns',
  'raster_overviews',
  'spatial_ref_sys',
];

/**
 * The tables because of which `migrate deploy` refuses a database without `_prisma_migrations` (P3005), as
 * `schema.table`, sorted. By its own rule, as measured: ordinary tables (leaves of a partitioned one, those of extensions and
 * those that the role cannot read among them; no views, types, sequences, foreign tables, partitioned tables as such).
 */
export async function tablesWithoutHistory(
  database: Pick<TargetPort, 'query'>,
  historySchema: string,
  own: OwnTables,
): Promise<readonly string[]> {
  const schemas = [...new Set([historySchema, ...own.schemas])];
  const rows = await database.query(
    `SELECT n.nspname::text AS "schema", c.relname::text AS "table"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND n.nspname IN (${schemas.map(literal).join(', ')})
        AND pg_catalog.lower(c.relname) NOT IN (${overlooked.map(literal).join(', ')})
      ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
    z.object({ schema: z.string(), table: z.string() }),
  );
  return rows.map(({ schema, table }) => `${schema}.${table}`).filter((name) => !own.external.includes(name));
}

/** What to do about them. Marking a migration that never ran as applied would lose it silently, so that comes last. */
export function baselineAdvice(
  tables: readonly string[],
  first: string,
): { readonly message: string; readonly hint: string } {
  const more = tables.length > 5 ? ` and ${tables.length - 5} more` : '';
  const named = `${tables.slice(0, 5).join(', ')}${more}`;
  return {
    message: `the database has no migration history, but holds ${tables.length === 1 ? 'a table' : 'tables'} (${named}): Prisma would refuse it (P3005)`,
    hint: [
      'Check that database and schema in the URL are the right ones.',
      'Tables of an extension or of another tool: move them to a schema of their own, or name them in prisma.config.ts (tables.external, as schema.table).',
      `Tables that migrations make: mark exactly those migrations as applied, which does not run them: npx prisma migrate resolve --applied ${JSON.stringify(first)}`,
    ].join(' '),
  };
}
