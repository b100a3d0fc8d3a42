import type { SchemaEntry } from '../schema/schema-text.ts';

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
  'SEQUENCE OWNED BY': {
    pattern: new RegExp(`^ALTER SEQUENCE (${qualifiedName}) OWNED BY `),
    drop: ([sequence]) => `ALTER SEQUENCE ${sequence} OWNED BY NONE;`,
  },
  EXTENSION: created('EXTENSION'),
  TYPE: created('TYPE'),
  DOMAIN: created('DOMAIN'),
  SCHEMA: created('SCHEMA'),
  STATISTICS: created('STATISTICS'),
  COLLATION: created('COLLATION'),
  PUBLICATION: created('PUBLICATION'),
  'PUBLICATION TABLE': {
    pattern: new RegExp(`^ALTER PUBLICATION (${name}) ADD TABLE ONLY (${qualifiedName})`),
    drop: ([publication, table]) => `ALTER PUBLICATION ${publication} DROP TABLE ONLY ${table};`,
  },
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

/** An identity's sequence goes with the column's identity. */
const identity = new RegExp(`^ALTER TABLE (${qualifiedName}) ALTER COLUMN (${name}) ADD GENERATED `);

/** What drops the object, without CASCADE; null for a type that is not known here. */
export function dropStatement(entry: SchemaEntry): string | null {
  const [, table, column] = entry.type === 'SEQUENCE' ? (identity.exec(entry.body) ?? []) : [];
  if (table !== undefined) return `ALTER TABLE ${table} ALTER COLUMN ${column} DROP IDENTITY;`;
  const shape = shapes[entry.type];
  const found = shape?.pattern.exec(entry.body);
  return shape === undefined || !found ? null : shape.drop(found.slice(1), entry);
}

/** What makes it: the statements of the dump. */
export function createStatement(entry: SchemaEntry): string {
  return withoutAccessMethod(entry.body);
}

/**
 * The ways to put `wanted` into the place of `is`, the gentlest first: each is a list of statements. What is replaced
 * where it stands keeps its grants, its comment and what depends on it. Never drops what holds data.
 */
export function replaceStatements(is: SchemaEntry, wanted: SchemaEntry): readonly (readonly string[])[] {
  const create = createStatement(wanted);
  const drop = dropStatement(is);
  const anew = drop === null ? [] : [[drop, create]];
  switch (wanted.type) {
    case 'FUNCTION':
    case 'PROCEDURE':
    case 'VIEW':
      return [[create.replace(/^CREATE /, 'CREATE OR REPLACE ')], ...anew];
    case 'SEQUENCE':
      // Dropped and made again it would start from the beginning.
      return /^CREATE SEQUENCE /.test(create) ? [[create.replace(/^CREATE /, 'ALTER ')]] : [];
    case 'EXTENSION':
      return [[create.replace(/^CREATE EXTENSION (.*) WITH SCHEMA/, 'ALTER EXTENSION $1 SET SCHEMA')]];
    case 'COMMENT':
    case 'DEFAULT':
    case 'SEQUENCE OWNED BY':
      return [[create]];
    case 'TABLE':
    case 'FOREIGN TABLE':
    case 'SCHEMA':
      return [];
    default:
      return anew;
  }
}

/** The line that parseSchemaText adds to tables and materialized views for comparison. */
function withoutAccessMethod(body: string): string {
  return body.replace(/\nUSING \S+$/, '');
}

function schemaOf(qualified: string): string {
  return new RegExp(`^(${name}\\.)${name}$`).exec(qualified)?.[1] ?? '';
}
