import type { RunJournal } from '../../recovery/journal/run-journal.ts';
import { formatDuration } from '../../report/quantity.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import { describeExit } from '../../system/exit-text.ts';
import type { CommandContext } from './context.ts';
import type { HookSettings } from './settings.ts';

/** In the environment of every hook: by it post finds one that outlived its run. */
export const hookMark = 'SAFE_MIGRATE_HOOK_OF';

/**
 * The user's commands around the work: stop and start the application, turn maintenance on and off. Whatever happens
 * between them, after-migrate runs when before-migrate was begun, and it runs once.
 */
export class Hooks {
  readonly #context: CommandContext;
  readonly #settings: HookSettings;
  /** null: it is closed already. */
  readonly #journal: RunJournal | null;
  #isOwed = false;

  constructor(context: CommandContext, settings: HookSettings, journal: RunJournal | null) {
    this.#context = context;
    this.#settings = settings;
    this.#journal = journal;
  }

  /** Rejects with SM_HOOK_FAILED; and as RunJournal.enter does, before anything is run. */
  async before(): Promise<void> {
    const { beforeMigrate, afterMigrate } = this.#settings;
    await this.#journal?.enter('quiesce', { afterMigrateOwed: afterMigrate !== null });
    this.#isOwed = afterMigrate !== null;
    if (beforeMigrate === null) return;
    await this.#context.log.phase('quiesce', async (log) => {
      const fact = await this.#run('before-migrate', beforeMigrate, log, this.#context.signal);
      return { fact, value: null };
    });
  }

  /** Whether after-migrate is left to post. */
  get isOwed(): boolean {
    return this.#isOwed;
  }

  /**
   * A failure of it is a warning: what the run was to do is done, or undone, by then. After a cancel the runner ends this
   * step within seconds, so it is left to post, which has minutes.
   */
  async after(): Promise<void> {
    const { afterMigrate } = this.#settings;
    if (!this.#isOwed || afterMigrate === null) return;
    if (this.#context.signal.aborted && this.#journal?.isOpen === true) {
      this.#context.log.warn('the run was cancelled: its after-migrate runs in the post part of this step');
      return;
    }
    this.#isOwed = false;
    try {
      // Noted first: it runs once, whoever comes next.
      await this.#journal?.payHook();
      await this.#context.log.phase('settle', async (log) => {
        return { fact: await this.#run('after-migrate', afterMigrate, log, null), value: null };
      });
    } catch (error) {
      this.#context.log.warn(messageOf(error));
    }
  }

  /** What a run that has died still owes. */
  async owed(): Promise<void> {
    this.#isOwed = true;
    await this.after();
  }

  async #run(name: string, script: string, log: PhaseLog, cancelled: AbortSignal | null): Promise<string> {
    const { hookTimeoutMinutes, workingDirectory } = this.#settings;
    const timeout = AbortSignal.timeout(hookTimeoutMinutes * 60_000);
    const startedAt = performance.now();
    const exit = await this.#context.ports.runShellCommand({
      script,
      directory: workingDirectory,
      mark: { name: hookMark, value: this.#context.run.id },
      signal: cancelled === null ? timeout : AbortSignal.any([timeout, cancelled]),
      onOutput: (text) => log.output(text),
    });
    cancelled?.throwIfAborted();
    if (exit.exitCode === 0) return `${name} ended after ${formatDuration(performance.now() - startedAt)}`;
    const how = timeout.aborted
      ? `did not end within ${hookTimeoutMinutes} minutes`
      : `ended with ${describeExit(exit)}`;
    throw new SafeMigrateError({
      code: 'SM_HOOK_FAILED',
      message: `${name} ${how}`,
      hint: 'Its output stands in the log of this step. Try the command by itself on this runner.',
      docs: 'rollback.md',
    });
  }
}
