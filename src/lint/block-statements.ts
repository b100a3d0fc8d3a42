import { type ParsedStatement, parseBlock, parseSql, type SyntaxNode } from './parse-sql.ts';
import { fieldsOf } from './syntax-tree.ts';

/** What a DO statement can run. */
interface BlockStatements {
  /** The SQL in it, and its expressions as SELECTs; `line` is that of the script. */
  readonly statements: readonly ParsedStatement[];
  /** Whether there is more: SQL that is put together while it runs, or what could not be read. */
  readonly hasUnknown: boolean;
}

/** Statements that run a text. */
const dynamic = ['PLpgSQL_stmt_dynexecute', 'PLpgSQL_stmt_dynfors'];

/** Reads the PL/pgSQL of a DO statement with PostgreSQL's own parsers; null when it is none, or cannot be read. */
export function blockStatements(block: ParsedStatement): BlockStatements | null {
  if (!isPlPgSql(block.node)) return null;
  const tree = parseBlock(block.text);
  if (tree === null) return null;
  // The body's first line is the one on which its quote opens.
  const opening = block.text.search(/\$[^$\s]*\$|'/);
  const firstLine = block.line + block.text.slice(0, Math.max(0, opening)).split('\n').length - 1;
  const statements: ParsedStatement[] = [];
  let hasUnknown = false;
  const waiting: { readonly node: SyntaxNode; readonly line: number }[] = [{ node: tree, line: 1 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, line: outer } = next;
    if (Array.isArray(node)) {
      // Last in, first out: turned round, so that they come in their order.
      waiting.push(...node.toReversed().map((each: SyntaxNode) => ({ node: each, line: outer })));
      continue;
    }
    if (typeof node !== 'object' || node === null) continue;
    const fields = node as Readonly<Record<string, SyntaxNode>>;
    const line = typeof fields.lineno === 'number' ? fields.lineno : outer;
    if (dynamic.some((kind) => kind in fields) || 'dynquery' in fields) hasUnknown = true;
    const { query } = fieldsOf(fields, 'PLpgSQL_expr');
    if (typeof query === 'string') {
      const parsed = parsedQuery(query);
      if (parsed === null) hasUnknown = true;
      else statements.push(...parsed.map((each) => ({ ...each, line: firstLine + line - 1 })));
      continue;
    }
    waiting.push(
      ...Object.values(fields)
        .toReversed()
        .map((each) => ({ node: each, line })),
    );
  }
  return { statements, hasUnknown };
}

/** `DO LANGUAGE plpython3u …` is somebody else's grammar. */
function isPlPgSql(node: SyntaxNode): boolean {
  const { args } = fieldsOf(node, 'DoStmt');
  const options = Array.isArray(args) ? args.map((each: SyntaxNode) => fieldsOf(each, 'DefElem')) : [];
  const language = options.find(({ defname }) => defname === 'language');
  return language === undefined || fieldsOf(language.arg, 'String').sval === 'plpgsql';
}

/** A statement, an expression, or an assignment of one. */
function parsedQuery(query: string): readonly ParsedStatement[] | null {
  const assigned = /^[^:=]*:?=(.*)$/s.exec(query)?.[1];
  return (
    parseSql(query) ??
    parseSql(`SELECT ${query}`) ??
    (assigned === undefined ? null : parseSql(`SELECT ${assigned}`))
  );
}
