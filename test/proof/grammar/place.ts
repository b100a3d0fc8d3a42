import type pg from 'pg';
import type { Random } from '../../faults/random.ts';
import { NothingYet } from './kind.ts';
import { oddName, quoted } from './names.ts';
import { sampleOf } from './values.ts';

const userSchema = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;
const isOurs = (catalog: string, row: string) =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND d.objid = ${row}.oid AND d.deptype = 'e')`;

/** Not a member of an extension, nor an index of a member; `row` is of pg_class. */
export const isNoMember = (row: string): string => `NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e'
  AND d.objid IN (${row}.oid, (SELECT x.indrelid FROM pg_catalog.pg_index x WHERE x.indexrelid = ${row}.oid)))`;

export interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

/** The database that is being built: what is there, read from the catalogs, and what chance picks of it. */
export class Place {
  readonly client: pg.Client;
  readonly random: Random;
  readonly major: number;
  readonly database: string;
  /** Quoted; the first is the database's owner, the others are roles that it is a member of, the last has no rights. */
  readonly roles: readonly string[];
  /** How many names were given. */
  taken: number;

  constructor(client: pg.Client, given: Pick<Place, 'random' | 'major' | 'database' | 'roles' | 'taken'>) {
    this.client = client;
    this.random = given.random;
    this.major = given.major;
    this.taken = given.taken;
    this.database = quoted(given.database);
    this.roles = given.roles.map(quoted);
  }

  pick<T>(choices: readonly T[]): T {
    return this.random.pick(choices);
  }

  chance(probability: number): boolean {
    return this.random.number() < probability;
  }

  number(below: number): number {
    return Math.floor(this.random.number() * below);
  }

  /** A name that is not taken, quoted. */
  name(stem: string): string {
    this.taken += 1;
    return quoted(oddName(this.random, `${stem}${this.taken}`));
  }

  /** Such a name in one of the schemas. */
  async fresh(stem: string): Promise<string> {
    return `${await this.schema()}.${this.name(stem)}`;
  }

  role(): string {
    return this.pick(this.roles);
  }

  grantee(): string {
    return this.pick([...this.roles.slice(1), 'PUBLIC']);
  }

  async rows(sql: string): Promise<readonly Record<string, string>[]> {
    return (await this.client.query<Record<string, string>>(sql)).rows;
  }

  /** The first column of one of the rows. */
  async one(sql: string): Promise<string> {
    const { rows } = await this.client.query<[string]>({ text: sql, rowMode: 'array' });
    const sorted = rows.map(([value]) => value).toSorted();
    if (sorted.length === 0) throw new NothingYet(sql);
    return this.pick(sorted);
  }

  async schema(): Promise<string> {
    return this.one(`SELECT format('%I', n.nspname) FROM pg_namespace n WHERE ${userSchema} AND ${isOurs('pg_namespace', 'n')} AND has_schema_privilege(n.oid, 'CREATE')`);
  }

  /** A relation of these kinds, qualified and quoted; `where` reads pg_class as c. */
  async relation(kinds: string, where = 'true'): Promise<string> {
    return this.one(`SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = ANY (string_to_array('${kinds}', NULL)::"char"[]) AND ${userSchema} AND ${isNoMember('c')}
        AND pg_has_role(c.relowner, 'USAGE') AND c.relname <> '_prisma_migrations' AND (${where})`);
  }

  /** A table; not one that others inherit from, whose later columns would come back in another order there. */
  async table(where = 'NOT c.relispartition AND NOT c.relhassubclass'): Promise<string> {
    return this.relation('r', where);
  }

  /** A column of a table whose type's name matches; `where` reads pg_class as c and pg_attribute as a. */
  async column(type = '.', where = 'true', kinds = 'r'): Promise<Column> {
    const text = await this.one(`SELECT json_build_array(format('%I.%I', n.nspname, c.relname), format('%I', a.attname), format_type(a.atttypid, a.atttypmod))::text
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = ANY (string_to_array('${kinds}', NULL)::"char"[]) AND NOT c.relispartition AND (c.relkind <> 'r' OR NOT c.relhassubclass) AND a.attnum > 0 AND NOT a.attisdropped AND ${userSchema} AND ${isNoMember('c')}
        AND pg_has_role(c.relowner, 'USAGE') AND c.relname <> '_prisma_migrations' AND format_type(a.atttypid, NULL) ~ '${type}' AND (${where})`);
    const [table, name, found] = JSON.parse(text) as [string, string, string];
    return { table, name, type: found };
  }

  /** A function that is not an extension's, with its arguments; `where` reads pg_proc as p. */
  async routine(where = 'true'): Promise<string> {
    return this.one(`SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${userSchema} AND ${isOurs('pg_proc', 'p')} AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'i') AND pg_has_role(p.proowner, 'USAGE') AND (${where})`);
  }

  /** Such a function's name without its arguments, for a call. */
  async callable(where: string): Promise<string> {
    return this.one(`SELECT format('%I.%I', n.nspname, p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE ${userSchema} AND ${isOurs('pg_proc', 'p')} AND (${where})`);
  }

  /** A type that users made; `kinds`: of pg_type.typtype. */
  async type(kinds = 'edr'): Promise<string> {
    return this.one(`SELECT format('%I.%I', n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE t.typtype = ANY (string_to_array('${kinds}', NULL)::"char"[]) AND (c.relkind IS NULL OR c.relkind = 'c') AND ${userSchema}
        AND ${isOurs('pg_type', 't')} AND pg_has_role(t.typowner, 'USAGE')`);
  }

  /** An object of any catalog that has a name, a namespace and an owner. */
  async object(catalog: string, prefix: string, where = 'true'): Promise<string> {
    return this.one(`SELECT format('%I.%I', n.nspname, x.${prefix}name) FROM ${catalog} x JOIN pg_namespace n ON n.oid = x.${prefix}namespace
      WHERE ${userSchema} AND ${isOurs(catalog, 'x')} AND pg_has_role(x.${prefix}owner, 'USAGE') AND (${where})`);
  }

  /** Statements that each insert a row of chance's values. */
  async inserts(table: string, count: number): Promise<readonly string[]> {
    const columns = await this.rows(`SELECT format('%I', a.attname) AS name, format_type(a.atttypid, NULL) AS type, t.typtype AS kind, t.typname AS typname,
        (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder)::text FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels, format_type(t.typbasetype, NULL) AS base
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = '${table.replaceAll("'", "''")}'::regclass AND a.attnum > 0
        AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a' ORDER BY a.attnum`);
    if (columns.length === 0) return [`INSERT INTO ${table} DEFAULT VALUES`];
    const names = columns.map(({ name }) => name).join(', ');
    return Array.from({ length: count }, () => {
      const values = columns.map((column) => (this.chance(0.06) ? 'NULL' : sampleOf(this.random, column)));
      return `INSERT INTO ${table} (${names}) VALUES (${values.join(', ')})`;
    });
  }
}
