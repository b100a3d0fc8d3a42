import { SafeMigrateError } from '../system/errors.ts';

/**
 * Turns the runner's signals into an AbortSignal: SIGINT on cancel, SIGTERM 7.5 s later. Listening keeps Node
 * from ending at once; the story ends its children and says how far it came.
 */
export function cancellation(): AbortSignal & Disposable {
  const controller = new AbortController();
  const cancel = (signal: NodeJS.Signals): void => {
    controller.abort(
      new SafeMigrateError({
        code: 'SM_CANCELLED',
        message: `The run was cancelled (${signal}).`,
        hint: 'Run the job again; a cancelled migration is recovered before the run ends.',
      }),
    );
  };
  process.on('SIGINT', cancel);
  process.on('SIGTERM', cancel);
  return Object.assign(controller.signal, {
    [Symbol.dispose]() {
      process.off('SIGINT', cancel);
      process.off('SIGTERM', cancel);
    },
  });
}
