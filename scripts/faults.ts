import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writePage } from '../test/faults/page.ts';
import { endWithNewline, latestTrials, readResults } from '../test/faults/results.ts';
import { type Task, tasksOf, tryAll } from '../test/faults/try-all.ts';
import { readResults as readDatabases } from '../test/proof/results.ts';
import { installTestParts } from './install-test-parts.ts';
import { announceMissing, setUpSystem } from './setup-system.mjs';

const root = resolve(import.meta.dirname, '..');

const usage = `npm run test:faults -- [options]

Tries every fault once and kills at random moments, appends what was seen to test/faults/results.jsonl, and writes
docs/reliability.md from it. With the same seed it goes on where it was stopped.

  --seed N        which random kills [1]
  --kills N       how many of them [300]
  --only TEXT     only trials whose name or plan holds this text (regular expression)
  --minutes N     begin no trial after so many minutes
  --lanes N       so many trials side by side, each with a server of its own [2]
  --again         try again what ended with an exception
  --results FILE  another file for the results; then no page is written
  --page          only write the page`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      kills: { type: 'string', default: '300' },
      only: { type: 'string', default: '' },
      minutes: { type: 'string' },
      lanes: { type: 'string', default: '2' },
      again: { type: 'boolean', default: false },
      results: { type: 'string' },
      page: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const file = resolve(values.results ?? join(root, 'test/faults/results.jsonl'));
  if (!values.page) {
    announceMissing(await setUpSystem(['postgresql', 'ceph', 'docker']));
    installTestParts();
    await endWithNewline(file);
    const only = new RegExp(values.only);
    const tasks = tasksOf(numberOf(values.seed, 'seed'), numberOf(values.kills, 'kills')).filter(
      ({ id, plan }) => only.test(`${id} ${plan}`),
    );
    await tryAll(tasks, {
      file,
      lanes: numberOf(values.lanes, 'lanes'),
      until:
        values.minutes === undefined
          ? Number.POSITIVE_INFINITY
          : Date.now() + numberOf(values.minutes, 'minutes') * 60_000,
      stop: stopOnSignal(),
      again: values.again,
      say: (line) => console.log(line),
      keepLogs,
    });
  }
  const trials = latestTrials(await readResults(file), numberOf(values.seed, 'seed')).values();
  if ([...trials].some(({ exception, lostRows }) => exception !== null || lostRows > 0)) process.exitCode = 1;
  if (values.results === undefined) {
    await writePage(await readResults(file), await readDatabases(join(root, 'test/proof/results.jsonl')));
  }
}

/** Ctrl-C: what is under way comes to its end, servers are taken down in order, and the page is written. */
function stopOnSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      console.log(`${signal}: no more trials are begun; the same command goes on later`);
      stopping.abort();
    });
  }
  return stopping.signal;
}

function numberOf(text: string, option: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number < 0)
    throw new Error(`--${option} ${text} is not a number\n\n${usage}`);
  return number;
}

/** For the person who looks into an exception; nothing of it is committed. */
async function keepLogs(task: Task, logs: readonly string[]): Promise<string> {
  const folder = join(root, 'test/faults/logs');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${task.seed}-${task.id.replaceAll(/\W+/g, '-')}.log`);
  await writeFile(file, [task.plan, ...logs].join('\n\n=====\n\n'));
  return file;
}

if (import.meta.main) {
  await main();
  // Timers of what never came would hold this process for minutes.
  process.exit();
}
