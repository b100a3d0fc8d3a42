import { callsUnknownFunction } from './function-calls.ts';
import { type ParsedStatement, parseSql, type SyntaxNode } from './parse-sql.ts';
import { fieldsOf, isConcurrent } from './syntax-tree.ts';

/** What recovery has to know about one statement of a failing script. */
interface StatementDescription {
  /** Name of PostgreSQL's node, e.g. `AlterTableStmt`. */
  readonly kind: string;
  /** 1-based line on which it begins. */
  readonly line: number;
  /**
   * false only for statements that either change no data or, when they succeeded, always show in the catalogs:
   * then unchanged catalogs prove that they changed none.
   */
  readonly mayChangeData: boolean;
  /** Something of it may stay when the transaction around it is rolled back, or it ends that transaction. */
  readonly breaksAtomicity: boolean;
  /** It may set a sequence to any value, which no rollback takes back; a sequence that only moves on needs no such statement. */
  readonly maySetSequence: boolean;
}

export type ScriptDescription =
  | { readonly parsed: false }
  | { readonly parsed: true; readonly statements: readonly StatementDescription[] };

/**
 * Describes a migration script with PostgreSQL's own parser. `parsed: false` when it cannot be parsed or the parser
 * was not loaded (parse-sql.ts): who cannot read a script has to expect anything of it.
 */
export function describeScript(sql: string): ScriptDescription {
  const statements = parseSql(sql);
  if (statements === null) return { parsed: false };
  return { parsed: true, statements: statements.map(describe) };
}

/** DDL whose success leaves a trace in the definition catalogs (database/postgres/witness.ts looks at all of them). */
export const visibleDefinitions: ReadonlySet<string> = new Set([
  'AlterDefaultPrivilegesStmt',
  'AlterDomainStmt',
  'AlterEnumStmt',
  'AlterFunctionStmt',
  'AlterObjectSchemaStmt',
  'AlterOwnerStmt',
  'AlterPolicyStmt',
  'AlterStatsStmt',
  'AlterTableStmt',
  'AlterTypeStmt',
  'CommentStmt',
  'CompositeTypeStmt',
  'CreateCastStmt',
  'CreateDomainStmt',
  'CreateEnumStmt',
  'CreateExtensionStmt',
  'CreateFunctionStmt',
  'CreatePolicyStmt',
  'CreatePublicationStmt',
  'CreateRangeStmt',
  'CreateSchemaStmt',
  'CreateSeqStmt',
  'CreateStatsStmt',
  'CreateStmt',
  'CreateTrigStmt',
  'DefineStmt',
  'DropStmt',
  'GrantStmt',
  'IndexStmt',
  'RenameStmt',
  'RuleStmt',
  'ViewStmt',
]);

/** Statements for the session alone. */
const sessionOnly = new Set(['ConstraintsSetStmt', 'LockStmt', 'VariableSetStmt', 'VariableShowStmt']);

/** Statements that commit by themselves, or do what no rollback undoes. */
const notTransactional = new Set([
  'AlterDatabaseStmt',
  'AlterSubscriptionStmt',
  'AlterSystemStmt',
  'CallStmt',
  'CheckPointStmt',
  'ClusterStmt',
  'CreateSubscriptionStmt',
  'CreateTableSpaceStmt',
  'CreatedbStmt',
  'DiscardStmt',
  'DoStmt',
  'DropSubscriptionStmt',
  'DropTableSpaceStmt',
  'DropdbStmt',
  'ExecuteStmt',
  'LoadStmt',
  'ReindexStmt',
  'TransactionStmt',
  'VacuumStmt',
]);

function describe({ kind, node, line }: ParsedStatement): StatementDescription {
  const runsUnknownCode = callsUnknownFunction(kind, node);
  const fields = fieldsOf(node, kind);
  return {
    kind,
    line,
    mayChangeData: runsUnknownCode || !leavesDataAlone(kind, fields),
    breaksAtomicity:
      runsUnknownCode || notTransactional.has(kind) || isConcurrent(node) || leavesTheServer(kind, node),
    maySetSequence:
      runsUnknownCode || runsOtherCode.has(kind) || restarts(fields.options) || fields.restart_seqs === true,
  };
}

/** Code that stands somewhere else, or is put together while it runs. */
const runsOtherCode = new Set(['CallStmt', 'DoStmt', 'ExecuteStmt']);

function restarts(options: SyntaxNode): boolean {
  return /"defname":"restart"/.test(JSON.stringify(options ?? null));
}

function leavesDataAlone(kind: string, fields: Readonly<Record<string, SyntaxNode>>): boolean {
  if (visibleDefinitions.has(kind) || sessionOnly.has(kind)) return true;
  // PREPARE TRANSACTION hides what it did from the catalogs, and COMMIT PREPARED brings in what nobody has seen.
  if (kind === 'TransactionStmt') return !/PREPARE/.test(String(fields.kind));
  // RESTART sets the sequence's value, which is data.
  if (kind === 'AlterSeqStmt') return !restarts(fields.options);
  return false;
}

/** COPY with a program or a file on the server. */
function leavesTheServer(kind: string, node: SyntaxNode): boolean {
  const fields = fieldsOf(node, kind);
  return kind === 'CopyStmt' && (fields.is_program === true || typeof fields.filename === 'string');
}
