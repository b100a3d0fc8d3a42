import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { copyMark } from '../../src/database/postgres/copy/copy-mark.ts';
import { coordinationMark } from '../../src/database/postgres/lock/coordination-mark.ts';
import { paste } from '../support/dead-run.ts';
import { readReport } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

const pending = { '20260103000000_add_column': 'ALTER TABLE "Note" ADD COLUMN "author" TEXT;' };

/** Makes a database as `user` and writes a comment on it; returns its OID. */
async function forge(world: World, name: string, user: string, comment: string): Promise<number> {
  await world.cluster.psql('postgres', `CREATE DATABASE "${name}" TEMPLATE template0`, { user });
  await world.cluster.psql('postgres', `COMMENT ON DATABASE "${name}" IS '${comment}'`, { user });
  return await oidOf(world, name);
}

async function oidOf(world: World, name: string): Promise<number> {
  return Number(
    await world.cluster.psql('postgres', `SELECT oid FROM pg_database WHERE datname = '${name}'`),
  );
}

it('a journal and a copy that a role with CREATEDB has made send no superuser anywhere, and a forged mark drops nothing', async () => {
  await using world = await createWorld({ pending });
  const { database: target, cluster } = world;
  const mallory = `mallory_${randomBytes(4).toString('hex')}`;
  await cluster.createRole(mallory);
  const before = await oidOf(world, target);
  const copy = `${target}__fallback_forged1`;
  const oid = await forge(world, copy, mallory, copyMark({ kind: 'fallback', target, run: 'forged1' }));
  await cluster.psql('postgres', `ALTER DATABASE "${copy}" ALLOW_CONNECTIONS false`, { user: mallory });
  await forge(
    world,
    `${target}__safe_migrate`,
    mallory,
    coordinationMark(target, {
      version: 1,
      run: 'forged1',
      command: 'migrate',
      phase: 'migrate',
      targetOid: before,
      comment: null,
      backupId: null,
      dump: null,
      fallback: { name: copy, oid, schemaDigest: 'x' },
      historySchema: 'public',
      migrations: [{ name: '20260103000000_add_column', checksums: ['x'] }],
      baseline: {
        history: 'x',
        witness: 'x',
        serverTime: new Date().toISOString(),
        writesBeforeMigration: 0,
        migrator: 'prisma',
        recovery: 'swap',
        onNewWrites: 'restore',
      },
      afterMigrateOwed: false,
      because: null,
      at: new Date().toISOString(),
    }),
  );
  const kept = `${target}__failed_000real`;
  await forge(world, kept, world.user, copyMark({ kind: 'failed', target, run: '000real' }));
  const false1 = `${target}__failed_zzz`;
  await forge(world, false1, mallory, copyMark({ kind: 'failed', target, run: 'zzz' }));

  const inputs = { 'database-url': cluster.url({ database: target }), 'keep-failed': '1' };
  await using refused = await world.migrate({ inputs });
  expect(refused.result.outputs, refused.result.log).toMatchObject({ result: 'refused' });
  const { problems } = await readReport(refused.result);
  expect(problems).toMatchObject([{ code: 'SM_FOREIGN_DATABASE' }]);
  expect(problems[0]?.message).toContain(`it belongs to ${mallory}`);
  expect(await oidOf(world, target)).toBe(before);
  expect(await oidOf(world, copy)).toBe(oid);
  // Post has nothing to follow either.
  const post = await refused.post();
  expect(post.exitCode, post.log).toBe(0);

  const [statement = ''] = /DROP DATABASE "[^"]+";/.exec(problems[0]?.hint ?? '') ?? [];
  await cluster.psql('postgres', statement);
  await using next = await world.migrate({ inputs });
  expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
  expect(next.result.log).toContain(`${false1} bears the name or mark`);
  expect(await oidOf(world, target)).toBe(before);
  const left = (await world.copies()).toSorted();
  expect(left).toEqual([kept, false1, copy].toSorted());
  await paste(world, [`dropdb ${kept}`]);
});

it('a limit of 2 to 5 connections is refused at once with the numbers, and with 6 a failed migration is recovered', async () => {
  await using world = await createWorld({
    pending: { '20260103000000_break': 'ALTER TABLE "Note" ADD COLUMN "author" TEXT;\nSELECT 1/0;' },
  });
  const limit = (count: number) =>
    world.cluster.psql('postgres', `ALTER DATABASE "${world.database}" CONNECTION LIMIT ${count}`);
  for (const count of [2, 5]) {
    await limit(count);
    await using run = await world.migrate();
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'refused' });
    const { problems } = await readReport(run.result);
    expect(problems, run.result.log).toMatchObject([{ code: 'SM_TOO_FEW_CONNECTIONS' }]);
    expect(problems[0]?.message).toContain(`has ${count} left of ${count}`);
    expect(await world.copies()).toEqual([]);
  }
  await limit(6);
  const before = await world.state();
  await using run = await world.migrate({ inputs: { jobs: '4' } });
  expect(run.result.outputs, run.result.log).toMatchObject({ result: 'restored', 'recovery-method': 'swap' });
  expect(run.result.log).toContain('works with jobs: 1 instead of 4');
  expect(await world.state()).toEqual(before);
  expect((await readReport(run.result)).warnings.join()).not.toContain('too many connections');
});
