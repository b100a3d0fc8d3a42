import { dirname, sep } from 'node:path';
import type { ProcessExit } from '../../system/process.ts';
import type { ScriptRun } from '../migrator.ts';
import { readableText } from '../printed-text.ts';
import type { PrismaInstallation } from '../project/locate-prisma.ts';
import { type PrismaProject, runPrisma } from '../project/prisma-command.ts';
import type { GroupRun } from '../project/run-in-group.ts';

const keptOutputLength = 64 * 1024;

/** Runs `script` by `prisma db execute --stdin`, in the database that `migrate deploy` would work in. */
export async function executeScript(request: {
  readonly installation: PrismaInstallation;
  readonly project: PrismaProject;
  /** The schema's files, as Prisma found them. */
  readonly schemaFiles: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Texts that must not be seen, besides passwords of URLs. */
  readonly secrets: readonly string[];
  readonly script: string;
  readonly signal: AbortSignal;
}): Promise<ScriptRun> {
  const { installation, env, script, signal } = request;
  // Prisma 7 takes the URL from the config and knows no --schema here; up to 6 the command wants one, and finds none.
  const project: PrismaProject = {
    ...request.project,
    schemaPath: installation.major >= 7 ? null : schemaOf(request.project, request.schemaFiles),
  };
  return await collectOutput(request.secrets, (onOutput) =>
    runPrisma({
      installation,
      project,
      command: ['db', 'execute', '--stdin'],
      env,
      input: script,
      signal,
      onOutput,
    }),
  );
}

/** What `--schema` has to say: the one file, or the folder in which all of them are. */
export function schemaOf({ schemaPath }: PrismaProject, files: readonly string[]): string | null {
  if (schemaPath !== null) return schemaPath;
  const [first, ...others] = files;
  if (first === undefined) return null;
  if (others.length === 0) return first;
  let folder = dirname(first);
  while (!others.every((file) => file.startsWith(`${folder}${sep}`))) {
    // Nothing but the root is above all of them: that is no folder of a schema.
    if (folder === dirname(folder)) return null;
    folder = dirname(folder);
  }
  return folder;
}

/** Runs what `start` starts and keeps what it prints, fit to be shown. */
export async function collectOutput(
  secrets: readonly string[],
  start: (onOutput: GroupRun['onOutput']) => Promise<ProcessExit>,
): Promise<ScriptRun> {
  let printed = '';
  const { exitCode } = await start((text) => {
    printed = (printed + text).slice(-keptOutputLength);
  });
  return { exitCode, output: readableText(printed, secrets) };
}
