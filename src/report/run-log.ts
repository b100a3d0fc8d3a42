import type { Phase } from '../system/phase.ts';

/** What a phase may say while it runs. Nothing given to it may hold a secret. */
export interface PhaseLog {
  /** A line inside the phase's folded group. */
  detail(line: string): void;
  /** A line that stays visible and is kept in the report. */
  warn(line: string): void;
  /** Raw output of a child, shown as it comes inside the group (migrator, hooks). */
  output(text: string): void;
  /**
   * Registers what a progress line says; the log prints it every few seconds while the phase lasts
   * and the text has changed. Returning undefined prints nothing.
   */
  progress(say: () => string | undefined): void;
}

/** What a phase ends in. */
export interface PhaseResult<T> {
  /** The phase's one line, e.g. `109 MB of 1.4 GB, sha256 9f2c41d0…`. */
  readonly fact: string;
  readonly value: T;
  readonly failed?: boolean;
}

/** The run's log as the stories see it; `runner/` implements it for GitHub Actions. */
export interface RunLog {
  /** The first line: what is being worked on. */
  headline(line: string): void;
  warn(line: string): void;
  /**
   * Runs one phase: opens its group, times it, prints its one line (`work` returns the fact in it) and
   * keeps a PhaseRecord. When `work` throws, the line says so and the error goes on unchanged; `failed: true`
   * is for a phase that failed without throwing, because the story goes on (migrate, then recover).
   */
  phase<T>(phase: Phase, work: (log: PhaseLog) => Promise<PhaseResult<T>>): Promise<T>;
}
