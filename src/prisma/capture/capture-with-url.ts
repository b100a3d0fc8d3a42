import type { Problem } from '../../system/errors.ts';
import type { Secret } from '../../system/secret.ts';
import { comparePrismaUrl } from '../project/compare-url.ts';
import { type CapturedProject, type CaptureRequest, captureProject } from './capture-project.ts';
import { UnsetUrlVariableError } from './capture-refusals.ts';

interface CapturedWithUrl {
  readonly captured: CapturedProject;
  /** The request's, with what had to be added for Prisma to use the given URL: every other call needs the same. */
  readonly env: Readonly<Record<string, string>>;
  /** Prisma uses another database all the same. */
  readonly problems: readonly Problem[];
}

/**
 * captureProject with `databaseUrl` in every variable that the schema names as `url` or `directUrl` and that the
 * environment of the request does not set (a value in a `.env` file gives way, as it would to the environment). What
 * is set there is never changed, and a variable that a config reads is never guessed at: where it does not lead to
 * the given URL, that is a problem.
 */
export async function captureWithUrl(
  request: CaptureRequest & { readonly databaseUrl: Secret | null },
): Promise<CapturedWithUrl> {
  const { databaseUrl } = request;
  if (databaseUrl === null) {
    return { captured: await captureProject(request), env: request.env, problems: [] };
  }
  let env = request.env;
  for (;;) {
    const attempt = await attemptCapture({ ...request, env }, databaseUrl);
    const isSet = attempt.variable === null || (env[attempt.variable] ?? '') !== '';
    if (attempt.variable !== null && !isSet) {
      env = { ...env, [attempt.variable]: databaseUrl.reveal() };
    } else if (attempt.captured === null) {
      throw attempt.error;
    } else {
      return { captured: attempt.captured, env, problems: attempt.problems };
    }
  }
}

type Attempt =
  | {
      readonly captured: CapturedProject;
      readonly problems: readonly Problem[];
      /** Would have to hold the URL and may not; null when all is well, or no variable can help. */
      readonly variable: string | null;
    }
  | { readonly captured: null; readonly error: UnsetUrlVariableError; readonly variable: string };

async function attemptCapture(request: CaptureRequest, databaseUrl: Secret): Promise<Attempt> {
  try {
    const captured = await captureProject(request);
    const { workingDirectory } = request.project;
    const problems = comparePrismaUrl(databaseUrl, captured.url, workingDirectory, captured.schemaUrl);
    const variable = problems.length === 0 ? null : (captured.schemaUrl?.variable ?? null);
    return { captured, problems, variable };
  } catch (error) {
    if (!(error instanceof UnsetUrlVariableError)) throw error;
    return { captured: null, error, variable: error.variable };
  }
}
