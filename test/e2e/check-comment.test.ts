import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCheckGround, userModel } from '../support/check-ground.ts';
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
  await api?.[Symbol.asyncDispose]();
  await shadow?.[Symbol.asyncDispose]();
});

const added = '20260102000000_add_much';
/** Every third line destroys something; the texts try to leave their block, to be markup and to mention somebody. */
const much = `${Array.from(
  { length: 600 },
  (_, index) =>
    `-- \`\`\` </details> <img src=x> @octocat ${'x'.repeat(120)}\nCREATE TABLE "much_${index}" ("id" INTEGER NOT NULL);\nDROP TABLE "much_${index}";\n`,
).join('')}`;
const models = `${userModel}\n${Array.from(
  { length: 300 },
  (_, index) => `model More${index} {\n  id Int @id\n  ${'name'.repeat(40)} String?\n}\n`,
).join('\n')}`;

it('however much there is to say: GitHub takes the comment and the annotations, and the rest is in the summary and the files', async () => {
  await using ground = await createCheckGround({ target: await sharedPostgres(), shadow, api });
  await ground.project.writeMigration(added, much);
  await ground.writeSchema(models);
  await ground.commit();
  await using run = await ground.check();
  const { result } = run;
  expect(result.outputs, result.log.slice(-2000)).toMatchObject({ result: 'checked' });

  // The API refuses more than 65 536 characters, as GitHub's does.
  const body = api.comments[0]?.body ?? '';
  expect(body).toContain('too long to be shown here');
  expect(body.length).toBeGreaterThan(10_000);
  for (const text of [body, result.summary]) {
    const outside = text.replaceAll(/^(`{3,})[^\n]*\n[\s\S]*?\n\1$/gm, '').replaceAll(/`[^`\n]*`/g, '');
    expect(outside).not.toMatch(/@octocat|<img/);
    expect(outside.split('<details>')).toHaveLength(outside.split('</details>').length);
  }
  expect(result.summary).toContain('CREATE TABLE "much_599"');
  const folder = dirname(result.outputs.report ?? '');
  expect(await readFile(join(folder, 'missing-migration.sql'), 'utf8')).toContain('CREATE TABLE "More299"');

  for (const level of ['error', 'warning']) {
    expect(result.annotations.filter((each) => each.level === level).length).toBeLessThanOrEqual(10);
  }
  const lines = result.annotations.filter(({ title }) => title === 'SM_DATA_LOSS').map(({ line }) => line);
  expect(lines.slice(0, 3)).toEqual([3, 6, 9]);
  const script = (
    await readFile(join(ground.repository, `prisma/migrations/${added}/migration.sql`), 'utf8')
  ).split('\n');
  for (const line of lines) expect(script[Number(line) - 1]).toMatch(/^DROP TABLE/);
});
