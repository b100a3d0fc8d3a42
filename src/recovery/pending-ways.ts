import { type HistoryReach, historyReach } from '../lint/history-reach.ts';
import { describeScript } from '../lint/statements.ts';
import type { Migrator } from '../prisma/migrator.ts';
import { parseVersion } from '../prisma/project/version-traits.ts';
import type { PendingWay } from '../report/report.ts';
import { wayOfScript } from './decision/way-of-script.ts';

/** Prisma's engine sends scripts statement by statement from here on. What is measured after a failure counts. */
const splitsSince = { major: 7, minor: 4 };

/**
 * Which way back each pending migration leaves open should it fail: `history`, where the failed row may be all that there is
 * to take back, or only the `swap`. Known before, because it hangs on the script and on how it is sent.
 */
export function pendingWays(
  { kind, version, migrations }: Pick<Migrator, 'kind' | 'version' | 'migrations'>,
  pending: readonly string[],
  known: { readonly eventTriggers: boolean; readonly recovery: 'auto' | 'swap' },
): readonly PendingWay[] {
  const scripts = migrations.filter(({ name }) => pending.includes(name));
  return scripts.map(({ name: migration, script }) => {
    if (known.recovery === 'swap') return { migration, way: 'swap', because: 'recovery is set to swap' };
    const asRead = (reason: string): PendingWay => ({
      migration,
      way: 'history',
      because: `only where every table still holds what the backup holds: ${reason}`,
    });
    if (kind === 'command') return asRead('migrate-command may do more than its scripts say');
    const doubt = doubtOf(historyReach(script));
    if (doubt !== null) return asRead(doubt);
    const by = wayOfScript(describeScript(script), {
      eventTriggers: known.eventTriggers,
      execution: sendsWhole(version) ? 'one-query' : 'by-statement',
      wasRefused: true,
    });
    if (by.way === 'history') return { migration, way: 'history', because: ifRefused(by.because) };
    return {
      migration,
      way: 'swap',
      because: by.way === 'no' ? by.because : 'it is not known how it is sent',
    };
  });
}

function doubtOf(reach: HistoryReach): string | null {
  if (reach === 'named') return 'it names the migration history';
  return reach === 'dynamic' ? 'it runs SQL that cannot be read before' : null;
}

function sendsWhole(version: string): boolean {
  const { major, minor } = parseVersion(version);
  return major < splitsSince.major || (major === splitsSince.major && minor < splitsSince.minor);
}

/** What `wayOfScript` says of one that has failed, of one that may. */
function ifRefused(because: string): string {
  if (because.includes('no statement that can change data'))
    return 'it holds no statement that can change data; where it changed the schema before it failed, swap';
  if (because.includes('is one statement')) return 'it is one statement, which PostgreSQL undoes as a whole';
  return 'this Prisma sends a script as one query, which PostgreSQL undoes as a whole (measured after a failure)';
}
