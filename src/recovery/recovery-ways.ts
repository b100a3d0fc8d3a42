import type { Obstacle } from '../database/database.ts';
import type { RecoveryWay } from '../report/report.ts';

/** What each way back asks for where nothing closes it. */
const conditions = {
  untouched: 'needs nothing: where history and catalogs are as before, there is nothing to restore',
  history:
    'only where the failed script provably left nothing behind; that is known after it failed, never before',
  swap: 'the restored copy takes the place of the target, whatever the migration did',
} as const;

/**
 * Every way back from a failed migration, least destructive first, and all reasons why it is closed. `recovery: swap`
 * closes the shorter one by choice.
 */
export function recoveryWays(
  obstacles: readonly Obstacle[],
  settings: { readonly recovery: 'auto' | 'swap' },
): readonly RecoveryWay[] {
  const isAgainst = (way: 'history' | 'swap', { closes }: Obstacle) =>
    closes === 'all' || closes.includes(way);
  const against = (way: 'history' | 'swap') =>
    obstacles.filter((each) => each.isDoubt !== true && isAgainst(way, each)).map(({ message }) => message);
  const doubts = obstacles
    .filter((each) => each.isDoubt === true && isAgainst('swap', each))
    .map(({ message }) => `not certain before the backup is proved: ${message}`);
  // Without a whole backup nothing is migrated, so there is nothing to come back from either.
  const againstAll = obstacles.filter(({ closes }) => closes === 'all').map(({ message }) => message);
  const byChoice = settings.recovery === 'swap' ? ['recovery is set to swap'] : [];
  return [
    way('untouched', againstAll, conditions.untouched),
    way('history', [...byChoice, ...against('history')], conditions.history),
    way('swap', against('swap'), conditions.swap, doubts),
    way('in-place', ['arrives with a later version'], ''),
  ];
}

function way(
  name: RecoveryWay['way'],
  closedBy: readonly string[],
  condition: string,
  doubts: readonly string[] = [],
): RecoveryWay {
  return closedBy.length === 0
    ? { way: name, open: true, because: [condition, ...doubts] }
    : { way: name, open: false, because: closedBy };
}
