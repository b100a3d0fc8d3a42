import type { Obstacle, TargetFacts, TargetPort } from '../../database/database.ts';
import { recoveryWays } from '../../recovery/recovery-ways.ts';
import { formatBytes } from '../../report/quantity.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { CommandContext } from '../shared/context.ts';
import type { BackupMaking, MigrateSettings } from '../shared/settings.ts';
import type { ProblemList } from './problem-list.ts';

/** The target's size and properties, and what stands against a backup of it and the ways back. */
export async function lookAtTarget(
  context: CommandContext,
  settings: BackupMaking,
  database: TargetPort,
  problems: ProblemList,
  log: PhaseLog,
): Promise<TargetFacts> {
  const facts = await database.inspect();
  problems.add(facts.obstacles.filter((obstacle) => isInTheWay(obstacle, settings)));
  for (const obstacle of facts.obstacles.filter((each) => !isInTheWay(each, settings))) {
    log.detail(`not in the way of ${settings.command}: ${obstacle.message}`);
  }
  log.detail(
    `a restored copy needs about ${formatBytes(facts.sizeBytes)} more on the server's disk while this run lasts`,
  );
  if (settings.command === 'migrate') {
    tellWays(context, facts.obstacles, settings, log);
    for (const warning of facts.warnings) log.warn(warning);
  }
  return facts;
}

/** The whole table in the folded details; what is closed stays visible, in one line. */
function tellWays(
  context: CommandContext,
  obstacles: readonly Obstacle[],
  settings: MigrateSettings,
  log: PhaseLog,
): void {
  const ways = recoveryWays(obstacles, settings);
  context.report.recoveryWays(ways);
  for (const { way, open, because } of ways) {
    log.detail(`recovery ${way}: ${open ? 'open' : 'closed'}; ${because.join(' ')}`);
  }
  if (obstacles.some(({ isDoubt }) => isDoubt !== true)) {
    const closed = ways.filter(({ open }) => !open).map(({ way }) => way);
    log.warn(`ways of recovery that are closed: ${closed.join(', ')}`);
  }
}

/**
 * The swap is the one way back that is always enough, so `migrate` does not begin where it is closed;
 * a backup that is proved by restoring it needs a database beside the target, and nothing else.
 */
function isInTheWay(obstacle: Obstacle, settings: BackupMaking): boolean {
  if (obstacle.isDoubt === true) return false;
  if (obstacle.closes === 'all') return true;
  if (settings.command === 'migrate') return obstacle.closes.includes('swap');
  return obstacle.code === 'SM_NO_CREATEDB' && settings.verify === 'restore';
}
