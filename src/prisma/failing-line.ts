import { type ParsedStatement, parseSql } from '../lint/parse-sql.ts';

/** What the database and the engine said about where a script failed. */
interface FailureTraces {
  /** PostgreSQL's primary message. */
  readonly message: string;
  /**
   * Number and text of the line that the engine marked. Counted from the script's first line (Prisma up to 7.3) or
   * from the statement's, so the text has to confirm it.
   */
  readonly position: { readonly line: number; readonly text: string } | null;
  /** Table that the server named beside the message. */
  readonly table: string | null;
}

/** The 1-based line of `script` at which it failed; null when that cannot be told. */
export function failingLine(script: string, traces: FailureTraces): number | null {
  return lineOfPosition(script, traces.position) ?? lineOfStatement(script, traces);
}

function lineOfPosition(script: string, position: FailureTraces['position']): number | null {
  if (position === null) return null;
  const lines = script.split('\n').map((line) => line.trimEnd());
  const text = position.text.trimEnd();
  if (text === '') return null;
  if (lines[position.line - 1] === text) return position.line;
  // The first line of a statement may begin in the middle of a line of the script.
  const matching = lines.flatMap((line, index) =>
    line === text || (position.line === 1 && line.endsWith(text)) ? [index + 1] : [],
  );
  return matching.length === 1 ? (matching[0] ?? null) : null;
}

const writes = ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'CopyStmt'];
const isWrite = ({ kind }: ParsedStatement): boolean => writes.includes(kind);

/** What kind of statement can fail with such a message. */
const plausible: readonly (readonly [RegExp, (statement: ParsedStatement) => boolean])[] = [
  [/contains null values/, ({ text }) => /not\s+null|primary\s+key/i.test(text)],
  [/violates not-null constraint|duplicate key value|value too long|out of range/, isWrite],
  [
    /already exists/,
    ({ kind, text }) => /^(Create|Index|View|Define|Composite)/.test(kind) || /\b(add|rename)\b/i.test(text),
  ],
  [/could not create unique index/, ({ text }) => /unique|primary\s+key/i.test(text)],
  [/cannot be cast|cannot be implemented/, ({ text }) => /\btype\b|references|foreign\s+key/i.test(text)],
];

/**
 * Most errors at run time carry no position. Then the statement is the one that names all that the message
 * names and can fail so; when that fits several, none is named rather than the wrong one.
 */
function lineOfStatement(script: string, { message, table }: FailureTraces): number | null {
  const statements = parseSql(script);
  if (statements === null) return null;
  if (statements.length === 1) return statements[0]?.line ?? null;
  const canFailSo = plausible.find(([pattern]) => pattern.test(message))?.[1] ?? (() => true);
  const possible = statements.filter(canFailSo);
  const names = [...message.matchAll(/"([^"]+)"/g)].flatMap(([, name]) => name ?? []);
  const naming =
    names.length === 0 ? [] : possible.filter(({ text }) => names.every((name) => mentions(text, name)));
  if (naming.length === 1) return naming[0]?.line ?? null;
  if (naming.length > 1 || table === null) return null;
  // Names of constraints do not stand in the statements that violate them.
  const onTable = possible.filter((statement) => isWrite(statement) && mentions(statement.text, table));
  return onTable.length === 1 ? (onTable[0]?.line ?? null) : null;
}

function mentions(text: string, name: string): boolean {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w$])${escaped}(?![\\w$])`, 'i').test(text);
}
