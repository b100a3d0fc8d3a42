import type { DestructiveStatement } from '../report/check-report.ts';
import { blockStatements } from './block-statements.ts';
import { unknownFunctions } from './function-calls.ts';
import { type ParsedStatement, parseSql, type SyntaxNode } from './parse-sql.ts';
import { fieldsOf, nameParts, objectsIn } from './syntax-tree.ts';

type Found = Pick<DestructiveStatement, 'action' | 'object'> & { readonly isCertain?: false };
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

/** Called for what they do, and known not to destroy anything. */
const keepsData = new Set(['setval', 'pg_catalog.setval', 'pg_notify']);

/**
 * The statements of a script that destroy data, in their order: drops, truncates, deletes and updates of all rows, changes
 * of a column's type; also inside of DO blocks. After them those of which that cannot be known from the script: SQL that
 * is put together while it runs, procedures, and functions that a SELECT is run for.
 * null when the script is no SQL to PostgreSQL's parser or the parser was not loaded.
 */
export function destructiveStatements(sql: string): readonly DestructiveStatement[] | null {
  const statements = parseSql(sql);
  if (statements === null) return null;
  const prepared = new Set(
    statements.flatMap(({ kind, node }) => (kind === 'PrepareStmt' ? [fieldsOf(node, kind).name] : [])),
  );
  const all = statements.flatMap((statement) => describe(statement, prepared));
  return [...all.filter((each) => each.isCertain), ...all.filter((each) => !each.isCertain)];
}

function describe(
  statement: ParsedStatement,
  prepared: ReadonlySet<unknown>,
): readonly DestructiveStatement[] {
  const told = (found: readonly Found[]) =>
    found.map(({ action, object, isCertain = true }) => ({
      action,
      object,
      isCertain,
      line: statement.line,
      statement: statement.text,
    }));
  if (statement.kind !== 'DoStmt') return told(foundIn(statement, prepared));
  const block = blockStatements(statement);
  return [
    ...(block?.statements ?? []).flatMap((inner) => describe(inner, prepared)),
    ...(block === null || block.hasUnknown ? told([{ action: 'runs', object: 'DO', isCertain: false }]) : []),
  ];
}

function foundIn({ kind, node }: ParsedStatement, prepared: ReadonlySet<unknown>): readonly Found[] {
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
    case 'CallStmt':
      return [call('calls', nameParts(fieldsOf(fields, 'funccall').funcname).join('.'))];
    case 'ExecuteStmt':
      return prepared.has(fields.name) ? [] : [call('executes', String(fields.name))];
    case 'SelectStmt':
      // Nobody reads the rows of a migration's SELECT: it is there for what its functions do.
      return [
        ...changedRows(node),
        ...unknownFunctions(node)
          .filter((name) => !keepsData.has(name))
          .map((name) => call('calls', `${name}()`)),
      ];
    default:
      return changedRows(node);
  }
}

function call(action: string, object: string): Found {
  return { action, object, isCertain: false };
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

/** DELETE and UPDATE of all rows, and what MERGE deletes; also inside of a WITH. */
function changedRows(node: SyntaxNode): readonly Found[] {
  const found: Found[] = [];
  for (const fields of objectsIn(node)) {
    for (const [kind, action] of [
      ['DeleteStmt', 'deletes every row of'],
      ['UpdateStmt', 'changes every row of'],
    ] as const) {
      const statement = fieldsOf(fields, kind);
      if (statement.relation === undefined || !isAlways(statement.whereClause)) continue;
      found.push({ action, object: relationName(fieldsOf(statement, 'relation')) });
    }
    found.push(...mergedRows(fieldsOf(fields, 'MergeStmt')));
  }
  return found;
}

/** What is deleted depends on the other table; what is updated is taken for meant, unless it is every row. */
function mergedRows(fields: Fields): readonly Found[] {
  const actions = listOf(fields.mergeWhenClauses).flatMap((clause) => {
    const { commandType, condition, matchKind } = fieldsOf(clause, 'MergeWhenClause');
    if (commandType === 'CMD_DELETE') return ['deletes rows of'];
    const isEvery =
      isAlways(condition) && isAlways(fields.joinCondition) && matchKind === 'MERGE_WHEN_MATCHED';
    return commandType === 'CMD_UPDATE' && isEvery ? ['changes every row of'] : [];
  });
  const object = relationName(fieldsOf(fields, 'relation'));
  return [...new Set(actions)].map((action) => ({ action, object }));
}

/** No condition, `true`, or `1 = 1`. */
function isAlways(condition: SyntaxNode): boolean {
  if (condition === undefined) return true;
  if (fieldsOf(fieldsOf(condition, 'A_Const'), 'boolval').boolval === true) return true;
  const { name, lexpr, rexpr } = fieldsOf(condition, 'A_Expr');
  const [left, right] = [lexpr, rexpr].map((side) =>
    JSON.stringify({ ...fieldsOf(side, 'A_Const'), location: 0 }),
  );
  const areConstants = [lexpr, rexpr].every((side) => Object.keys(fieldsOf(side, 'A_Const')).length > 0);
  return areConstants && left === right && nameParts(name).join('') === '=';
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
