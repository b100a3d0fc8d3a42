import { describe, expect, it } from 'vitest';
import { ageJournal, holdDatabase, isAtWork, journalOf, paste, until } from '../support/dead-run.ts';
import { decorate } from '../support/decorate.ts';
import { addQuotations } from '../support/erp.ts';
import { expectNothingLeft, readReport } from '../support/refusal.ts';
import { sharedCeph } from '../support/shared-servers.ts';
import { createWorld, type World } from '../support/world.ts';

/** Its first statement stays, and then it waits to be killed. */
const halfDone = {
  '20260103000000_slow': 'ALTER TABLE "Customer" ADD COLUMN "x" INTEGER;\nSELECT pg_sleep(120);',
};
const isHalfDone = (world: World) => until(world, isAtWork(world, '^\\s*SELECT pg_sleep'));

const failedOf = (run: string, world: World) => `${world.database}__failed_${run}`;

describe('post, after its run was killed in the middle of the migration', () => {
  it.each([
    ['with all that it started', 'tree'],
    ['alone, and its Prisma lives on', 'node'],
  ] as const)('%s, brings the target back with all its properties', async (_, what) => {
    await using world = await createWorld({ pending: halfDone });
    await decorate(world);
    const before = await world.state();
    await using dying = await world.startMigrate();
    await isHalfDone(world);
    const { run } = (await journalOf(world)) ?? {};
    if (what === 'tree') await dying.killTree();
    else dying.signal('SIGKILL');
    const post = await dying.post();
    expect(post.exitCode, post.log).toBe(0);
    expect(post.visibleLog).toMatch(/^restored: /m);
    expect(post.visibleLog).toMatch(/^recover .* recovered by swap; what it left is kept as /m);
    expect(post.summary).toContain('## safe-migrate: restored');
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([failedOf(String(run), world)]);

    await world.project.writeMigration('20260103000000_slow', addQuotations);
    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
    expect(next.result.visibleLog).not.toContain('unfinished');
  });

  it('with verify: archive, restores the dump that is still on the disk, although a copy is half restored', async () => {
    await using world = await createWorld({ pending: halfDone });
    const before = await world.state();
    await using dying = await world.startMigrate({ inputs: { verify: 'archive' } });
    await isHalfDone(world);
    const { run } = (await journalOf(world)) ?? {};
    await dying.killTree();
    // As if it had been killed only in its recovery, while it restored.
    const half = `${world.database}__fallback_${run}`;
    const mark = JSON.stringify({ format: 1, kind: 'fallback', target: world.database, run });
    await world.cluster.createDatabase(half, world.user);
    await world.cluster.psql(
      half,
      `COMMENT ON DATABASE "${half}" IS 'safe-migrate ${mark}'; CREATE TABLE "Half" ()`,
    );
    const post = await dying.post();
    expect(post.visibleLog, post.log).toMatch(/^restored: /m);
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([failedOf(String(run), world)]);
  });
});

describe('the next migrate on another machine', () => {
  it('fetches the backup of a run with verify: archive that died half-way, and restores it', async () => {
    await using world = await createWorld({ pending: halfDone });
    const before = await world.state();
    const encryption = { 'encryption-passphrase': 'correct horse battery staple' };
    await using dying = await world.startMigrate({ inputs: { verify: 'archive', ...encryption } });
    await isHalfDone(world);
    const { run } = (await journalOf(world)) ?? {};
    await dying.killTree();
    const half = await world.state();

    // Whoever cannot open it changes nothing, and says what a person has to do.
    await world.project.writeMigration('20260103000000_slow', addQuotations);
    await using stranger = await world.migrate();
    expect(stranger.result.outputs, stranger.result.log).toMatchObject({ result: 'recovery-failed' });
    expect(stranger.result.log).toMatch(/what its backup holds is not known: .*passphrase/i);
    expect(await world.state()).toEqual(half);
    expect((await journalOf(world))?.phase).toBe('recovery-failed');
    await paste(world, [
      `psql --dbname=postgres --command='DROP DATABASE "${world.database}__safe_migrate"'`,
    ]);

    await world.psql(
      `DELETE FROM "_prisma_migrations" WHERE finished_at IS NULL; ALTER TABLE "Customer" DROP COLUMN "x"`,
    );
    await world.project.writeMigration('20260103000000_slow', halfDone['20260103000000_slow']);
    await using again = await world.startMigrate({ inputs: { verify: 'archive', ...encryption } });
    await isHalfDone(world);
    await again.killTree();
    const { run: second } = (await journalOf(world)) ?? {};
    expect(second).not.toBe(run);
    await world.project.writeMigration('20260103000000_slow', 'SELECT 1;');
    await using next = await world.migrate({ inputs: encryption });
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
    expect(next.result.log).toContain('because there is no copy of it on the server');
    expect((await readReport(next.result)).earlierRun).toMatchObject({ run: second, outcome: 'restored' });
    const { tables } = await world.state();
    expect({ ...tables, 'public._prisma_migrations': '' }).toEqual({
      ...before.tables,
      'public._prisma_migrations': '',
    });
  });
});

