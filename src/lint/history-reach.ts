import { blockStatements } from './block-statements.ts';
import { callsUnknownFunction } from './function-calls.ts';
import { type ParsedStatement, parseSql } from './parse-sql.ts';
import { describeScript } from './statements.ts';
import { objectsIn } from './syntax-tree.ts';

/**
 * How a script could write Prisma's history, the least telling last: it names the table; it runs SQL that nobody can read
 * from here; it changes rows or calls functions, and triggers, views or old functions may lead there; it cannot.
 */
export type HistoryReach = 'named' | 'dynamic' | 'hidden' | 'none';

const order: readonly HistoryReach[] = ['none', 'hidden', 'dynamic', 'named'];

const historyTable = '_prisma_migrations';
/** Statements that run what stands somewhere else. */
const runsOther = new Set(['CallStmt', 'ExecuteStmt']);
/** What they define runs later in the script, hidden behind another statement. */
const definesCode = new Set(['CreateFunctionStmt', 'CreateTrigStmt', 'CreateEventTrigStmt', 'RuleStmt']);

/** How far a script reaches towards `_prisma_migrations`, whatever schema that is in. */
export function historyReach(script: string): HistoryReach {
  const statements = parseSql(script);
  // Who cannot read it has to expect anything.
  if (statements === null) return script.includes(historyTable) ? 'named' : 'dynamic';
  const hasOwnCode = statements.some(({ kind }) => definesCode.has(kind));
  return furthest(statements.map((statement) => reachOf(statement, hasOwnCode)));
}

/** The one of several scripts that reaches furthest. */
export function furthestReach(scripts: readonly string[]): HistoryReach {
  return furthest(scripts.map(historyReach));
}

/** Whether the history may say what one of these scripts wants it to say. */
export function mayForgeHistory(scripts: readonly string[]): boolean {
  const reach = furthestReach(scripts);
  return reach === 'named' || reach === 'dynamic';
}

function reachOf(statement: ParsedStatement, hasOwnCode: boolean): HistoryReach {
  const { kind, node } = statement;
  // Of the parsed tree: a name may be written with escapes.
  if (texts(node).some((text) => text.includes(historyTable))) return 'named';
  if (kind === 'DoStmt') {
    const block = blockStatements(statement);
    if (block === null || block.hasUnknown) return 'dynamic';
    return furthest(block.statements.map((inner) => reachOf(inner, hasOwnCode)));
  }
  if (runsOther.has(kind) || callsUnknownFunction(kind, node)) return hasOwnCode ? 'dynamic' : 'hidden';
  const [described] = statementsOf(statement);
  if (described === undefined || described.mayChangeData) return hasOwnCode ? 'dynamic' : 'hidden';
  return 'none';
}

function statementsOf({ text }: ParsedStatement) {
  const script = describeScript(text);
  return script.parsed ? script.statements : [];
}

function texts(node: unknown): readonly string[] {
  const found: string[] = [];
  for (const fields of objectsIn(node))
    for (const value of Object.values(fields)) if (typeof value === 'string') found.push(value);
  return found;
}

function furthest(reaches: readonly HistoryReach[]): HistoryReach {
  return reaches.reduce((far, each) => (order.indexOf(each) > order.indexOf(far) ? each : far), 'none');
}
