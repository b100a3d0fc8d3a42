import { createHash } from 'node:crypto';
import type { HistoryRow } from '../../prisma/migrator.ts';
import { sortedById } from '../decision/decide.ts';

/** One text for the rows of a history, in any order; null when there is no history table. */
export function historyDigest(rows: readonly HistoryRow[] | null): string | null {
  if (rows === null) return null;
  return createHash('sha256')
    .update(JSON.stringify(sortedById(rows)))
    .digest('hex');
}