describe('post, after its run was killed before the migration', () => {
  it('leaves no part, no object and no copy of a backup that was under way', async () => {
    await using world = await createWorld({
      pending: halfDone,
      // Some 60 MB after compression: several parts.
      rows: `INSERT INTO "Note" ("text") SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 30000) n, generate_series(1, 100) m GROUP BY n;`,
    });
    const ceph = await sharedCeph();
    const before = await world.state();
    await using dying = await world.startMigrate();
    await expect
      // Not the one with which preflight looks whether it may upload.
      .poll(async () => (await ceph.contents(world.bucket)).uploads.join(), { timeout: 60_000, interval: 50 })
      .toMatch(/database\.dump/);
    await dying.killTree();
    expect(await journalOf(world)).toMatchObject({ phase: expect.stringMatching(/^(dump|prove)$/) });
    const post = await dying.post();
    expect(post.exitCode, post.log).toBe(0);
    expect(post.visibleLog).toMatch(/^untouched: /m);
    expect(await world.state()).toEqual(before);
    await expectNothingLeft(world);
  });
});

describe('the next migrate', () => {
  it('settles a run that died after Prisma had finished, three days and 1 000 rows ago, and loses none', async () => {
    await using world = await createWorld({ pending: { '20260103000000_add_quotations': addQuotations } });
    await using dying = await world.startMigrate();
    await dying.waitForLog(/^store /m, 150_000);
    const [fallback = ''] = (await world.copies()).filter((name) => name.includes('__fallback_'));
    {
      await using _held = await holdDatabase(world, fallback);
      await dying.waitForLog(/^confirm /m, 150_000);
      await dying.killTree();
    }
    expect(await journalOf(world)).toMatchObject({ phase: 'migrate' });
    await ageJournal(world, '3 days');
    await world.psql(`INSERT INTO "Note" ("text") SELECT 'new ' || n FROM generate_series(1, 1000) n`);
    const written = await world.state();

    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'up-to-date' });
    expect(next.result.visibleLog).toMatch(
      /an earlier run was unfinished and is finished now: .* nothing is undone/,
    );
    expect((await readReport(next.result)).earlierRun).toMatchObject({
      phase: 'migrate',
      outcome: 'migrated',
    });
    expect(await world.state()).toEqual(written);
    expect(await world.copies()).toEqual([]);
  });

  it('stops at one that died half-way more than an hour ago, changes nothing, and the printed commands finish it', async () => {
    await using world = await createWorld({ pending: halfDone });
    const before = await world.state();
    await using dying = await world.startMigrate();
    await isHalfDone(world);
    await dying.killTree();
    await ageJournal(world, '61 minutes');
    const half = await world.state();

    await using next = await world.migrate();
    expect(next.result.exitCode).toBe(1);
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'stopped' });
    expect((await readReport(next.result)).problems).toMatchObject([{ code: 'SM_STOPPED' }]);
    expect(await world.state()).toEqual(half);
    expect(await journalOf(world)).toMatchObject({ phase: 'stopped' });

    // Whoever comes later is told the same, and changes nothing either.
    await using later = await world.migrate();
    expect(later.result.outputs, later.result.log).toMatchObject({ result: 'refused' });
    const report = await readReport(later.result);
    expect(report.problems).toMatchObject([{ code: 'SM_UNFINISHED_RUN' }]);
    expect(await world.state()).toEqual(half);

    await using backup = await world.migrate({ inputs: { command: 'backup' } });
    expect(backup.result.outputs, backup.result.log).toMatchObject({ result: 'backed-up' });
    expect(backup.result.visibleLog).toContain('is unfinished (phase stopped');
    expect(await journalOf(world)).toMatchObject({ phase: 'stopped' });

    await paste(world, report.nextSteps[0]?.commands ?? []);
    expect(await world.state()).toEqual(before);
    expect(await journalOf(world)).toBeNull();
    await world.project.writeMigration('20260103000000_slow', addQuotations);
    await using last = await world.migrate();
    expect(last.result.outputs, last.result.log).toMatchObject({ result: 'migrated' });
  });

  it('recovers one that died half-way just now, and goes on with its own deploy', async () => {
    await using world = await createWorld({ pending: halfDone });
    await using dying = await world.startMigrate();
    await isHalfDone(world);
    const { run } = (await journalOf(world)) ?? {};
    await dying.killTree();
    await world.project.writeMigration('20260103000000_slow', addQuotations);
    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
    expect((await readReport(next.result)).earlierRun).toMatchObject({ run, outcome: 'restored' });
    expect(await world.copies()).toEqual([failedOf(String(run), world)]);
    // Its own post comes too late, and does nothing.
    const after = await world.state();
    const post = await dying.post();
    expect(post.exitCode, post.log).toBe(0);
    expect(await world.state()).toEqual(after);
  });

  it('with nothing pending, clears away the coordination database of one that died before its journal', async () => {
    await using world = await createWorld();
    const before = await world.state();
    await world.cluster.createDatabase(`${world.database}__safe_migrate`, world.user);
    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'up-to-date' });
    expect(await world.copies()).toEqual([]);
    expect(await world.state()).toEqual(before);
  });
});
