import { reconcileGrants } from './reconcile-grants.ts';
import { createStatement, dropStatement, replaceStatement } from './reconcile-object.ts';
import { reconcileTable } from './reconcile-table.ts';
import { parseSchemaText, type SchemaEntry } from './schema-text.ts';

/** How one database's schema differs from another's, and what takes it there. */
export interface SchemaDrift {
  /** Each difference as a sentence that begins with the object. */
  readonly differences: readonly string[];
  /** Statements to run before Prisma's script: drops of what depends on tables, missing extensions. */
  readonly before: readonly string[];
  /** Statements to run after it. */
  readonly after: readonly string[];
  /** Differences for which no statement was found, each with what to do. */
  readonly byHand: readonly string[];
}

export interface SchemaSide {
  /** A schema-only dump. */
  readonly text: string;
  /** Owner of the database: roles differ between servers, and that is no drift. */
  readonly owner: string;
  readonly extensions: readonly string[];
}

/** Dropped first and made last: they hold no data, and tables cannot be changed under them. */
const dependents = new Set(['VIEW', 'MATERIALIZED VIEW', 'POLICY', 'RULE', 'TRIGGER']);

/**
 * Compares what `actual` holds with what it should hold by `expected`, object by object. Some expressions are printed
 * differently after one restore; `again` is the text of `expected` after a restore, and equal to either is equal.
 * `prismaScript` is what Prisma proposes already; what it names is not proposed a second time.
 */
export function schemaDrift(
  actual: SchemaSide,
  expected: SchemaSide,
  again: string | null,
  prismaScript: string,
): SchemaDrift {
  const is = entriesOf(actual.text, actual.owner);
  const should = entriesOf(expected.text, expected.owner);
  const alternative = again === null ? should : entriesOf(again, expected.owner);
  const drift = {
    differences: [] as string[],
    before: [] as string[],
    after: [] as string[],
    byHand: [] as string[],
  };

  extensionDrift(actual.extensions, expected.extensions, drift);
  for (const [object, entry] of is) {
    const wanted = should.get(object);
    if (wanted === undefined) superfluous(entry, prismaScript, drift);
    else if (entry.body !== wanted.body && entry.body !== alternative.get(object)?.body) {
      different(entry, wanted, prismaScript, drift);
    }
  }
  for (const [object, wanted] of should) {
    if (!is.has(object)) missing(wanted, prismaScript, drift);
  }
  return drift;
}

type Growing = { [Part in keyof SchemaDrift]: string[] };

function superfluous(entry: SchemaEntry, prismaScript: string, drift: Growing): void {
  drift.differences.push(`${entry.object} is not in the migrations`);
  if (isCovered(entry, prismaScript)) return;
  if (isOfGrants(entry)) return void addGrants(entry.body, '', entry, drift);
  const statement = dropStatement(entry);
  if (statement === null) drift.byHand.push(`drop ${entry.object}, or put it into a migration`);
  else (dependents.has(entry.type) ? drift.before : drift.after).push(statement);
}

function missing(wanted: SchemaEntry, prismaScript: string, drift: Growing): void {
  drift.differences.push(`${wanted.object} is in the migrations and missing in the database`);
  if (isCovered(wanted, prismaScript)) return;
  if (isOfGrants(wanted)) return void addGrants('', wanted.body, wanted, drift);
  drift.after.push(createStatement(wanted));
}

