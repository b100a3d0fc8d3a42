import type { SqlSession } from '../server/server.ts';
import type { SqlError } from '../session/sql-errors.ts';
import { dropsOfDependents } from './dependents.ts';
import type { Difference } from './differences.ts';
import { tryStatements } from './load-entries.ts';
import { additions, changes, type Task } from './tasks.ts';

/** What was run on the copy and worked: its statements happen whole or not at all. */
export interface Step {
  readonly statements: readonly string[];
  /** The object that it is about; null for a step of Prisma's and for drops of what stood in the way. */
  readonly about: { readonly object: string; readonly type: string } | null;
}

export interface Reconciliation {
  readonly steps: readonly Step[];
  /** What still differs, and what the server said about the last attempt; null where there was nothing to try. */
  readonly left: readonly { readonly difference: Difference; readonly reason: string | null }[];
}

/** More than any order of dependencies needs; each round has to have done something. */
const maximumRounds = 25;
/** A statement that has to be run oftener than this has no lasting effect. */
const maximumRuns = 2;

/**
 * Takes a copy of the target's schema to what the migrations made, by trying: first what Prisma proposes, then what the
 * differences that are left ask for, again and again until nothing differs or nothing helps. So the order in which
 * objects depend on each other is found out by PostgreSQL itself, and what is returned is known to work.
 * `look` compares the copy as it is now.
 */
export async function reconcile(
  session: SqlSession,
  proposed: readonly (readonly string[])[],
  look: () => Promise<readonly Difference[]>,
): Promise<Reconciliation> {
  const attempt = new Attempt(session);
  let waiting = proposed;
  let seen = { differences: await look(), steps: 0 };
  const current = async (): Promise<readonly Difference[]> => {
    if (seen.steps !== attempt.steps.length) {
      seen = { differences: await look(), steps: attempt.steps.length };
    }
    return seen.differences;
  };
  const change = async (): Promise<void> => {
    waiting = await attempt.tryProposed(waiting);
    await attempt.tryTasks(changes(await current()));
  };
  for (let round = 0; round < maximumRounds && (await current()).length > 0; round += 1) {
    const before = attempt.steps.length;
    attempt.beginRound();
    await change();
    if (await attempt.clearTheWay()) await change();
    await attempt.tryTasks(additions(await current()));
    if (attempt.steps.length === before) break;
  }
  const differences = await current();
  return {
    steps: attempt.steps,
    left: differences.map((difference) => ({
      difference,
      reason: attempt.reasons.get(difference.object) ?? null,
    })),
  };
}

interface Refused {
  readonly statements: readonly string[];
  readonly about: Step['about'];
  readonly refusal: SqlError;
}

class Attempt {
  readonly steps: Step[] = [];
  /** The last refusal by object. */
  readonly reasons = new Map<string, string>();
  readonly #session: SqlSession;
  /** Of this round, by the text of the statements. */
  readonly #refused = new Map<string, Refused>();
  readonly #runs = new Map<string, number>();

  constructor(session: SqlSession) {
    this.#session = session;
  }

  beginRound(): void {
    this.#refused.clear();
  }

  /** Returns what could not be run yet. */
  async tryProposed(pieces: readonly (readonly string[])[]): Promise<readonly (readonly string[])[]> {
    const waiting = pieces.filter((piece) => !this.#runs.has(textOf(piece)));
    return await this.#untilNothingHelps(waiting, (piece) => this.#run(piece, null));
  }

  async tryTasks(tasks: readonly Task[]): Promise<void> {
    await this.#untilNothingHelps(tasks, async ({ object, type, ways }) => {
      for (const statements of ways) {
        if (await this.#run(statements, { object, type })) return true;
      }
      return false;
    });
  }

  /**
   * Runs what was refused together with drops of what keeps it from being run, which is made again later: both or
   * neither. Returns whether anything helped.
   */
  async clearTheWay(): Promise<boolean> {
    const before = this.steps.length;
    for (const { statements, about, refusal } of [...this.#refused.values()]) {
      const drops = new Set<string>();
      for (const statement of statements) {
        for (const drop of await dropsOfDependents(this.#session, statement, refusal)) drops.add(drop);
      }
      if (drops.size > 0 && (await this.#run([...drops, ...statements], about)))
        this.#count(textOf(statements));
    }
    return this.steps.length > before;
  }

  async #untilNothingHelps<T>(
    things: readonly T[],
    act: (thing: T) => Promise<boolean>,
  ): Promise<readonly T[]> {
    let waiting = things;
    for (;;) {
      const failed: T[] = [];
      for (const thing of waiting) if (!(await act(thing))) failed.push(thing);
      if (failed.length === 0 || failed.length === waiting.length) return failed;
      waiting = failed;
    }
  }

  async #run(statements: readonly string[], about: Step['about']): Promise<boolean> {
    const text = textOf(statements);
    if ((this.#runs.get(text) ?? 0) >= maximumRuns) return false;
    const refusal = await tryStatements(this.#session, statements);
    if (refusal !== null) {
      this.#refused.set(text, { statements, about, refusal });
      if (about !== null) this.reasons.set(about.object, refusal.primaryMessage);
      return false;
    }
    this.#refused.delete(text);
    this.#count(text);
    this.steps.push({ statements, about });
    return true;
  }

  #count(text: string): void {
    this.#runs.set(text, (this.#runs.get(text) ?? 0) + 1);
  }
}

function textOf(statements: readonly string[]): string {
  return statements.join('\n');
}
