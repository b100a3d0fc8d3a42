import { countOf, formatSeconds } from '../report/quantity.ts';
import type { PhaseRecord } from '../report/report.ts';
import type { PhaseLog, PhaseResult, RunLog } from '../report/run-log.ts';
import { problemsOf } from '../system/errors.ts';
import type { Phase } from '../system/phase.ts';
import { harmlessLine, LineSplitter, singleLine } from './log-text.ts';

const defaultProgressIntervalMs = 5_000;
/** The longest phase name, and six characters for seconds: `preflight   0.4 s`, `dump     1234.5 s`. */
const phaseColumnWidth = 9;
const durationColumnWidth = 8;

/** Where the log keeps what the report needs of it; a ReportBuilder. */
interface LogRecord {
  phase(record: PhaseRecord): void;
  warn(line: string): void;
}

interface ActionLogOptions {
  readonly record: LogRecord;
  /** How often a progress line may come; tests shorten it. */
  readonly progressIntervalMs?: number;
  /** Where the text goes; the process's stdout, which is what the runner reads. */
  readonly write?: (text: string) => void;
}

/**
 * The log of a run in GitHub Actions: one visible line per phase, everything else folded in the phase's group.
 * A group is opened when there is something to put into it, or when the phase takes longer than one progress
 * interval, so that short phases leave no empty folds and a long one says that it has begun.
 */
export class ActionLog implements RunLog {
  readonly #record: LogRecord;
  readonly #progressIntervalMs: number;
  readonly #write: (text: string) => void;
  #openGroup: Phase | null = null;
  /** The phase whose group was opened last, whether or not it is still open. */
  #begunGroup: Phase | null = null;

  constructor(options: ActionLogOptions) {
    this.#record = options.record;
    this.#progressIntervalMs = options.progressIntervalMs ?? defaultProgressIntervalMs;
    this.#write = options.write ?? ((text) => process.stdout.write(text));
  }

  headline(line: string): void {
    this.visible(`safe-migrate: ${line}`);
  }

  warn(line: string): void {
    this.#record.warn(line);
    this.visible(`warning: ${line}`);
  }

  /** A line outside of all groups. */
  visible(line: string): void {
    this.#closeGroup();
    this.#write(`${singleLine(line)}\n`);
  }

  async phase<T>(phase: Phase, work: (log: PhaseLog) => Promise<PhaseResult<T>>): Promise<T> {
    const startedAt = new Date();
    const started = performance.now();
    const detail = (line: string) => this.#folded(phase, line);
    const childOutput = new LineSplitter(detail);
    let say: () => string | undefined = () => undefined;
    let lastSaid: string | undefined;

    const timer = setInterval(() => {
      if (this.#begunGroup !== phase) this.#open(phase);
      const text = say();
      if (text === undefined || text === lastSaid) return;
      lastSaid = text;
      detail(`${formatSeconds(performance.now() - started)}  ${text}`);
    }, this.#progressIntervalMs);
    // What is waited for keeps the process alive, never the progress line.
    timer.unref();

    const end = (status: PhaseRecord['status'], fact: string) => {
      clearInterval(timer);
      childOutput.end();
      this.#begunGroup = null;
      const durationMs = Math.round(performance.now() - started);
      this.#record.phase({ phase, status, startedAt: startedAt.toISOString(), durationMs, fact });
      const columns =
        phase.padEnd(phaseColumnWidth) + formatSeconds(durationMs).padStart(durationColumnWidth);
      this.visible(`${columns}  ${fact}`);
    };

    try {
      const result = await work({
        detail,
        warn: (line) => this.warn(line),
        output: (text) => childOutput.push(text),
        progress: (newSay) => {
          say = newSay;
        },
      });
      end(result.failed === true ? 'failed' : 'done', result.fact);
      return result.value;
    } catch (error) {
      end('failed', failedFact(error));
      throw error;
    }
  }

  #folded(phase: Phase, text: string): void {
    this.#open(phase);
    for (const line of text.split(/\r\n|\n|\r/)) this.#write(`${harmlessLine(line)}\n`);
  }

  #open(phase: Phase): void {
    if (this.#openGroup === phase) return;
    this.#closeGroup();
    this.#openGroup = phase;
    this.#begunGroup = phase;
    this.#write(`::group::${phase}\n`);
  }

  #closeGroup(): void {
    if (this.#openGroup === null) return;
    this.#openGroup = null;
    this.#write('::endgroup::\n');
  }
}

function failedFact(error: unknown): string {
  const [first, ...others] = problemsOf(error);
  const more = others.length === 0 ? '' : `; and ${countOf(others.length, 'more problem')}`;
  return `failed: ${first?.message ?? ''}${more}`;
}
