import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readActionDefinition } from '../../scripts/action-definition.ts';
import { compileCache } from './compile-cache.ts';
import { descendantsOf, lookAt, type ProcessSight, processesWith, signalProcess } from './process-tree.ts';
import { type Annotation, CommandReader, parseCommandFile } from './runner-commands.ts';

const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));
/** `runs.using: node24`. */
const nodePath = join(repositoryRoot, 'node_modules', 'node', 'bin', 'node');
const sampleIntervalMs = 20;
const pipePatienceMs = 5_000;

export interface ActionOptions {
  /** As in a workflow's `with:`; names that action.yml does not have are passed as well, as the runner does. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Beside what the runner sets; also overrides it (`RUNNER_ENVIRONMENT: 'github-hosted'`). */
  readonly env?: Readonly<Record<string, string>>;
  /** The checked-out repository; an empty folder unless given. */
  readonly workspace?: string;
  /** Folder that holds the built main.js and post.js; the repository's `dist` unless given. */
  readonly dist?: string;
  /** Values of `secrets.*`, which the runner masks by itself. */
  readonly secrets?: readonly string[];
  /** Watches the processes that the action starts (`processes` in the result). */
  readonly watchProcesses?: boolean;
}

/** What a step did, as the runner saw it. */
export interface ActionResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly annotations: readonly Annotation[];
  readonly summary: string;
  /** The log as people see it, masks applied. */
  readonly log: string;
  /** The log's lines outside of all groups, masks applied. */
  readonly visibleLog: string;
  /** All that was printed to stdout and stderr, unmasked, without the mask commands themselves. */
  readonly rawLog: string;
  /** Every process below the action that was seen (`watchProcesses`). */
  readonly processes: readonly ProcessSight[];
}

/** A step that runs or has run. Disposing ends what is left of it and removes its files. */
export interface ActionRun extends AsyncDisposable {
  readonly pid: number;
  readonly workspace: string;
  readonly finished: Promise<ActionResult>;
  /** Resolves when the log (unmasked) matches; rejects when the step ends first or after `timeoutMs`. */
  waitForLog(pattern: RegExp, timeoutMs?: number): Promise<void>;
  /** Sends a signal to the action's process alone. */
  signal(signal: NodeJS.Signals): void;
  /** What the runner does on cancel: SIGINT to node, SIGTERM 7.5 s later, the tree killed 2.5 s after that. */
  cancel(times?: {
    readonly terminateAfterMs?: number;
    readonly killAfterMs?: number;
  }): Promise<ActionResult>;
  /** SIGKILL for the action and everything below it, at once: the machine's out-of-memory killer, an operator. */
  killTree(): Promise<ActionResult>;
  /** Runs `runs.post` with the state that main left; main must have ended. */
  post(): Promise<ActionResult>;
  /** What was printed until now, unmasked. */
  logSoFar(): string;
  /** Every process that the step has started and that lives, wherever it hangs now: the runner knows them by the job's id. */
  processesLeft(): Promise<readonly ProcessSight[]>;
  /** Every file below RUNNER_TEMP, HOME and the runner's command files as it is now, by path. */
  filesWritten(): Promise<ReadonlyMap<string, Buffer>>;
}

/** Runs the action to its end. `await using run = await runAction(…)`; the result is `run.result`. */
export async function runAction(
  options: ActionOptions,
): Promise<ActionRun & { readonly result: ActionResult }> {
  const run = await startAction(options);
  const result = await run.finished;
  return Object.assign(run, { result });
}

