import { blockStatements } from './block-statements.ts';
import { callsUnknownFunction } from './function-calls.ts';
import { type ParsedStatement, parseSql } from './parse-sql.ts';
import { fieldsOf, objectsIn } from './syntax-tree.ts';

/** Statements that run what stands somewhere else. */
const runsOther = new Set(['CallStmt', 'ExecuteStmt', 'LoadStmt']);

/**
 * Names (without schema) of the tables whose rows the scripts may change; `any` where they run code that cannot be read from
 * here. Every relation that is named counts, read or written: a rule, a view or a cascade leads from one to the other.
 */
export function touchedTables(scripts: readonly string[]): ReadonlySet<string> | 'any' {
  const names = new Set<string>();
  for (const script of scripts) {
    const statements = parseSql(script);
    if (statements === null) return 'any';
    for (const statement of statements) if (!addTo(names, statement)) return 'any';
  }
  return names;
}

function addTo(names: Set<string>, statement: ParsedStatement): boolean {
  const { kind, node } = statement;
  if (kind === 'DoStmt') {
    const block = blockStatements(statement);
    return block !== null && !block.hasUnknown && block.statements.every((inner) => addTo(names, inner));
  }
  if (runsOther.has(kind) || callsUnknownFunction(kind, node)) return false;
  for (const fields of objectsIn(node)) {
    for (const part of [fieldsOf(fields, 'RangeVar'), fieldsOf(fields, 'relation'), fields]) {
      if (typeof part.relname === 'string') names.add(part.relname);
    }
    // DROP names its objects as lists of texts.
    if (typeof fields.sval === 'string') names.add(fields.sval);
  }
  return true;
}
