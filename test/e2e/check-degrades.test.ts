import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCheckGround } from '../support/check-ground.ts';
import { type GitHubApi, startGitHubApi } from '../support/github-api.ts';
import { freePort, startPostgres, type ThrowawayCluster } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared-servers.ts';

let shadow: ThrowawayCluster;
let api: GitHubApi;
beforeAll(async () => {
  shadow = await startPostgres();
  api = await startGitHubApi();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await shadow[Symbol.asyncDispose]();
});

const added = '20260102000000_drop_name';
const drop = 'ALTER TABLE "User" DROP COLUMN "name";\n';

describe('check does what it can, and says what it could not do:', () => {
  it('from a fork, without secrets and with a token that may only read', async () => {
    await using ground = await createCheckGround({ target: await sharedPostgres(), shadow, api });
    await ground.project.writeMigration(added, drop);
    await ground.writeSchema('model User {\n  id Int @id\n}\n');
    await ground.commit();
    await using run = await ground.check({ fork: true });
    const { result } = run;
    expect(result.outputs, result.log).toMatchObject({
      result: 'checked',
      'pending-migrations': JSON.stringify([added]),
      drift: 'unknown',
    });
    expect(result.exitCode).toBe(0);
    expect(result.summary).toContain('GitHub gives no secrets to pull requests from forks');
    expect(result.summary).toContain('drops the column');
    expect(api.comments).toEqual([]);
  });

  it('with a database that does not answer', async () => {
    await using ground = await createCheckGround({ target: await sharedPostgres(), shadow: null });
    await ground.project.writeMigration(added, drop);
    await ground.commit();
    await using run = await ground.check({
      inputs: { 'database-url': `postgresql://u:p@127.0.0.1:${await freePort()}/nowhere` },
    });
    const { result } = run;
    expect(result.exitCode, result.log).toBe(1);
    expect(result.outputs).toMatchObject({
      result: 'checked',
      'pending-migrations': JSON.stringify([added]),
    });
    expect(result.annotations.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(result.summary).toContain('The database was not looked at, because it cannot be opened');
  });

  it('with a shadow server that does not answer, or that is the target’s own', async () => {
    const target = await sharedPostgres();
    await using ground = await createCheckGround({ target, shadow: null });
    await ground.project.writeMigration(added, drop);
    await ground.commit();
    await using dead = await ground.check({
      inputs: { 'shadow-database-url': `postgresql://u:p@127.0.0.1:${await freePort()}/nowhere` },
    });
    expect(dead.result.exitCode, dead.result.log).toBe(1);
    expect(dead.result.summary).toContain('the server of shadow-database-url cannot be used');
    expect(dead.result.annotations.filter(({ level }) => level === 'error')).toHaveLength(1);
    // History and pending migrations need no shadow server.
    expect(dead.result.outputs).toMatchObject({ 'pending-migrations': JSON.stringify([added]) });
    expect(dead.result.summary).toContain('drops the column');

    await using same = await ground.check({
      inputs: { 'shadow-database-url': ground.url, 'fail-on': 'none' },
    });
    expect(same.result.exitCode, same.result.log).toBe(0);
    expect(same.result.annotations).toContainEqual(expect.objectContaining({ title: 'SM_SHADOW_IS_TARGET' }));
    expect((await target.databases()).filter((name) => name.startsWith(`${ground.database}__`))).toEqual([]);
  });

  it('when it is cancelled in the middle of a replay: nothing of it stays', async () => {
    await using ground = await createCheckGround({ target: await sharedPostgres(), shadow });
    await ground.project.writeMigration(added, 'SELECT pg_sleep(300);\n');
    await ground.commit();
    await using run = await ground.start();
    const asleep = async () =>
      shadow.psql(
        'postgres',
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid()",
      );
    await expect.poll(asleep).not.toBe('0');
    const result = await run.cancel();
    expect({ exitCode: result.exitCode, signal: result.signal }, result.log).toEqual({
      exitCode: 1,
      signal: null,
    });
    expect(await shadow.databases()).not.toContainEqual(expect.stringContaining('__scratch_'));
    await expect.poll(asleep).toBe('0');
  });

  it('with inputs that are wrong: all of them at once', async () => {
    await using ground = await createCheckGround({
      target: await sharedPostgres(),
      shadow: null,
      deployed: false,
    });
    await using run = await ground.check({
      inputs: {
        'fail-on': 'everything',
        comment: 'maybe',
        'shadow-database-url': 'mysql://root:geheim@db/erp',
      },
    });
    expect(run.result.outputs).toMatchObject({ result: 'refused' });
    expect(run.result.log).toContain('fail-on: "everything" is unknown');
    expect(run.result.log).toContain('comment: "maybe" is unknown');
    expect(run.result.log).toContain('shadow-database-url: The database URL is one of MySQL');
    expect(run.result.rawLog + run.result.summary).not.toContain('geheim');
  });

  it('with a token that may not comment', async () => {
    await using ground = await createCheckGround({ target: await sharedPostgres(), shadow: null, api });
    await ground.project.writeMigration(
      '20260102000000_add_email',
      'ALTER TABLE "User" ADD COLUMN "email" TEXT;\n',
    );
    await ground.commit();
    api.isReadOnly = true;
    await using run = await ground.check();
    api.isReadOnly = false;
    expect(run.result.exitCode, run.result.log).toBe(0);
    expect(run.result.annotations).toContainEqual(
      expect.objectContaining({ level: 'warning', message: expect.stringContaining('pull-requests: write') }),
    );
    expect(run.result.summary).toContain('20260102000000_add_email');
  });
});
