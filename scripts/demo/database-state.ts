import { createHash } from 'node:crypto';
import { formatCount } from '../../src/report/quantity.ts';
import type { PostgresCluster } from '../../test/support/postgres.ts';

export interface TableState {
  readonly rows: number;
  /** Order-free digest over the text of all rows. */
  readonly digest: string;
}

/** What a database holds, measured by the demo itself and not by the action that it shows. */
export interface DatabaseState {
  readonly tables: ReadonlyMap<string, TableState>;
  /** SHA-256 over the schema-only dump. */
  readonly schemaDigest: string;
}

/** Lists every table with the query that counts and digests it. */
const tableQueries = `
  SELECT format('SELECT %L, count(*), coalesce(sum(hashtextextended(ROW(%s)::text, 0)::numeric), 0) FROM ONLY %I.%I q',
                c.relname, string_agg(format('q.%I', a.attname), ', ' ORDER BY a.attname), n.nspname, c.relname)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE c.relkind = 'r' AND n.nspname = 'public'
   GROUP BY c.relname, n.nspname
   ORDER BY c.relname`;

export async function readState(cluster: PostgresCluster, database: string): Promise<DatabaseState> {
  const queries = await cluster.psql(database, `${tableQueries};`);
  const settings = `SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET extra_float_digits = 1;`;
  const rows = await cluster.psql(database, `${settings}\n${queries.split('\n').join('\nUNION ALL ')};`);
  const schema = await cluster.tool('pg_dump', ['--schema-only'], database);
  // Patched versions of pg_dump print a random token with \restrict and \unrestrict.
  const comparable = schema.replaceAll(/^\\(un)?restrict .*$/gm, '');
  return {
    tables: new Map(
      rows.split('\n').map((line) => {
        const [table = '', count = '', digest = ''] = line.split('|');
        return [table, { rows: Number(count), digest }];
      }),
    ),
    schemaDigest: createHash('sha256').update(comparable).digest('hex'),
  };
}

export interface Comparison {
  readonly lines: readonly string[];
  readonly equal: boolean;
}

/** Table by table: rows before and after, and whether every value in them is the same. */
export function compareStates(before: DatabaseState, after: DatabaseState): Comparison {
  const names = [...new Set([...before.tables.keys(), ...after.tables.keys()])].sort();
  const cells = names.map((name) => {
    const [was, is] = [before.tables.get(name), after.tables.get(name)];
    const same = was !== undefined && is !== undefined && was.rows === is.rows && was.digest === is.digest;
    return [name, rowsText(was), rowsText(is), same ? 'equal' : 'DIFFERENT'];
  });
  const schemaEqual = before.schemaDigest === after.schemaDigest;
  const rows = [['table', 'rows before', 'rows after', 'contents'], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(([name = '', was = '', is = '', same = '']) => {
    const [first = 0, second = 0, third = 0] = widths;
    return `${name.padEnd(first)}  ${was.padStart(second)}  ${is.padStart(third)}  ${same}`;
  });
  lines.push(
    `schema: ${schemaEqual ? 'equal' : 'DIFFERENT'} (sha256 of pg_dump --schema-only ${before.schemaDigest.slice(0, 8)}, then ${after.schemaDigest.slice(0, 8)})`,
  );
  return { lines, equal: schemaEqual && cells.every((row) => row[3] === 'equal') };
}

export function totalRows(state: DatabaseState): number {
  return [...state.tables.values()].reduce((sum, { rows }) => sum + rows, 0);
}

function rowsText(state: TableState | undefined): string {
  return state === undefined ? 'no table' : formatCount(state.rows);
}
