import type { DestructiveStatement } from '../report/check-report.ts';
import { type ParsedStatement, parseSql, type SyntaxNode } from './parse-sql.ts';
import { fieldsOf, objectsIn } from './syntax-tree.ts';

type Found = Pick<DestructiveStatement, 'action' | 'object'>;
type Fields = Readonly<Record<string, SyntaxNode>>;

/** What a DROP of it takes along: rows, or columns of that type. Views, indexes and functions hold no data. */
const droppedWithData = new Map([
  ['OBJECT_TABLE', 'drops the table'],
  ['OBJECT_FOREIGN_TABLE', 'drops the foreign table'],
  ['OBJECT_SCHEMA', 'drops the schema'],
  ['OBJECT_SEQUENCE', 'drops the sequence'],
]);
/** With CASCADE these take columns of other tables along. */
const droppedWithColumns = new Map([
  ['OBJECT_TYPE', 'drops, with the columns that use it, the type'],
  ['OBJECT_DOMAIN', 'drops, with the columns that use it, the domain'],
  ['OBJECT_EXTENSION', 'drops, with the columns that use it, the extension'],
]);

/**
 * The statements of a script that can destroy data, in their order: drops, truncates, deletes and updates without
 * WHERE, changes of a column's type, and code whose effect cannot be read from the script.
 * null when the script is no SQL to PostgreSQL's parser or the parser was not loaded.
 */
export function destructiveStatements(sql: string): readonly DestructiveStatement[] | null {
  const statements = parseSql(sql);
  if (statements === null) return null;
  return statements.flatMap((statement) =>
    foundIn(statement).map(({ action, object }) => ({
      action,
      object,
      line: statement.line,
      statement: statement.text,
    })),
  );
}

function foundIn({ kind, node }: ParsedStatement): readonly Found[] {
  const fields = fieldsOf(node, kind);
  switch (kind) {
    case 'DropStmt':
      return dropped(fields);
    case 'DropdbStmt':
      return [{ action: 'drops the database', object: quoted([String(fields.dbname ?? '')]) }];
    case 'DropOwnedStmt':
      return [{ action: 'drops all objects', object: 'of a role' }];
    case 'AlterTableStmt':
      return alteredColumns(fields);
    case 'TruncateStmt':
      return listOf(fields.relations).map((relation) => ({
        action: 'empties the table',
        object: relationName(fieldsOf(relation, 'RangeVar')),
      }));
    case 'DoStmt':
      return [{ action: 'runs code whose effect cannot be read from the script', object: 'DO' }];
    default:
      return changedRows(node);
  }
}

function dropped(fields: Fields): readonly Found[] {
  const removed = String(fields.removeType);
  const isCascade = fields.behavior === 'DROP_CASCADE';
  const action = droppedWithData.get(removed) ?? (isCascade ? droppedWithColumns.get(removed) : undefined);
  if (action === undefined) return [];
  return listOf(fields.objects).map((object) => ({ action, object: quoted(namesIn(object)) }));
}

function alteredColumns(fields: Fields): readonly Found[] {
  const table = relationName(fieldsOf(fields, 'relation'));
  return listOf(fields.cmds).flatMap((command) => {
    const { subtype, name } = fieldsOf(command, 'AlterTableCmd');
    const object = `${table}.${quoted([String(name ?? '')])}`;
    if (subtype === 'AT_DropColumn') return [{ action: 'drops the column', object }];
    if (subtype === 'AT_AlterColumnType') return [{ action: 'changes the type of the column', object }];
    if (subtype === 'AT_DetachPartition') return [{ action: 'detaches a partition of', object: table }];
    return [];
  });
}

/** DELETE and UPDATE of all rows, also inside of a WITH. */
function changedRows(node: SyntaxNode): readonly Found[] {
  const found: Found[] = [];
  for (const fields of objectsIn(node)) {
    for (const [kind, action] of [
      ['DeleteStmt', 'deletes every row of'],
      ['UpdateStmt', 'changes every row of'],
    ] as const) {
      const statement = fieldsOf(fields, kind);
      if (statement.relation === undefined || statement.whereClause !== undefined) continue;
      found.push({ action, object: relationName(fieldsOf(statement, 'relation')) });
    }
  }
  return found;
}

function listOf(value: SyntaxNode): readonly SyntaxNode[] {
  return Array.isArray(value) ? value : [];
}

/** The texts of a (qualified) name, however the parser wraps it. */
function namesIn(node: SyntaxNode): readonly string[] {
  const list = fieldsOf(node, 'List').items ?? fieldsOf(node, 'TypeName').names ?? [node];
  return listOf(list).map((item) => String(fieldsOf(item, 'String').sval ?? ''));
}

function relationName(fields: Fields): string {
  const { schemaname, relname } = fields;
  return quoted([schemaname, relname].filter((part) => typeof part === 'string'));
}

function quoted(parts: readonly string[]): string {
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
}
