import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '../../system/errors.ts';
import type { Secret } from '../../system/secret.ts';
import { comparePrismaUrl } from '../project/compare-url.ts';
import { urlVariablesIn } from '../project/schema-url.ts';
import { type CapturedProject, type CaptureRequest, captureProject } from './capture-project.ts';
import { UnsetUrlVariableError } from './capture-refusals.ts';
import { textOf } from './list-migrations.ts';

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
  let env = withUrlVariables(request, databaseUrl);
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

/** Where Prisma finds a schema that no option names. */
const usualSchemas = ['prisma/schema.prisma', 'schema.prisma'];

/**
 * The request's environment with the URL in the variables that a schema in the usual place reads it from. Prisma would say
 * so itself, one variable for each start of a second. Where a `.env` lies, whose values count when they lead to the same
 * database, it is asked first.
 */
function withUrlVariables(request: CaptureRequest, databaseUrl: Secret): Readonly<Record<string, string>> {
  const { workingDirectory, schemaPath, checkout } = request.project;
  const below = (path: string) => join(workingDirectory, path);
  if (['.env', 'prisma/.env'].map(below).some(existsSync)) return request.env;
  const places = schemaPath === null ? usualSchemas.map(below) : [schemaPath];
  // One by one: what Prisma does not look at is not read.
  const schema = places
    .values()
    .filter((path) => path.endsWith('.prisma'))
    .map((path) => textOf(checkout, path))
    .find((text) => text !== null);
  const unset = urlVariablesIn([schema ?? '']).filter((name) => (request.env[name] ?? '') === '');
  return { ...request.env, ...Object.fromEntries(unset.map((name) => [name, databaseUrl.reveal()])) };
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
