import { messageOf } from '../system/errors.ts';

/**
 * Keeps an error that nobody waited for from ending the process: between the start of a migration and its recovery
 * that would be worse than whatever the error is. It is told as a warning, because it is a defect.
 * A synchronous throw outside of every promise (`uncaughtException`) is treated alike.
 */
export function surviveStrayErrors(warn: (line: string) => void): Disposable {
  const tell = (error: unknown): void => {
    warn(`an error was not handled: ${messageOf(error)}`);
  };
  process.on('unhandledRejection', tell);
  process.on('uncaughtException', tell);
  return {
    [Symbol.dispose]() {
      process.off('unhandledRejection', tell);
      process.off('uncaughtException', tell);
    },
  };
}
