import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCheckGround } from '../support/check-ground.ts';
import { inputsOfExample } from '../support/example-workflow.ts';
import { type GitHubApi, startGitHubApi } from '../support/github-api.ts';
import { startPostgres, type ThrowawayCluster } from '../support/postgres.ts';
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

describe('check of a pull request', () => {
  it('comments once, and edits that comment on the next push', async () => {
    await using ground = await createCheckGround({ target: await sharedPostgres(), shadow, api });
    // The inputs are those of the example workflow.
    const inputs = inputsOfExample('check.yml', {
      'secrets.READONLY_DATABASE_URL': ground.url,
      'postgresql://postgres:postgres@127.0.0.1:5432/postgres': ground.shadowUrl,
    });
    await ground.commit();
    await using quiet = await ground.check({ inputs });
    expect(quiet.result.exitCode, quiet.result.log).toBe(0);
    expect(quiet.result.outputs, quiet.result.log).toMatchObject({ result: 'checked', drift: 'false' });
    expect(api.comments).toHaveLength(1);
    expect(api.comments[0]?.body).toMatch(
      /^<!-- safe-migrate:check:\.:[0-9a-f]{12} -->\n\*\*safe-migrate\*\* \(check_[0-9a-f]+\): no database changes\.\n$/,
    );

    await ground.project.writeMigration(
      '20260102000000_drop_name',
      '-- no longer needed\nALTER TABLE "User" DROP COLUMN "name";\n',
    );
    await ground.commit();
    await using loud = await ground.check({ inputs });
    const { result } = loud;
    expect(api.comments).toHaveLength(1);
    expect(result.outputs, result.log).toMatchObject({
      result: 'checked',
      'pending-migrations': '["20260102000000_drop_name"]',
      'data-loss': JSON.stringify([
        {
          migration: '20260102000000_drop_name',
          statement: 'ALTER TABLE "User" DROP COLUMN "name"',
          object: '"User"."name"',
        },
      ]),
    });
    // schema.prisma still has the column.
    expect(result.exitCode).toBe(1);
    expect(api.comments[0]?.body).toContain('drops the column `"User"."name"`');
    expect(api.comments[0]?.body).toContain('ADD COLUMN     "name" TEXT');
    expect(result.annotations).toContainEqual(
      expect.objectContaining({
        level: 'warning',
        file: 'prisma/migrations/20260102000000_drop_name/migration.sql',
        line: 2,
      }),
    );
    expect(await shadow.databases()).not.toContainEqual(expect.stringContaining('__scratch_'));
  });

  it('of two folders, and of two databases of one job, has comments that do not overwrite each other', async () => {
    const target = await sharedPostgres();
    await using one = await createCheckGround({ target, shadow: null, api, folder: 'apps/one' });
    await using two = await createCheckGround({ target, shadow: null, api, folder: 'apps/two' });
    const before = api.comments.length;
    const shown = () => api.comments.slice(before).map(({ body }) => body.split('\n')[1]);
    const other = await target.createOwnedDatabase('other', one.database);
    const otherUrl = target.url({ database: other.database });
    for (const ground of [one, two]) await ground.commit();
    for (let push = 0; push < 2; push += 1) {
      await using first = await one.check();
      await using second = await two.check();
      await using third = await one.check({ inputs: { 'database-url': otherUrl } });
      for (const { result } of [first, second, third]) expect(result.exitCode, result.log).toBe(0);
      expect(shown()).toEqual([
        `**safe-migrate** (apps/one, ${one.database}): no database changes.`,
        `**safe-migrate** (apps/two, ${two.database}): no database changes.`,
        `**safe-migrate** (apps/one, ${other.database}): no database changes.`,
      ]);
    }
  });

  it('with a person’s token edits that person’s comment, and nobody else’s', async () => {
    await using ground = await createCheckGround({ target: await sharedPostgres(), shadow: null, api });
    await ground.commit();
    const before = api.comments.length;
    api.person = 'hubot';
    await using first = await ground.check();
    const [made] = api.comments.slice(before);
    // Somebody quotes it.
    api.comments.push({
      id: 4711,
      body: `${made?.body}What is that?`,
      user: { type: 'User', login: 'octocat' },
    });
    await using second = await ground.check();
    expect(
      api.comments.slice(before).map(({ id }) => id),
      second.result.log,
    ).toEqual([made?.id, 4711]);
    api.person = null;
    await using third = await ground.check();
    for (const { result } of [first, second, third]) expect(result.exitCode, result.log).toBe(0);
    // A workflow's token is nobody's: both stay as they are.
    expect(api.comments.slice(before)).toHaveLength(3);
    expect(api.comments.at(-1)?.user.type).toBe('Bot');
  });
});