/** Starts `runs.main` as the runner does. */
export async function startAction(options: ActionOptions): Promise<ActionRun> {
  const action = await readActionDefinition(join(repositoryRoot, 'action.yml'));
  const dist = options.dist ?? join(repositoryRoot, 'dist');
  const home = await mkdtemp(join(tmpdir(), 'safe-migrate-runner-'));
  const workspace = options.workspace ?? join(home, 'workspace');
  const trackingId = `github_${randomUUID()}`;
  const token = `ghs_${randomUUID().replaceAll('-', '')}`;
  for (const folder of ['temp', 'tools', 'home', 'workspace']) await mkdir(join(home, folder));

  const inputs: Record<string, string> = { ...options.inputs };
  for (const [name, input] of Object.entries(action.inputs)) {
    inputs[name] ??= (input.default ?? '').replace(`\${{ github.token }}`, token);
  }
  const environment: Record<string, string> = {
    ...runnerEnvironment(home, workspace, trackingId),
    ...options.env,
    ...Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [
        `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`,
        value,
      ]),
    ),
  };
  const masks = [token, ...(options.secrets ?? [])];
  const start = (entry: string, stage: string, extra: Readonly<Record<string, string>>) =>
    startStage({
      entry: join(dist, basename(entry)),
      folder: join(home, stage),
      workspace,
      environment: { ...environment, ...extra },
      masks,
      watchProcesses: options.watchProcesses ?? false,
    });

  const main = await start(action.runs.main, 'main', {});
  return {
    pid: main.pid,
    workspace,
    finished: main.finished,
    waitForLog: main.waitForLog,
    signal: (signal) => void signalProcess(main.pid, signal),
    cancel: async ({ terminateAfterMs = 7_500, killAfterMs = 2_500 } = {}) => {
      const ended = main.finished.then(() => true);
      signalProcess(main.pid, 'SIGINT');
      if (await Promise.race([ended, delay(terminateAfterMs, false)])) return main.finished;
      signalProcess(main.pid, 'SIGTERM');
      if (await Promise.race([ended, delay(killAfterMs, false)])) return main.finished;
      return main.killTree();
    },
    killTree: main.killTree,
    post: async () => {
      const { state } = await main.finished;
      if (action.runs.post === undefined) throw new Error('action.yml has no runs.post');
      const states = Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]);
      const post = await start(action.runs.post, 'post', Object.fromEntries(states));
      return post.finished;
    },
    logSoFar: main.logSoFar,
    processesLeft: async () => {
      const sights = await Promise.all((await processesWith(`RUNNER_TRACKING_ID=${trackingId}`)).map(lookAt));
      return sights.filter((sight) => sight !== null);
    },
    filesWritten: async () => readTree(home, options.workspace === undefined ? [] : ['workspace']),
    async [Symbol.asyncDispose]() {
      // What the runner does at the end of a job: whoever still carries the job's id is ended.
      for (const pid of await processesWith(`RUNNER_TRACKING_ID=${trackingId}`))
        signalProcess(pid, 'SIGKILL');
      await main.finished;
      await rm(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

interface Stage {
  readonly pid: number;
  readonly finished: Promise<ActionResult>;
  waitForLog(pattern: RegExp, timeoutMs?: number): Promise<void>;
  logSoFar(): string;
  killTree(): Promise<ActionResult>;
}

async function startStage(request: {
  readonly entry: string;
  readonly folder: string;
  readonly workspace: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly masks: readonly string[];
  readonly watchProcesses: boolean;
}): Promise<Stage> {
  await mkdir(request.folder);
  const file = (name: string) => join(request.folder, name);
  const commandFiles = {
    GITHUB_OUTPUT: file('output'),
    GITHUB_STATE: file('state'),
    GITHUB_ENV: file('env'),
    GITHUB_PATH: file('path'),
    GITHUB_STEP_SUMMARY: file('summary.md'),
  };
  for (const path of Object.values(commandFiles)) await writeFile(path, '');

  const child = spawn(nodePath, [request.entry], {
    cwd: request.workspace,
    env: { ...commandFiles, ...request.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const reader = new CommandReader(request.masks);
  const closed = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
    // A child of the action that lives on may hold the pipes open; the runner does not wait for it either.
    child.once('exit', () => void delay(pipePatienceMs, undefined, { ref: false }).then(resolve));
  });
  // A rejection is told by `finished`; this one must not end the test process first.
  closed.catch(() => {});
  const problems: unknown[] = [];
  let lineArrived = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
      try {
        reader.read(line);
      } catch (error) {
        problems.push(error);
      }
      lineArrived.resolve();
      lineArrived = Promise.withResolvers<void>();
    });
  }
  const processes = request.watchProcesses ? watch(child, closed) : Promise.resolve([]);

  const finish = async (): Promise<ActionResult> => {
    await closed;
    // readline hands out its last lines in the turn after the stream has closed.
    await delay(0);
    if (problems.length > 0) throw problems[0];
    return {
      exitCode: child.exitCode,
      signal: child.signalCode,
      outputs: parseCommandFile(await readFile(commandFiles.GITHUB_OUTPUT, 'utf8')),
      state: { ...reader.state, ...parseCommandFile(await readFile(commandFiles.GITHUB_STATE, 'utf8')) },
      annotations: reader.annotations,
      summary: await readFile(commandFiles.GITHUB_STEP_SUMMARY, 'utf8'),
      log: reader.logLines.join('\n'),
      visibleLog: reader.unfoldedLines.join('\n'),
      rawLog: reader.rawLines.join('\n'),
      processes: await processes,
    };
  };
  const finished = finish();
  finished.catch(() => {});
  const pid = child.pid;
  if (pid === undefined) {
    await finished;
    throw new Error(`${nodePath} could not be started`);
  }

  return {
    pid,
    finished,
    logSoFar: () => reader.rawLines.join('\n'),
    waitForLog: async (pattern, timeoutMs = 150_000) => {
      const deadline = AbortSignal.timeout(timeoutMs);
      while (!pattern.test(reader.rawLines.join('\n'))) {
        const ended = await Promise.race([
          lineArrived.promise.then(() => null),
          closed.then(() => 'the step ended'),
          delay(timeoutMs, 'the time was over', { signal: deadline }).catch(() => 'the time was over'),
        ]);
        if (ended === null || pattern.test(reader.rawLines.join('\n'))) continue;
        throw new Error(`${ended} before the log matched ${pattern}:\n${reader.rawLines.join('\n')}`);
      }
    },
    killTree: async () => {
      const tree = [...(await descendantsOf(pid)), pid];
      for (const member of tree) signalProcess(member, 'SIGKILL');
      return finished;
    },
  };
}

