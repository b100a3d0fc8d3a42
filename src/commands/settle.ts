import type { Fallback } from '../database/database.ts';
import { countOf } from '../report/quantity.ts';
import { messageOf } from '../system/errors.ts';
import type { CommandContext } from './context.ts';
import type { Ready } from './preflight.ts';

/**
 * Clears away what the run no longer needs. What cannot be cleared is a warning: the result stands already.
 * `keepFailed`: how many kept failed databases stay, newest first; null: all of them (nothing was confirmed).
 */
export async function settle(
  context: CommandContext,
  ready: Pick<Ready, 'database'>,
  what: { readonly dropFallback: Pick<Fallback, 'name'> | null; readonly keepFailed: number | null },
): Promise<void> {
  const { database } = ready;
  await context.log.phase('settle', async (log) => {
    const dropped: string[] = [];
    const drop = async (name: string) => {
      try {
        await database.dropCopy(name);
        dropped.push(name);
        log.detail(`dropped ${name}`);
      } catch (error) {
        log.warn(`${name} could not be dropped: ${messageOf(error)}`);
      }
    };
    try {
      if (what.dropFallback !== null) await drop(what.dropFallback.name);
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
