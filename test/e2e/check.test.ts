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
    expect(api.comments[0]?.body).toBe(
      '<!-- safe-migrate:check:. -->\n**safe-migrate**: no database changes.\n',
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
});
