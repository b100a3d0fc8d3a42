import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writePage } from '../test/faults/page.ts';
import { readResults as readFaults } from '../test/faults/results.ts';
import { judgeAll, tasksOf } from '../test/proof/judge-all.ts';
import { latest, readResults } from '../test/proof/results.ts';
import { installTestParts } from './install-test-parts.ts';
import { announceMissing, setUpSystem } from './setup-system.mjs';

const root = resolve(import.meta.dirname, '..');
const file = join(root, 'test/proof/results.jsonl');

const usage = `npm run test:proof -- [options]

Builds random databases, lets the proof, the swap and the rollback of the action work on them, and compares with an
oracle of its own. Appends what was seen to test/proof/results.jsonl, and writes docs/reliability.md from it. A database
that was judged for this code is not judged again.

  --seed N        which random databases [1]
  --databases K   how many of them [64]
  --major N       only on PostgreSQL N; otherwise 15 to 18 take turns
  --only TEXT     only databases whose id ("seed number major") matches (regular expression)
  --minutes M     begin no database after so many minutes
  --lanes N       so many side by side [2]
  --results FILE  another file for the results; then no page is written
  --page          only write the page`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      databases: { type: 'string', default: '64' },
      major: { type: 'string' },
      only: { type: 'string', default: '' },
      minutes: { type: 'string' },
      lanes: { type: 'string', default: '2' },
      results: { type: 'string' },
      page: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const results = resolve(values.results ?? file);
  if (!values.page) {
    announceMissing(await setUpSystem(['postgresql', 'clientTools']));
    installTestParts();
    // No engine of the machine's own: it would be asked for tools of a server's major.
    process.env.DOCKER_HOST = 'unix:///nowhere/docker.sock';
    const only = new RegExp(values.only);
    const seed = numberOf(values.seed, 'seed');
    const major = values.major === undefined ? null : numberOf(values.major, 'major');
    const tasks = tasksOf(seed, numberOf(values.databases, 'databases'), major).filter(({ id }) =>
      only.test(id),
    );
    await judgeAll(tasks, {
      seed,
      file: results,
      lanes: numberOf(values.lanes, 'lanes'),
      until:
        values.minutes === undefined
          ? Number.POSITIVE_INFINITY
          : Date.now() + numberOf(values.minutes, 'minutes') * 60_000,
      stop: stopOnSignal(),
      say: (line) => console.log(line),
    });
  }
  const all = await readResults(results);
  for (const [outcome, lines] of Map.groupBy(latest(all), (each) => `${each.way} ${each.outcome}`))
    console.log(`${outcome}: ${lines.length}`);
  const wrong = latest(all).filter(({ outcome }) => outcome === 'missed' || outcome === 'false refusal');
  if (wrong.length > 0) process.exitCode = 1;
  if (values.results === undefined)
    await writePage(await readFaults(join(root, 'test/faults/results.jsonl')), all);
}

/** Ctrl-C: what is under way comes to its end, servers are taken down in order, and the page is written. */
function stopOnSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      console.log(`${signal}: no more databases are begun; the same command goes on later`);
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

if (import.meta.main) {
  await main();
  // Timers of what never came would hold this process for minutes.
  process.exit();
}
