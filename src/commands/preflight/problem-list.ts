import { type Problem, problemsOf, RefusedError, SafeMigrateError } from '../../system/errors.ts';

/** What preflight has found wrong so far. It goes on looking, so that everything is told at once. */
export class ProblemList {
  readonly #problems: Problem[] = [];

  get isEmpty(): boolean {
    return this.#problems.length === 0;
  }

  add(problems: readonly Problem[]): void {
    this.#problems.push(...problems);
  }

  /** What `look` resolves with; null, and its problems are kept, when it refuses. */
  async attempt<T>(look: () => Promise<T>): Promise<T | null> {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof SafeMigrateError)) throw error;
      this.add(problemsOf(error));
      return null;
    }
  }

  refuse(): never {
    throw new RefusedError(this.#problems, { phase: 'preflight' });
  }

  refuseIfAny(): void {
    if (!this.isEmpty) this.refuse();
  }
}
