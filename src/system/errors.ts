import type { Phase } from './phase.ts';

/** One thing that is wrong, told so that a person can act on it. */
export interface Problem {
  /** Stable and public: `SM_` plus words, documented in docs/errors.md. */
  readonly code: `SM_${string}`;
  /** What happened, in the user's words, without secrets or row values. */
  readonly message: string;
  /** What to do about it; printed after `HINT: `. */
  readonly hint: string;
  /** Page in docs/ that explains it; `errors.md` unless a better one is named. */
  readonly docs?: DocsPage;
}

/** Every page of docs/ that an error may point to. */
export type DocsPage =
  | 'errors.md'
  | 'recovery.md'
  | 'rollback.md'
  | 'storage.md'
  | 'postgresql.md'
  | 'docker.md'
  | 'prisma.md'
  | 'security.md'
  | 'check.md';

interface ErrorDetails extends Problem {
  readonly phase?: Phase;
  readonly cause?: unknown;
}

/**
 * The one error type that stories see. The code is stable, the hint is for people, the cause is kept.
 * What is thrown by libraries is wrapped where it enters (`cause`), never shown raw.
 */
export class SafeMigrateError extends Error {
  override readonly name: string = 'SafeMigrateError';
  readonly code: `SM_${string}`;
  readonly hint: string;
  readonly docs: DocsPage;
  readonly phase: Phase | undefined;

  constructor(details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.hint = details.hint;
    this.docs = details.docs ?? 'errors.md';
    this.phase = details.phase;
  }
}

/** Several problems found together; nothing was touched. Thrown by input parsing and by preflight. */
export class RefusedError extends SafeMigrateError {
  override readonly name = 'RefusedError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], details: Pick<ErrorDetails, 'phase' | 'docs' | 'cause'> = {}) {
    const [first] = problems;
    if (first === undefined) throw new TypeError('RefusedError needs at least one problem');
    super({
      ...details,
      code: first.code,
      message: problems.map((problem) => problem.message).join('; '),
      hint: first.hint,
      docs: first.docs ?? details.docs ?? 'errors.md',
    });
    // Each keeps its own page when several are told together.
    this.problems = problems.map((problem) =>
      problem.docs !== undefined || details.docs === undefined
        ? problem
        : { code: problem.code, message: problem.message, hint: problem.hint, docs: details.docs },
    );
  }
}

/** What a thrown value says, whatever it is. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The problems an error stands for: its own list, or itself as the only one. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof RefusedError) return error.problems;
  if (error instanceof SafeMigrateError) return [error];
  return [
    {
      code: 'SM_UNEXPECTED',
      message: messageOf(error),
      hint: 'This is a defect of safe-migrate or of the machine: please report it with the log of this job.',
    },
  ];
}
