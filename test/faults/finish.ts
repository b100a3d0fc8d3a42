import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../../src/report/report.ts';
import { journalOf, paste } from '../support/dead-run.ts';
import type { ActionResult, ActionRun } from '../support/runner.ts';
import type { FaultWorld, Ground } from './ground.ts';
import { leftovers } from './leftovers.ts';
import type { Seen } from './results.ts';
import { pendingName, type Way } from './ways.ts';

/**
 * `post`: the step's own, on the same machine. A later run, on another machine: with the `same` commit, or `without`
 * the pending migration. A run that was not killed itself always has its post.
 */
export const finishers = ['post', 'same', 'without'] as const;
export type Finisher = (typeof finishers)[number];

/** A step that takes longer than this has not finished in time: the runner ends a cancelled job after five minutes. */
const timeLimitMs = 150_000;

interface Aftermath {
  readonly ground: Ground;
  readonly world: FaultWorld;
  readonly run: ActionRun;
  readonly way: Pick<Way, 'name' | 'result'>;
  readonly finisher: Finisher;
  /** Its process has been killed. */
  readonly isDead: boolean;
  /** What the run must have told; anything else is an exception. */
  readonly expects?: RegExp;
  /** A person removes what was in the way, before a later run or the printed commands. */
  readonly clear?: () => Promise<void>;
  /** What the trial itself has put there. */
  readonly isOurs?: (leftover: string) => boolean;
  readonly look: () => Promise<{ end: 'before' | 'after' | 'other'; lostRows: number; differs: string }>;
}

/** Lets the run, its post, and when that is not enough one later run finish; then says what is there. */
export async function finish(given: Aftermath): Promise<Omit<Seen, 'where'>> {
  const { world, run, finisher, isDead } = given;
  const story: string[] = [];
  await using later = new AsyncDisposableStack();
  const runs: { run: ActionRun; hadPost: boolean }[] = [];
  let steps: Report['nextSteps'] = [];
  const told = async (who: string, result: ActionResult): Promise<void> => {
    story.push(
      `${who}: ${result.outputs.result ?? (result.signal === null ? `exit ${result.exitCode}` : 'killed')}`,
    );
    const path = result.outputs.report ?? '';
    if (path === '') return;
    const report: Report = JSON.parse(await readFile(path, 'utf8'));
    if (report.nextSteps.length > 0) steps = report.nextSteps;
    if (report.problems.length > 0) story.push(`(${report.problems.map(({ code }) => code).join(', ')})`);
  };

  const late: string[] = [];
  const result = await inTime(run, late);
  if (!isDead) await told('run', result);
  const hadPost = !isDead || finisher === 'post';
  runs.push({ run, hadPost });
  if (hadPost) await told('post', await run.post());
  const toldSoFar = story.join(' ');
  let finishedBy: Seen['finishedBy'] = isDead ? 'post' : 'itself';
  let state = hadPost ? await judge(given, runs) : null;
  const wrong = state === null ? null : whatIsNotSo(result.outputs.result, state.end);

  if (state === null || (state.problems.length > 0 && !(await waitsForPerson(world)))) {
    finishedBy = 'next';
    await given.clear?.();
    if (finisher === 'without' && given.way.name !== 'migrated')
      await world.project.removeMigration(pendingName);
    const next = later.use(await laterRun(world, story));
    await told('later run', next.result);
    runs.push({ run: next, hadPost: false });
    state = await judge(given, runs);
  }
  if (state.problems.length > 0 && (await waitsForPerson(world)) && steps[0] !== undefined) {
    if (finishedBy !== 'next') await given.clear?.();
    finishedBy = 'commands';
    story.push('the printed commands are pasted,');
    await paste(world, steps[0].commands);
    const next = later.use(await laterRun(world, story));
    await told('later run', next.result);
    runs.push({ run: next, hadPost: false });
    state = await judge(given, runs);
  }
  const { end, lostRows } = state;
  const isExpected = given.expects?.test(toldSoFar) ?? true;
  const problems = [
    ...late,
    ...(wrong === null ? [] : [wrong]),
    ...state.problems,
    ...(isExpected ? [] : [`it must tell ${given.expects}, and told ${toldSoFar}`]),
  ];
  const logs = [
    result.log,
    ...(await Promise.all(runs.slice(1).map(async (each) => (await each.run.finished).log))),
  ];
  return {
    seen: story.join(' ').trim(),
    end,
    finishedBy,
    lostRows,
    exception: problems.length === 0 ? null : problems.join('; '),
    ...(problems.length === 0 ? {} : { logs }),
  };
}

async function judge(given: Aftermath, runs: readonly { run: ActionRun; hadPost: boolean }[]) {
  const { ground, world, look } = given;
  const left = (await leftovers(ground, world, runs)).filter((what) => given.isOurs?.(what) !== true);
  const { end, lostRows, differs } = await look();
  const connects = await world.psql('SELECT 1').then(
    () => true,
    () => false,
  );
  return {
    end,
    lostRows,
    problems: [
      ...(end === 'other' ? [`neither the state before nor the one after (${differs})`] : []),
      ...(connects ? [] : ['the target cannot be connected to']),
      ...left.map((what) => `left behind: ${what}`),
    ],
  };
}

/** A run that lived to tell a result must have told the truth. */
function whatIsNotSo(told: string | undefined, end: 'before' | 'after' | 'other'): string | null {
  const isChanged = told === 'migrated' || told === 'rolled-back';
  const isAsBefore = told === 'refused' || told === 'restored' || told === 'untouched';
  const isSo = (!isChanged || end === 'after') && (!isAsBefore || end === 'before');
  return isSo ? null : `the run told ${told}, and the database is as ${end}`;
}

/** A person has to finish: until then nobody changes anything. */
async function waitsForPerson(world: FaultWorld): Promise<boolean> {
  const phase = (await journalOf(world))?.phase;
  return phase === 'recovery-failed' || phase === 'stopped';
}

/** The dead run's sessions may be there for a moment: who is told that it is locked comes again. */
async function laterRun(
  world: FaultWorld,
  story: string[],
): Promise<ActionRun & { readonly result: ActionResult }> {
  for (let attempt = 1; ; attempt += 1) {
    const next = await world.migrate();
    if (attempt === 4 || !/SM_LOCKED|sm_locked/.test(next.result.log)) return next;
    await next[Symbol.asyncDispose]();
    story.push('locked for a moment,');
    await sleep(2_000);
  }
}

/** A run that does not end is killed, and that it had to be is an exception. */
async function inTime(run: ActionRun, late: string[]): Promise<ActionResult> {
  const result = await Promise.race([run.finished, sleep(timeLimitMs, null, { ref: false })]);
  if (result !== null) return result;
  late.push(`the run has not ended within ${timeLimitMs / 1000} s`);
  return await run.killTree();
}
