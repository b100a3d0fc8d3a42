import type { ExchangePort, Fingerprint } from '../../database/database.ts';
import { countOf, formatCount } from '../../report/quantity.ts';
import { messageOf } from '../../system/errors.ts';
import type { CommandContext } from './context.ts';

/** What only the failed database holds, table by table: the application's writes after the backup among it. */
export async function compareSwapped(
  context: Pick<CommandContext, 'log' | 'report' | 'signal'>,
  given: {
    readonly database: ExchangePort;
    readonly swapped: { readonly failedName: string; readonly xidAtSwap: number };
    /** Of the backup. */
    readonly fingerprint: Fingerprint;
    readonly jobs: number;
  },
): Promise<void> {
  const { database, swapped, fingerprint, jobs } = given;
  if (context.signal.aborted) {
    // The runner ends a cancelled step within seconds: the result has to be told before that.
    context.log.warn(`the run was cancelled, so ${swapped.failedName} was not compared with the target`);
    return;
  }
  try {
    await context.log.phase('report', async (log) => {
      const differences = await database.compareWithFailed({ ...swapped, before: fingerprint, jobs }, log);
      context.report.newWrites(differences);
      for (const each of differences) {
        log.detail(
          `${each.schema}.${each.table}: ${each.onlyInFailed} rows only in the failed database, ${each.changed} changed, ${each.onlyInTarget} only in the target`,
        );
      }
      const rows = differences.reduce(
        (sum, each) => sum + each.onlyInFailed + each.changed + each.onlyInTarget,
        0,
      );
      const compared = `${countOf(fingerprint.tables.length, 'table')} compared`;
      return {
        fact:
          rows === 0
            ? `${compared}: no row written after the backup`
            : `${compared}: ${formatCount(rows)} rows in ${countOf(differences.length, 'table')} differ from the failed database`,
        value: null,
      };
    });
  } catch (error) {
    context.log.warn(`the failed database could not be compared: ${messageOf(error)}`);
  }
}
