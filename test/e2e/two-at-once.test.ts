import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { until } from '../support/dead-run.ts';
import { readReport } from '../support/refusal.ts';
import type { ActionResult } from '../support/runner.ts';
import { createWorld, type World } from '../support/world.ts';

/** Waits for as long as somebody else holds "Note", which a dump does not mind. */
const addColumn = { '20260103000000_add_column': 'ALTER TABLE "Note" ADD COLUMN "author" TEXT;' };

/** Keeps "Note" so that a migration cannot change it, until it is let go. */
async function holdNotes(world: World): Promise<AsyncDisposable> {
  const client = new pg.Client({ connectionString: world.url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE "Note" IN ROW EXCLUSIVE MODE');
  return { [Symbol.asyncDispose]: () => client.end() };
}

const isMigrating = (world: World) =>
  `EXISTS (SELECT FROM pg_stat_activity WHERE datname = '${world.database}' AND query ~ 'ADD COLUMN "author"' AND wait_event_type = 'Lock')`;

describe('two runs on one target', () => {
  it('lets the first work to its end and refuses the second at once, naming holder and start', async () => {
    await using world = await createWorld({ pending: addColumn });
    const notes = await holdNotes(world);
    await using first = await world.startMigrate({
      env: { GITHUB_RUN_ID: '16442509111', GITHUB_RUN_ATTEMPT: '2' },
    });
    await until(world, isMigrating(world));

    // The first one cannot go on before this one has ended: whoever waited for the lock would wait for ever.
    await using second = await world.migrate({ env: { GITHUB_RUN_ID: '16442509222' } });
    expect(second.result.exitCode).toBe(1);
    expect(second.result.outputs, second.result.log).toMatchObject({ result: 'refused' });
    const { problems } = await readReport(second.result);
    expect(problems).toMatchObject([{ code: 'SM_LOCKED', phase: 'preflight' }]);
    expect(problems[0]?.message).toMatch(
      /run 16442509111 attempt 2, run [a-z0-9]{9}, started \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.$/,
    );
    expect(second.result.log).toContain('HINT: Run this job again when that one has ended.');
    // Its post neither: the fallback and the lock are the first run's and stay.
    const post = await second.post();
    expect(post.exitCode, post.log).toBe(0);
    expect(await world.copies()).toHaveLength(2);

    await notes[Symbol.asyncDispose]();
    const result = await first.finished;
    expect(result.outputs, result.log).toMatchObject({ result: 'migrated' });
    expect(await world.copies()).toEqual([]);
  });

  it('lets one of two win that start at the same moment', async () => {
    await using world = await createWorld({ pending: addColumn });
    const notes = await holdNotes(world);
    await using one = await world.startMigrate();
    await using other = await world.startMigrate();
    const loser = await Promise.race([one.finished, other.finished]);
    expect(loser.outputs, loser.log).toMatchObject({ result: 'refused' });
    expect(loser.log).toContain('Another run of safe-migrate is at work');

    await notes[Symbol.asyncDispose]();
    const results = await Promise.all([one.finished, other.finished]);
    const byResult = (result: ActionResult) => result.outputs.result ?? '';
    expect(results.map(byResult).sort()).toEqual(['migrated', 'refused']);
    expect(await world.copies()).toEqual([]);
  });
});

describe('a run that dies', () => {
  it.each([
    ['with all that it started', 'tree'],
    ['alone', 'node'],
  ] as const)('%s, frees the lock; the next run clears away what it left and migrates', async (_, what) => {
    await using world = await createWorld({
      pending: addColumn,
      // A restore that takes long enough to die in.
      rows: `INSERT INTO "Note" ("text") SELECT repeat(md5(n::text), 4) FROM generate_series(1, 400000) n;`,
    });
    await using dying = await world.startMigrate();
    const name = `${world.database}\\_\\_fallback\\_%`;
    await until(
      world,
      `EXISTS (SELECT FROM pg_database WHERE datname LIKE '${name}' AND shobj_description(oid, 'pg_database') IS NOT NULL)`,
    );
    if (what === 'tree') await dying.killTree();
    else dying.signal('SIGKILL');
    const dead = await dying.finished;
    expect(dead.signal).toBe('SIGKILL');
    const [left = ''] = (await world.copies()).filter((copy) => copy.includes('__fallback_'));
    expect(left).not.toBe('');

    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
    expect((await readReport(next.result)).earlierRun).toMatchObject({
      phase: 'prove',
      outcome: 'untouched',
    });
    expect(await world.copies()).toEqual([]);
    // One backup is there: that of the run that came to its end.
    const keys = [...(await world.stored()).keys()];
    expect(keys.filter((key) => key.endsWith('/manifest.json'))).toHaveLength(1);
    expect(new Set(keys.map((key) => key.replace(/[^/]*$/, ''))).size).toBe(1);
  });
});
