import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect } from 'vitest';
import type { Report } from '../../src/report/report.ts';
import type { ActionOptions, ActionResult } from './runner.ts';
import { sharedCeph } from './shared-servers.ts';
import type { World } from './world.ts';

export interface Refusal {
  readonly result: ActionResult;
  readonly report: Report;
}

/** GitHub shows ten annotations of a kind; the last of them sums up what is left. */
const maximumAnnotations = 10;

/**
 * Runs the action and holds it to what every refusal owes: exit code 1, `refused`, exactly the problems with these
 * `codes` (in any order), each with a HINT and a link, in annotations, summary and report; nothing unexplained in
 * the log; and the world as it was: the target's state, an open session of somebody else, no copy, empty bucket.
 */
export async function expectRefused(
  world: World,
  options: ActionOptions,
  codes: readonly string[],
): Promise<Refusal> {
  const before = await world.state();
  const bystander = new pg.Client({ connectionString: world.url });
  // A session that is ended shows in the query below.
  bystander.on('error', () => {});
  await bystander.connect();
  try {
    const pid = await pidOf(bystander);
    await using run = await world.migrate(options);
    const { result } = run;
    const report = await readReport(result);
    expectExplained({ result, report }, codes);
    expect(
      [...(await run.filesWritten()).keys()].filter((path) => path.includes('safe-migrate-work-')),
    ).toEqual([]);

    expect(await world.state()).toEqual(before);
    expect(await pidOf(bystander)).toBe(pid);
    await expectNothingLeft(world);
    return { result, report };
  } finally {
    await bystander.end();
  }
}

/** No copy, no session of ours in the target, and neither an object nor a begun upload in the bucket. */
export async function expectNothingLeft(world: World): Promise<void> {
  expect(await world.copies()).toEqual([]);
  expect(await (await sharedCeph()).contents(world.bucket)).toEqual({ objects: [], uploads: [] });
  expect(await sessionsOfOurs(world)).toEqual([]);
}

/** The report.json that the outputs name. */
export async function readReport(result: ActionResult): Promise<Report> {
  const path = result.outputs.report ?? '';
  expect(path, result.log).not.toBe('');
  return JSON.parse(await readFile(path, 'utf8'));
}

/** One clear message for each problem, wherever people look. */
function expectExplained({ result, report }: Refusal, codes: readonly string[]): void {
  const { log } = result;
  expect(result.exitCode, log).toBe(1);
  expect(result.outputs.result, log).toBe('refused');
  expect(report.result).toBe('refused');
  expect(report.problems.map((problem) => problem.code).sort(), log).toEqual([...codes].sort());
  expect(log).not.toMatch(/SM_UNEXPECTED|\[object Object\]|undefined/);
  expect(log, 'a stack trace').not.toMatch(/^\s*at .+[:(]/m);

  const errors = result.annotations.filter((annotation) => annotation.level === 'error');
  expect(errors, log).toHaveLength(Math.min(codes.length, maximumAnnotations));
  const whole =
    codes.length <= maximumAnnotations ? report.problems : report.problems.slice(0, maximumAnnotations - 1);
  for (const [index, problem] of whole.entries()) {
    expect(problem.hint).not.toBe('');
    expect(problem.docs).toMatch(
      /^https:\/\/github\.com\/applizor\/safe-migrate\/blob\/main\/docs\/\w+\.md#sm_\w+$/,
    );
    expect(errors[index]?.message).toBe(`${problem.message}\nHINT: ${problem.hint}\n${problem.docs}`);
    expect(result.summary).toContain(problem.docs);
  }
  expect(log).toContain('HINT: ');
  expect(result.summary).toContain('## safe-migrate: refused');
  // The log ends in what happened.
  expect(result.visibleLog).toMatch(/^refused: .*(no database was touched|was not touched)\.$/m);
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

/** A backend ends a moment after its client. */
async function sessionsOfOurs(world: World): Promise<string[]> {
  const database = `'${world.database.replaceAll("'", "''")}'`;
  for (let attempt = 1; ; attempt += 1) {
    const text = await world.cluster.psql(
      'postgres',
      `SELECT application_name || ': ' || left(query, 80) FROM pg_stat_activity
        WHERE datname = ${database} AND application_name ~ '^(safe-migrate|pg_dump|pg_restore|psql)'`,
    );
    const sessions = text.split('\n').filter((line) => line !== '');
    if (sessions.length === 0 || attempt === 50) return sessions;
    await sleep(100);
  }
}
