import { identifier } from '../../sql-text.ts';
import { parseSchemaText, type SchemaEntry } from '../schema/schema-text.ts';

/** One side of a comparison: what a database holds, as far as a schema says it. */
export interface SchemaSide {
  /** A schema-only dump. */
  readonly text: string;
  /** Owner of the database: roles differ between servers, and that is no drift. */
  readonly owner: string;
  readonly extensions: readonly { readonly name: string; readonly schema: string }[];
}

/** An object as it is compared: without its owner, whose name in grants is CURRENT_USER. */
export interface ComparableEntry extends SchemaEntry {
  readonly owner: string | null;
  /** Equal where two objects are the same: a column that was dropped and added again stands last. */
  readonly key: string;
}

/** The objects of a schema. Owners and the migration history itself are no part of what migrations say. */
export function comparableEntries(side: SchemaSide): ReadonlyMap<string, ComparableEntry> {
  const parsed = parseSchemaText(side.text);
  const migrator = migratorOf(side, parsed);
  const entries = new Map<string, ComparableEntry>();
  const add = (entry: SchemaEntry): void => {
    const owner = ownerOf(entry);
    const body = isOfGrants(entry)
      ? withoutRole(withoutOwner(entry.body), entry.type === 'ACL' ? (owner ?? side.owner) : migrator)
      : withoutOwner(entry.body);
    // Default privileges stand once for each role, under the same name: their statements are taken together.
    const twin = entries.get(entry.object);
    const whole = twin === undefined ? body : [twin.body, body].toSorted().join('\n');
    if (whole !== '') entries.set(entry.object, { ...entry, owner, body: whole, key: keyOf(entry, whole) });
  };
  // Extensions need their schemas, and other objects need extensions.
  const schemas = parsed.filter((entry) => entry.type === 'SCHEMA');
  for (const entry of schemas) if (nameOf(entry) !== 'public') add(entry);
  for (const extension of side.extensions) add(extensionEntry(extension));
  for (const entry of parsed) {
    if (entry.type !== 'SCHEMA' && !isOfHistory(entry)) add(entry);
  }
  return entries;
}

/** The role that runs the migrations: it owns their history. */
export function migratorOf(
  side: SchemaSide,
  entries: readonly SchemaEntry[] = parseSchemaText(side.text),
): string {
  const history = entries.find((entry) => entry.type === 'TABLE' && nameOf(entry) === '_prisma_migrations');
  return (history === undefined ? null : ownerOf(history)) ?? side.owner;
}

export function isOfGrants(entry: Pick<SchemaEntry, 'type'>): boolean {
  return entry.type === 'ACL' || entry.type === 'DEFAULT ACL';
}

/** pg_dump's name of it, which is not quoted, and that of a routine ends in the types of its arguments. */
function nameOf(entry: Pick<SchemaEntry, 'header'>): string {
  return /^Name: (.*?); Type: /.exec(entry.header)?.[1] ?? '';
}

function ownerOf(entry: SchemaEntry): string | null {
  const owner = /; Owner: (.*?)(?:; Tablespace: .*)?$/.exec(entry.header)?.[1];
  return owner === undefined || owner === '-' ? null : owner;
}

function isOfHistory(entry: SchemaEntry): boolean {
  return /^(?:(?:TABLE|COLUMN) )?_prisma_migrations\b/.test(nameOf(entry));
}

function extensionEntry({ name, schema }: SchemaSide['extensions'][number]): SchemaEntry {
  const body = `CREATE EXTENSION ${identifier(name)} WITH SCHEMA ${identifier(schema)};`;
  return { object: `EXTENSION ${name}`, type: 'EXTENSION', header: `Name: ${name}; Type: EXTENSION; `, body };
}

/** pg_dump prints it below the definition; a line like that inside of a function's body belongs to the function. */
function withoutOwner(body: string): string {
  return body.replace(/(?:^|\n\n+)ALTER [A-Z ]+ .+ OWNER TO .+;(?=(?:\nUSING \S+)?$)/, '').trim();
}

function withoutRole(body: string, role: string): string {
  const names = [role, `"${role.replaceAll('"', '""')}"`].map((name) =>
    name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  );
  return body.replaceAll(
    new RegExp(`\\b(FROM|TO|FOR ROLE) (?:${names.join('|')})(?=[ ;])`, 'g'),
    '$1 CURRENT_USER',
  );
}

function keyOf(entry: SchemaEntry, body: string): string {
  if (entry.type !== 'TABLE' && entry.type !== 'FOREIGN TABLE') return body;
  return linesOfTable(body).toSorted().join('\n');
}

/** Without the commas at their ends: the last line has none, whichever that is. */
export function linesOfTable(body: string): readonly string[] {
  return body
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.replace(/,$/, ''));
}