function different(entry: SchemaEntry, wanted: SchemaEntry, prismaScript: string, drift: Growing): void {
  drift.differences.push(`${entry.object} is not as the migrations made it`);
  if (isOfGrants(entry)) return void addGrants(entry.body, wanted.body, entry, drift);
  if (entry.type === 'TABLE') {
    const { statements, others } = reconcileTable(entry, wanted);
    drift.after.push(...statements);
    if (others.length > 0 && !isCovered(entry, prismaScript)) {
      drift.byHand.push(`${entry.object} differs in: ${others.join('; ')}`);
    }
    return;
  }
  if (isCovered(entry, prismaScript)) return;
  const replacement = replaceStatement(entry, wanted);
  if (replacement === null) {
    drift.byHand.push(`make ${entry.object} again as the migrations define it:\n${wanted.body}`);
    return;
  }
  if (replacement.drop !== null) {
    (dependents.has(entry.type) ? drift.before : drift.after).push(replacement.drop);
  }
  drift.after.push(replacement.create);
}

function addGrants(is: string, should: string, entry: SchemaEntry, drift: Growing): void {
  const { statements, others } = reconcileGrants(is, should);
  drift.after.push(...statements);
  if (others.length > 0) drift.byHand.push(`${entry.object}: ${others.join(' ')}`);
}

function isOfGrants(entry: SchemaEntry): boolean {
  return entry.type === 'ACL' || entry.type === 'DEFAULT ACL';
}

/** What Prisma models, it names in its script; quoted, as it does. */
const modelled = new Set([
  'TABLE',
  'INDEX',
  'CONSTRAINT',
  'FK CONSTRAINT',
  'TYPE',
  'DEFAULT',
  'SEQUENCE',
  'SEQUENCE OWNED BY',
  'SCHEMA',
]);

function isCovered(entry: SchemaEntry, prismaScript: string): boolean {
  if (!modelled.has(entry.type)) return false;
  const name = nameOf(entry);
  // A constraint or default is named after its table; the sequence of a column goes with the column.
  return (
    name.split(' ').some((part) => prismaScript.includes(`"${part}"`)) || prismaScript.includes(`"${name}"`)
  );
}

function nameOf(entry: SchemaEntry): string {
  return /^Name: (.*?); Type: /.exec(entry.header)?.[1] ?? '';
}

function extensionDrift(is: readonly string[], should: readonly string[], drift: Growing): void {
  for (const name of is.filter((each) => !should.includes(each))) {
    drift.differences.push(`EXTENSION ${name} is not in the migrations`);
    drift.after.push(`DROP EXTENSION "${name.replaceAll('"', '""')}";`);
  }
  for (const name of should.filter((each) => !is.includes(each))) {
    drift.differences.push(`EXTENSION ${name} is in the migrations and missing in the database`);
    drift.before.push(`CREATE EXTENSION "${name.replaceAll('"', '""')}";`);
  }
}

/** Owners and the migration history itself are no part of what migrations say. */
function entriesOf(text: string, owner: string): ReadonlyMap<string, SchemaEntry> {
  const entries = new Map<string, SchemaEntry>();
  for (const entry of parseSchemaText(text)) {
    if (/^_prisma_migrations\b|^(TABLE|COLUMN) _prisma_migrations\b/.test(nameOf(entry))) continue;
    if (entry.type === 'SCHEMA' && nameOf(entry) === 'public') continue;
    const body = withoutOwner(entry, owner);
    // Default privileges stand once for each role, under the same name: their statements are taken together.
    const twin = entries.get(entry.object);
    const whole = twin === undefined ? body : [twin.body, body].toSorted().join('\n');
    if (body !== '') entries.set(entry.object, { ...entry, body: whole });
  }
  return entries;
}

function withoutOwner(entry: SchemaEntry, owner: string): string {
  const body = entry.body
    .replaceAll(/^ALTER .* OWNER TO .*;$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
  if (!isOfGrants(entry)) return body;
  const role = /^[a-z_][a-z0-9_$]*$/.test(owner) ? owner : `"${owner.replaceAll('"', '""')}"`;
  return ['FROM', 'TO', 'FOR ROLE'].reduce(
    (text, word) =>
      text
        .replaceAll(`${word} ${role};`, `${word} CURRENT_USER;`)
        .replaceAll(`${word} ${role} `, `${word} CURRENT_USER `),
    body,
  );
}
