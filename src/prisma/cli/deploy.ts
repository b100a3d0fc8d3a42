import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import type { PhaseLog } from '../../report/run-log.ts';
import { LocalPorts } from '../../system/local-ports.ts';
import type { ProcessExit } from '../../system/process.ts';
import type { DeployResult } from '../migrator.ts';
import { PrintedTextFilter } from '../printed-text.ts';
import type { PrismaInstallation } from '../project/locate-prisma.ts';
import { type PrismaProject, runPrisma } from '../project/prisma-command.ts';
import type { GroupRun } from '../project/run-in-group.ts';

const keptOutputLength = 64 * 1024;
/** Short enough to see the engine's connection, which opens with the first question it asks. */
const portSampleMs = 50;

/**
 * Runs `prisma migrate deploy`. What it prints goes to the log as it comes, without row values and passwords; the
 * result holds the same text. Resolves however it ends: whether it worked is told by the history alone.
 */
export async function deployMigrations(request: {
  readonly installation: PrismaInstallation;
  readonly project: PrismaProject;
  readonly env: Readonly<Record<string, string>>;
  /** Texts that must not be seen, besides passwords of URLs. */
  readonly secrets: readonly string[];
  readonly log: Pick<PhaseLog, 'output'>;
  readonly signal: AbortSignal;
}): Promise<DeployResult> {
  const { installation, project, env, signal } = request;
  return await watchDeploy(request, (watch) =>
    runPrisma({ installation, project, command: ['migrate', 'deploy'], env, signal, ...watch }),
  );
}

/** Runs what `start` starts and collects what recovery wants to know of it. */
export async function watchDeploy(
  request: { readonly secrets: readonly string[]; readonly log: Pick<PhaseLog, 'output'> },
  start: (watch: Required<Pick<GroupRun, 'onOutput' | 'onStart'>>) => Promise<ProcessExit>,
): Promise<DeployResult> {
  const filter = new PrintedTextFilter(request.secrets);
  let output = '';
  const show = (text: string) => {
    if (text === '') return;
    output = (output + text).slice(-keptOutputLength);
    request.log.output(text);
  };
  let localPorts: ReadonlySet<number> = new Set();
  let sampling: Promise<void> = Promise.resolve();
  const ended = new AbortController();
  const exit = await start({
    onOutput: (text) => show(filter.add(text)),
    onStart: (groupId) => {
      const ports = new LocalPorts(groupId);
      localPorts = ports.seen;
      sampling = samplePorts(ports, ended.signal);
    },
  }).finally(() => ended.abort());
  await sampling;
  show(filter.end());
  return { exitCode: exit.exitCode, signal: exit.signal, output, errorCode: errorCodeIn(output), localPorts };
}

/** Prisma's error code (`P1002`, `P3018`, …) in what it printed, or null. */
export function errorCodeIn(output: string): string | null {
  return /^(?:Error: )?(P\d{4})\b/m.exec(stripVTControlCharacters(output))?.[1] ?? null;
}

async function samplePorts(ports: LocalPorts, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    ports.look();
    // Rejects when the migrator has ended, which is what is waited for.
    await sleep(portSampleMs, undefined, { signal: ended }).catch(() => {});
  }
}
