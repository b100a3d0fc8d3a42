import type { RunJournal } from '../../recovery/journal/run-journal.ts';
import { countOf } from '../../report/quantity.ts';
import { messageOf } from '../../system/errors.ts';
import type { Ready } from '../preflight/preflight.ts';
import type { CommandContext } from '../shared/context.ts';

/**
 * Clears away what the run no longer needs, and then closes its journal. What cannot be cleared is a warning: the result
 * stands already, and with the journal open the next run tries again.
 * `keepFailed`: how many kept failed databases stay, newest first; null: all of them (nothing was confirmed).
 */
export async function settle(
  context: CommandContext,
  ready: Pick<Ready, 'database'>,
  what: {
    readonly dropFallback: { readonly name: string } | null;
    readonly keepFailed: number | null;
    /** null where none is kept. */
    readonly journal: RunJournal | null;
  },
): Promise<void> {
  const { database } = ready;
  await context.log.phase('settle', async (log) => {
    const dropped: string[] = [];
    const drop = async (name: string): Promise<boolean> => {
      try {
        await database.dropCopy(name);
        dropped.push(name);
        log.detail(`dropped ${name}`);
        return true;
      } catch (error) {
        log.warn(`${name} could not be dropped: ${messageOf(error)}`);
        return false;
      }
    };
    try {
      // A run that was cut off for so long that another one has taken over clears nothing away.
      if (what.journal?.isOpen === true) await what.journal.assertOurs();
      if (what.dropFallback === null || (await drop(what.dropFallback.name))) await what.journal?.clear();
      if (what.keepFailed !== null) {
        const failed = await database.failedDatabases();
        for (const { name } of failed.slice(what.keepFailed)) await drop(name);
      }
      context.report.kept(await database.failedDatabases());
    } catch (error) {
      log.warn(`clearing up ended early: ${messageOf(error)}`);
    }
    return {
      fact: dropped.length === 0 ? 'nothing to drop' : `${countOf(dropped.length, 'database')} dropped`,
      value: null,
    };
  });
}
