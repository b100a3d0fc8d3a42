import { setFlagsFromString } from 'node:v8';
import type * as LibPgQuery from 'libpg-query';
import { SafeMigrateError } from '../system/errors.ts';

/** A node of PostgreSQL's parse tree as JSON: `{ SelectStmt: { … } }`, nested. */
export type SyntaxNode = unknown;

/** One statement of a script. */
export interface ParsedStatement {
  /** Name of the node: `AlterTableStmt`, `SelectStmt`, … (PostgreSQL's parsenodes.h). */
  readonly kind: string;
  readonly node: SyntaxNode;
  /** The statement as written, without the comments before it and without its semicolon. */
  readonly text: string;
  /** Offset of `text` in the script, in UTF-16 units as JavaScript counts them. */
  readonly start: number;
  /** 1-based line on which it begins. */
  readonly line: number;
}

let parser: typeof LibPgQuery | null = null;

/**
 * Loads PostgreSQL's parser (libpg-query, WebAssembly). To be called while nothing is at stake: its initialisation
 * starts at import and a failure there can end the process. Rejects with SM_PARSER.
 */
export async function loadParser(): Promise<void> {
  if (parser !== null) return;
  // A second statement is enough for V8 to optimise the parser's one huge function, which takes 2 s of two threads,
  // and a process does not end before that is done; scripts are too short to gain anything by it.
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  try {
    const library = await import('libpg-query');
    await library.loadModule();
    parser = library;
  } catch (cause) {
    throw new SafeMigrateError({
      code: 'SM_PARSER',
      message: `the SQL parser cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'The files of the action are incomplete: libpg-query.wasm belongs beside its bundle. Use a released version.',
      cause,
    });
  }
}

/**
 * Parses a script with the grammar of PostgreSQL 18. null when it is not SQL to that grammar, or when the parser was
 * not loaded: never throws, because recovery asks.
 */
export function parseSql(sql: string): readonly ParsedStatement[] | null {
  // The parser takes C strings: what follows a NUL would be left out of the answer, silently.
  if (parser === null || sql.includes('\0')) return null;
  let statements: LibPgQuery.RawStmt[];
  try {
    statements = parser.parseSync(sql).stmts ?? [];
  } catch {
    return null;
  }
  const offsets = new ByteOffsets(sql);
  return statements.flatMap(({ stmt, stmt_location: startByte = 0, stmt_len: sizeBytes = 0 }) => {
    const [kind] = Object.keys(stmt ?? {});
    if (kind === undefined) return [];
    const start = offsets.toUnits(startByte);
    const end = sizeBytes === 0 ? sql.length : offsets.toUnits(startByte + sizeBytes);
    return { kind, node: stmt, text: sql.slice(start, end).trimEnd(), start, line: offsets.lineAt(start) };
  });
}

/** A DO statement's PL/pgSQL as a tree (PostgreSQL's plpgsql.h); null when it cannot be read. Never throws. */
export function parseBlock(statement: string): SyntaxNode {
  if (parser === null || statement.includes('\0')) return null;
  try {
    return parser.parsePlPgSQLSync(statement);
  } catch {
    return null;
  }
}

/** The statements of a script; null when it cannot be parsed. */
export function splitStatements(sql: string): readonly string[] | null {
  return parseSql(sql)?.map((statement) => statement.text) ?? null;
}

/** Turns the parser's offsets, which count UTF-8 bytes, into string offsets. Asked in ascending order. */
class ByteOffsets {
  readonly #sql: string;
  readonly #bytes: Buffer;
  #knownByte = 0;
  #knownUnit = 0;
  #knownLine = 1;
  #lineUnit = 0;

  constructor(sql: string) {
    this.#sql = sql;
    this.#bytes = Buffer.from(sql, 'utf8');
  }

  toUnits(byte: number): number {
    this.#knownUnit += this.#bytes.toString('utf8', this.#knownByte, byte).length;
    this.#knownByte = byte;
    return this.#knownUnit;
  }

  lineAt(unit: number): number {
    for (; this.#lineUnit < unit; this.#lineUnit += 1) {
      if (this.#sql.charCodeAt(this.#lineUnit) === 10) this.#knownLine += 1;
    }
    return this.#knownLine;
  }
}
