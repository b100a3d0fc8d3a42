import type { WorkPort } from '../../database/database.ts';
import { parseSql } from '../../lint/parse-sql.ts';
import { fieldsOf } from '../../lint/syntax-tree.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { OwnWork } from './own-work.ts';

/**
 * Rolls back the transactions that the migration has prepared: nobody works in them, and yet whoever knows the name can commit
 * them at any time. Ours are those that the scripts name and that are younger than the migration. Returns why one is
 * still there, or null.
 */
export async function rollBackPreparedWork(
  database: WorkPort,
  { since, scripts }: Pick<OwnWork, 'since' | 'scripts'>,
  log: PhaseLog,
): Promise<string | null> {
  const names = new Set(scripts.flatMap(preparedNames));
  if (names.size === 0) return null;
  for (const { gid, owner } of await database.preparedWork(since)) {
    if (!names.has(gid)) continue;
    if (!(await database.rollbackPrepared(gid)))
      return `the transaction that the migration has prepared for ${owner} cannot be rolled back`;
    log.detail('rolled back a transaction that the migration had prepared');
  }
  return null;
}

function preparedNames(script: string): readonly string[] {
  return (parseSql(script) ?? []).flatMap(({ kind, node }) => {
    const { kind: what, gid } = fieldsOf(node, kind);
    return kind === 'TransactionStmt' && what === 'TRANS_STMT_PREPARE' && typeof gid === 'string'
      ? [gid]
      : [];
  });
}
