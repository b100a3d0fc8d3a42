import type { SchemaEntry } from './schema-text.ts';

const name = String.raw`(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)`;
const qualifiedName = `${name}(?:\\.${name})*`;

/** How the statement that pg_dump prints for a type names its object, and what drops it. */
interface Shape {
  readonly pattern: RegExp;
  readonly drop: (parts: readonly string[], entry: SchemaEntry) => string;
}

const created = (kind: string, dropped = kind): Shape => ({
  pattern: new RegExp(`^CREATE ${kind} (${qualifiedName})`),
  drop: ([object]) => `DROP ${dropped} ${object};`,
});
/** pg_dump's own name of it ends in the types of the arguments, which is what DROP wants. */
const routine = (kind: string): Shape => ({
  pattern: new RegExp(`^CREATE ${kind} (${qualifiedName})\\(`),
  drop: ([object], { header }) =>
    `DROP ${kind} ${object}${/^Name: [^(]*(\(.*?\)); Type: /.exec(header)?.[1] ?? '()'};`,
});
const onTable = (kind: string, pattern: RegExp): Shape => ({
  pattern,
  drop: ([object, table]) => `DROP ${kind} ${object} ON ${table};`,
});

const shapes: Readonly<Record<string, Shape>> = {
  VIEW: created('VIEW'),
  'MATERIALIZED VIEW': created('MATERIALIZED VIEW'),
  TABLE: { ...created('TABLE'), pattern: new RegExp(`^CREATE (?:UNLOGGED )?TABLE (${qualifiedName})`) },
  SEQUENCE: created('SEQUENCE'),
  TYPE: created('TYPE'),
  DOMAIN: created('DOMAIN'),
  SCHEMA: created('SCHEMA'),
  STATISTICS: created('STATISTICS'),
  COLLATION: created('COLLATION'),
  PUBLICATION: created('PUBLICATION'),
  'EVENT TRIGGER': created('EVENT TRIGGER'),
  FUNCTION: routine('FUNCTION'),
  PROCEDURE: routine('PROCEDURE'),
  AGGREGATE: routine('AGGREGATE'),
  TRIGGER: onTable(
    'TRIGGER',
    new RegExp(`^CREATE (?:CONSTRAINT )?TRIGGER (${name}) [^;]*? ON (${qualifiedName})[ \\n]`),
  ),
  POLICY: onTable('POLICY', new RegExp(`^CREATE POLICY (${name}) ON (${qualifiedName})`)),
  RULE: onTable('RULE', new RegExp(`^CREATE RULE (${name}) AS\\s+ON \\w+ TO (${qualifiedName})`)),
  INDEX: {
    pattern: new RegExp(`^CREATE (?:UNIQUE )?INDEX (${name}) ON (?:ONLY )?(${qualifiedName})`),
    drop: ([index, table = '']) => `DROP INDEX ${schemaOf(table)}${index};`,
  },
  CONSTRAINT: constraint(),
  'FK CONSTRAINT': constraint(),
  'CHECK CONSTRAINT': constraint(),
  'ROW SECURITY': {
    pattern: new RegExp(`^ALTER TABLE (${qualifiedName}) ENABLE ROW LEVEL SECURITY`),
    drop: ([table]) => `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY;`,
  },
  COMMENT: {
    pattern: /^COMMENT ON ([\s\S]*?) IS '/,
    drop: ([object]) => `COMMENT ON ${object} IS NULL;`,
  },
  DEFAULT: {
    pattern: new RegExp(`^ALTER TABLE (?:ONLY )?(${qualifiedName}) ALTER COLUMN (${name}) SET DEFAULT`),
    drop: ([table, column]) => `ALTER TABLE ${table} ALTER COLUMN ${column} DROP DEFAULT;`,
  },
};

function constraint(): Shape {
  return {
    pattern: new RegExp(`^ALTER TABLE (?:ONLY )?(${qualifiedName})\\s+ADD CONSTRAINT (${name})`),
    drop: ([table, object]) => `ALTER TABLE ${table} DROP CONSTRAINT ${object};`,
  };
}

/** What drops the object, without CASCADE; null for a type that is not known here. */
export function dropStatement(entry: SchemaEntry): string | null {
  const shape = shapes[entry.type];
  const found = shape?.pattern.exec(entry.body);
  return shape === undefined || !found ? null : shape.drop(found.slice(1), entry);
}

/** What makes it: the statements of the dump. */
export function createStatement(entry: SchemaEntry): string {
  return withoutAccessMethod(entry.body);
}

/** What puts `wanted` into the place of `is`; null when the old one cannot be dropped by a statement of ours. */
export function replaceStatement(
  is: SchemaEntry,
  wanted: SchemaEntry,
): { readonly drop: string | null; readonly create: string } | null {
  const create = createStatement(wanted);
  if (wanted.type === 'FUNCTION' || wanted.type === 'PROCEDURE') {
    // Triggers and policies may depend on it: it is replaced where it stands.
    return { drop: null, create: create.replace(/^CREATE (FUNCTION|PROCEDURE)/, 'CREATE OR REPLACE $1') };
  }
  if (wanted.type === 'COMMENT' || wanted.type === 'DEFAULT') return { drop: null, create };
  const drop = dropStatement(is);
  return drop === null ? null : { drop, create };
}

/** The line that parseSchemaText adds to tables and materialized views for comparison. */
function withoutAccessMethod(body: string): string {
  return body.replace(/\nUSING \S+$/, '');
}

function schemaOf(qualified: string): string {
  return new RegExp(`^(${name}\\.)${name}$`).exec(qualified)?.[1] ?? '';
}