/** What the runner sets for a step, and nothing of this machine but PATH; tokens are made up. */
function runnerEnvironment(home: string, workspace: string, trackingId: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    ...compileCache,
    HOME: join(home, 'home'),
    LANG: 'C.UTF-8',
    CI: 'true',
    // No engine of the machine's own: a test that needs Docker brings one (docker.ts).
    DOCKER_HOST: 'unix:///nowhere/docker.sock',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION: '__applizor_safe-migrate',
    GITHUB_ACTOR: 'octocat',
    // Nothing listens there: a test that needs GitHub's API brings a server of its own.
    GITHUB_API_URL: 'http://127.0.0.1:9',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_JOB: 'deploy',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_REPOSITORY: 'applizor/erp',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_RUN_ID: '16442509711',
    GITHUB_RUN_NUMBER: '7',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_SHA: '0d1b2c3d4e5f60718293a4b5c6d7e8f901234567',
    GITHUB_WORKFLOW: 'deploy',
    GITHUB_WORKSPACE: workspace,
    RUNNER_ARCH: 'X64',
    RUNNER_ENVIRONMENT: 'self-hosted',
    RUNNER_NAME: 'harness',
    RUNNER_OS: 'Linux',
    RUNNER_TEMP: join(home, 'temp'),
    RUNNER_TOOL_CACHE: join(home, 'tools'),
    RUNNER_TRACKING_ID: trackingId,
    ACTIONS_RUNTIME_TOKEN: 'runtime-token-of-the-harness',
    ACTIONS_RUNTIME_URL: 'http://127.0.0.1:9/',
    ACTIONS_RESULTS_URL: 'http://127.0.0.1:9/',
  };
}

/** Looks at all processes below the child until it has ended; every command line is kept once. */
async function watch(child: ChildProcess, closed: Promise<void>): Promise<ProcessSight[]> {
  const seen = new Map<string, ProcessSight>();
  let running = true;
  closed
    .catch(() => {})
    .finally(() => {
      running = false;
    });
  while (running && child.pid !== undefined) {
    const own = await lookAt(child.pid);
    for (const pid of await descendantsOf(child.pid)) {
      const sight = await lookAt(pid);
      // Between fork and exec a child still shows its parent's arguments and environment.
      if (sight === null || sight.commandLine === own?.commandLine) continue;
      seen.set(`${sight.pid} ${sight.commandLine}`, sight);
    }
    await delay(sampleIntervalMs);
  }
  return [...seen.values()];
}

async function readTree(root: string, excluded: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const read = async (folder: string): Promise<void> => {
    // The action may remove a folder or a file between the listing and the reading.
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (excluded.some((name) => path.startsWith(join(root, name)))) continue;
      if (entry.isDirectory()) await read(path);
      if (!entry.isFile()) continue;
      const content = await readFile(path).catch(() => null);
      if (content !== null) files.set(path.slice(root.length + 1), content);
    }
  };
  await read(root);
  return files;
}
