import { describe, expect, it } from 'vitest';
import { holdDatabase, isAtWork, journalOf, until } from '../support/dead-run.ts';
import { addQuotations } from '../support/erp.ts';
import { descendantsOf, signalProcess } from '../support/process-tree.ts';
import type { ActionRun } from '../support/runner.ts';
import { startSilentProxy } from '../support/silent-proxy.ts';
import { createWorld, type World } from '../support/world.ts';

/** Stops all processes of a run, as a machine does that is paused: connections stay open, and nothing closes them. */
async function freeze(run: ActionRun): Promise<{ thaw(): void }> {
  const frozen = new Set<number>();
  for (let look = 0; look < 2; look += 1) {
    for (const pid of [run.pid, ...(await descendantsOf(run.pid))]) {
      signalProcess(pid, 'SIGSTOP');
      frozen.add(pid);
    }
  }
  return { thaw: () => void [...frozen].map((pid) => signalProcess(pid, 'SIGCONT')) };
}

/** About a minute after the last sign of life the server ends the sessions that hold the lock. */
const lockIsFree = (world: World) =>
  until(
    world,
    `NOT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
      WHERE l.locktype = 'advisory' AND l.classid = 1399679335 AND l.granted
        AND d.datname IN ('${world.database}', '${world.database}__safe_migrate'))`,
    100_000,
  );

const alterNote = { '20260103000000_add_author': 'ALTER TABLE "Note" ADD COLUMN "author" TEXT;' };
const halfDone = {
  '20260103000000_slow': 'ALTER TABLE "Customer" ADD COLUMN "x" INTEGER;\nSELECT pg_sleep(20);\nSELECT 1/0;',
};

describe.concurrent('a run whose machine freezes', () => {
  it('while it dumps, frees the lock and what it reads; when it wakes up it does no harm', async () => {
    await using world = await createWorld({
      pending: alterNote,
      rows: `INSERT INTO "Note" ("text") SELECT repeat(md5(n::text), 40) FROM generate_series(1, 200000) n;`,
    });
    await using frozen = await world.startMigrate();
    await until(
      world,
      `EXISTS (SELECT FROM pg_stat_activity WHERE datname = '${world.database}' AND application_name = 'safe-migrate dump' AND query ~ 'COPY')`,
    );
    const { thaw } = await freeze(frozen);
    await lockIsFree(world);

    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
    const after = await world.state();
    thaw();
    const result = await frozen.finished;
    expect(result.outputs, result.log).toMatchObject({ result: 'refused' });
    expect((await frozen.post()).exitCode).toBe(0);
    expect(await world.state()).toEqual(after);
    expect(await world.copies()).toEqual([]);
    // The backup of the one that migrated.
    expect((await world.stored()).size).toBe(3);
  });

  it('while its migration runs, is recovered by the next one; when it wakes up it does no harm', async () => {
    await using world = await createWorld({ pending: halfDone });
    await using frozen = await world.startMigrate();
    await until(world, isAtWork(world, '^\\s*SELECT pg_sleep'));
    const { run } = (await journalOf(world)) ?? {};
    const { thaw } = await freeze(frozen);
    await lockIsFree(world);

    await world.project.writeMigration('20260103000000_slow', addQuotations);
    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
    expect(next.result.visibleLog).toMatch(/an earlier run was unfinished and is finished now: .* swap/);
    const after = await world.state();
    const failed = `${world.database}__failed_${run}`;
    expect(await world.copies()).toEqual([failed]);
    thaw();
    const result = await frozen.finished;
    expect(result.outputs, result.log).toMatchObject({ result: 'stopped' });
    expect(result.visibleLog).toContain('another run has taken over');
    expect((await frozen.post()).exitCode).toBe(0);
    expect(await world.state()).toEqual(after);
    expect(await world.copies()).toEqual([failed]);
  });

  it('in the middle of the swap, lets the name go; the next one swaps', async () => {
    await using world = await createWorld({
      pending: { '20260103000000_bad': 'DROP TABLE "Note";\nSELECT 1/0;' },
    });
    const before = await world.state();
    await using frozen = await world.startMigrate();
    await frozen.waitForLog(/^store /m);
    const [fallback = ''] = (await world.copies()).filter((name) => name.includes('__fallback_'));
    let thaw = () => {};
    {
      // Keeps the second rename waiting, so that the transaction is in its middle.
      await using _held = await holdDatabase(world, fallback);
      await until(
        world,
        `EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'another database bears the name')`,
      );
      ({ thaw } = await freeze(frozen));
    }
    await lockIsFree(world);

    await world.project.writeMigration('20260103000000_bad', addQuotations);
    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
    expect(next.result.visibleLog).toMatch(/an earlier run was unfinished and is finished now: .* swap/);
    const after = await world.state();
    expect(after.tables).toMatchObject({ 'public."Note"': before.tables['public."Note"'] });
    // What is frozen is still connected to the coordination database.
    const kept = async () => (await world.copies()).filter((name) => !name.endsWith('__safe_migrate'));
    const copies = await kept();
    thaw();
    const result = await frozen.finished;
    expect(result.exitCode, result.log).toBe(1);
    expect((await frozen.post()).exitCode).toBe(0);
    expect(await world.state()).toEqual(after);
    expect(await kept()).toEqual(copies);
  });

  it('or whose network drops everything while it dumps, frees the lock, notices it and ends', {
    timeout: 400_000,
  }, async () => {
    await using world = await createWorld({
      pending: alterNote,
      rows: `INSERT INTO "Note" ("text") SELECT repeat(md5(n::text), 40) FROM generate_series(1, 200000) n;`,
    });
    const { host, port } = world.cluster.info;
    await using proxy = await startSilentProxy({ host, port });
    const url = new URL(world.url);
    url.port = String(proxy.port);
    await using cutOff = await world.startMigrate({ inputs: { 'database-url': url.href } });
    await until(
      world,
      `EXISTS (SELECT FROM pg_stat_activity WHERE datname = '${world.database}' AND application_name = 'safe-migrate dump' AND query ~ 'COPY')`,
    );
    proxy.fallSilent();
    await lockIsFree(world);

    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
    const after = await world.state();
    const result = await cutOff.finished;
    expect(result.outputs, result.log).toMatchObject({ result: 'refused' });
    // Whichever comes first: the lock's unanswered ping, or a new session that gets no answer.
    expect(result.log).toMatch(/The session that held this run's lock|cannot be reached .*timeout expired/);
    expect(await world.state()).toEqual(after);
    expect((await world.stored()).size).toBe(3);
  });
});
