import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCheckGround } from '../support/check-ground.ts';
import { addQuotations, erpMigrations } from '../support/erp.ts';
import { createPrismaProject, type PrismaChoice } from '../support/prisma-project.ts';
import { expectRefused } from '../support/refusal.ts';
import type { ActionOptions } from '../support/runner.ts';
import { sharedPostgres } from '../support/shared-servers.ts';
import { createWorld, type World } from '../support/world.ts';

const pending = { '20260103000000_add_quotations': addQuotations };

const reading = (expression: string) => `import { defineConfig, env } from 'prisma/config';
export default defineConfig({ schema: 'prisma/schema.prisma', datasource: { url: ${expression} } });
`;

interface Empty {
  readonly prisma?: PrismaChoice;
  readonly config?: string;
  readonly schemaPrisma?: string;
  readonly given?: Pick<ActionOptions, 'inputs' | 'env'>;
  readonly message: RegExp;
  readonly hint?: RegExp;
}

const noUrl = { inputs: { 'database-url': '' } };
const secretIsSet =
  /secret that does not exist arrives as an empty text: see that it is set in this repository, or in the environment/;
const oneSentence =
  /^database-url is empty, and so is DATABASE_URL, where the Prisma project in .* looks for its URL$/;

const urls: Readonly<Record<string, Empty>> = {
  'Prisma 7, whose config reads process.env': {
    config: reading('process.env.DATABASE_URL'),
    given: noUrl,
    message: oneSentence,
  },
  'Prisma 7, where the step hands on an empty DATABASE_URL': {
    config: reading('process.env.DATABASE_URL'),
    given: { ...noUrl, env: { DATABASE_URL: '' } },
    message: oneSentence,
  },
  'Prisma 7, whose config asks by env()': {
    config: reading(`env('DATABASE_URL')`),
    given: noUrl,
    message: oneSentence,
  },
  'Prisma 6, by its schema': { prisma: '6', given: noUrl, message: oneSentence },
  'Prisma 5, with an empty DATABASE_URL': {
    prisma: '5',
    given: { ...noUrl, env: { DATABASE_URL: '' } },
    message: oneSentence,
  },
  'a schema that names another variable': {
    prisma: '6',
    schemaPrisma: 'datasource db {\n  provider = "postgresql"\n  url = env("POSTGRES_URL")\n}\n',
    given: { ...noUrl, env: { POSTGRES_URL: '' } },
    message: /^database-url is empty, and so is POSTGRES_URL, where/,
  },
  'a blank of nothing but spaces': {
    config: reading('process.env.DATABASE_URL'),
    given: { inputs: { 'database-url': '   ' } },
    message: oneSentence,
  },
  'an empty DIRECT_URL that ?? lets through': {
    config: reading('process.env.DIRECT_URL ?? process.env.DATABASE_URL'),
    given: { env: { DIRECT_URL: '' } },
    message: /works out an empty URL, although DATABASE_URL is set$/,
    hint: /\?\? lets an empty text through, \|\| does not/,
  },
  'another variable that the config asks for': {
    config: reading(`env('ERP_URL')`),
    given: { env: { ERP_URL: '' } },
    message: /needs the environment variable ERP_URL, which is not set or empty$/,
  },
};

describe('a secret that does not exist is an empty text, and is called by its name:', () => {
  let world: World;
  let projects = 0;
  beforeAll(async () => {
    world = await createWorld({ pending });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it.each(Object.entries(urls))(
    '%s',
    async (_, { prisma = '7', config, schemaPrisma, given = {}, message, hint }) => {
      projects += 1;
      const { directory } = await createPrismaProject(join(world.folder, `project-${projects}`), {
        migrations: { ...erpMigrations, ...pending },
        prisma,
        ...(config === undefined ? {} : { config }),
        ...(schemaPrisma === undefined ? {} : { schemaPrisma }),
      });
      const { report } = await expectRefused(world, { workspace: directory, ...given }, ['SM_PRISMA_CONFIG']);
      expect(report.problems[0]?.message).toMatch(message);
      expect(report.problems[0]?.hint).toMatch(secretIsSet);
      if (hint !== undefined) expect(report.problems[0]?.hint).toMatch(hint);
    },
  );

  it('storage and passphrase, where artifacts would be readable', async () => {
    const { report } = await expectRefused(world, { inputs: { storage: '', 'encryption-passphrase': '' } }, [
      'SM_ARTIFACT_PUBLIC',
    ]);
    expect(report.problems[0]?.message).toMatch(
      /^the backup would not be encrypted: encryption-passphrase is empty \(a secret that does not exist arrives as an empty text\)\./,
    );
  });

  it('the URL of a check in the team’s own pull request, as a warning', async () => {
    await using ground = await createCheckGround({ target: await sharedPostgres(), shadow: null });
    await ground.project.writeMigration('20260102000000_more', 'CREATE TABLE "More" ("id" int);\n');
    await ground.commit();
    await using run = await ground.check(noUrl);
    const { annotations, outputs, log, summary } = run.result;
    expect(outputs, log).toMatchObject({ result: 'checked' });
    expect(annotations).toContainEqual(
      expect.objectContaining({
        level: 'warning',
        message: expect.stringMatching(/^database-url is empty, and Prisma found no URL either/) as string,
      }),
    );
    expect(summary).toMatch(/A secret that does not exist arrives as an empty text/);
  });
});
