import { UnfinishedRunError } from '../recovery/finish/unfinished-run-error.ts';
import type { Result } from '../report/report.ts';
import { backup } from './backup.ts';
import { check } from './check.ts';
import { migrate } from './migrate.ts';
import { pruneCommand } from './prune.ts';
import { rollback } from './rollback.ts';
import type { CommandContext } from './shared/context.ts';
import type { Settings } from './shared/settings.ts';

/**
 * Tells the story of the command that was asked for. A story that rejects has touched nothing: `refused`, with
 * the error in the report. (What goes wrong later is a result of its own.)
 */
export async function runCommand(context: CommandContext, settings: Settings): Promise<Result> {
  try {
    switch (settings.command) {
      case 'migrate':
        return await migrate(context, settings);
      case 'backup':
        return await backup(context, settings);
      case 'prune':
        return await pruneCommand(context, settings);
      case 'check':
        return await check(context, settings);
      case 'rollback':
        return await rollback(context, settings);
    }
  } catch (error) {
    context.report.problem(context.signal.aborted ? context.signal.reason : error);
    return error instanceof UnfinishedRunError ? error.result : 'refused';
  }
}
