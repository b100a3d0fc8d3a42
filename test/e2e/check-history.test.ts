import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CheckGround, createCheckGround, initMigration, initSql } from '../support/check-ground.ts';
import { sharedPostgres } from '../support/shared-servers.ts';

const second = '20260102000000_add_email';
const third = '20260103000000_add_phone';
const addEmail = 'ALTER TABLE "User" ADD COLUMN "email" TEXT;\n';
const addPhone = 'ALTER TABLE "User" ADD COLUMN "phone" TEXT;\n';
const base = { [initMigration]: initSql, [second]: addEmail, [third]: addPhone };

const ground = async () => createCheckGround({ target: await sharedPostgres(), shadow: null, base });

/** `error SM_X: message` of every annotation with a place, as people see them. */
async function findings(
  of: CheckGround,
): Promise<{ readonly codes: string[]; readonly log: string; readonly summary: string }> {
  await of.commit();
  await using run = await of.check();
  const { result } = run;
  expect(result.outputs, result.log).toMatchObject({ result: 'checked' });
  // What Prisma itself says to the same question stands beside it, word for word.
  const said = await of.prisma('migrate', 'status').catch((error: { stdout: string }) => error.stdout);
  const words = said.split('\n').filter((line) => /migration|up to date/i.test(line));
  expect(words).not.toEqual([]);
  for (const line of words) expect(result.summary).toContain(line.trimEnd());
  return {
    codes: result.annotations.map(({ level, title, file }) => `${level} ${title} ${file ?? '-'}`),
    log: result.log,
    summary: result.summary,
  };
}

const fileOf = (name: string) => `prisma/migrations/${name}/migration.sql`;

describe('check finds, with the real Prisma beside it,', () => {
  it('what a branch does to migrations that its base has: edited, renamed, out of order, badly named, empty, without script', async () => {
    await using given = await ground();
    await given.project.writeMigration(initMigration, `${initSql}-- edited\n`);
    await rename(
      join(given.project.migrationsDirectory, third),
      join(given.project.migrationsDirectory, '20260104000000_add_phone'),
    );
    await given.project.writeMigration('20250101000000_early', '-- early\n');
    await given.project.writeMigration('20260201000000_fix', '-- says nothing\n');
    await given.project.writeMigration('20260202000000_add_nothing', ' \n');
    await mkdir(join(given.project.migrationsDirectory, '20260203000000_add_script'));
    await writeFile(
      join(given.project.migrationsDirectory, '20260203000000_add_script', 'notes.md'),
      'later\n',
    );

    const { codes, log, summary } = await findings(given);
    expect(codes, log).toEqual(
      expect.arrayContaining([
        `error SM_HISTORY_EDITED ${fileOf(initMigration)}`,
        `error SM_HISTORY_RENAMED ${fileOf('20260104000000_add_phone')}`,
        // The database has it under its old name.
        'error SM_HISTORY_MISSING -',
        `warning SM_MIGRATION_ORDER ${fileOf('20250101000000_early')}`,
        `warning SM_MIGRATION_NAME ${fileOf('20260201000000_fix')}`,
        `error SM_MIGRATION_UNREADABLE ${fileOf('20260202000000_add_nothing')}`,
        `error SM_MIGRATION_UNREADABLE ${fileOf('20260203000000_add_script')}`,
      ]),
    );
    // What Prisma itself says of all that.
    expect(summary).toContain('What prisma migrate status says');
  });

  it('a deleted migration, and a database that is ahead of the files, which Prisma calls up to date', async () => {
    await using given = await ground();
    await given.project.removeMigration(third);
    const { codes, log, summary } = await findings(given);
    expect(codes, log).toEqual(['error SM_HISTORY_MISSING -']);
    expect(
      await given.prisma('migrate', 'status').catch((error: { stdout: string }) => error.stdout),
    ).toContain('Database schema is up to date!');
    expect(summary).toContain('Database schema is up to date!');
  });

  it('a failed migration that Prisma hides behind pending ones', async () => {
    await using given = await ground();
    const failing = '20260104000000_add_broken';
    await given.project.writeMigration(failing, 'SELECT 1/0;\n');
    await expect(given.prisma('migrate', 'deploy')).rejects.toThrow();
    await given.project.writeMigration('20260105000000_add_later', 'SELECT 1;\n');
    const { codes, log, summary } = await findings(given);
    expect(codes, log).toContain(`error SM_HISTORY_FAILED ${fileOf(failing)}`);
    expect(summary).toContain('Following migration have not yet been applied');
  });

  it('one that was rolled back and never applied again', async () => {
    await using given = await ground();
    const failing = '20260104000000_add_broken';
    await given.project.writeMigration(failing, 'SELECT 1/0;\n');
    await expect(given.prisma('migrate', 'deploy')).rejects.toThrow();
    await given.prisma('migrate', 'resolve', '--rolled-back', failing);
    const { codes, log } = await findings(given);
    expect(codes, log).toEqual([`warning SM_HISTORY_ROLLED_BACK ${fileOf(failing)}`]);
  });

  it('a migration that was edited after it had been applied, on the base branch too', async () => {
    await using given = await ground();
    await given.psql(
      `UPDATE "_prisma_migrations" SET checksum = repeat('0', 64) WHERE migration_name = '${second}'`,
    );
    const { codes, log } = await findings(given);
    expect(codes, log).toEqual([`error SM_HISTORY_EDITED ${fileOf(second)}`]);
  });

  it('a lock file of another provider', async () => {
    await using given = await ground();
    await writeFile(join(given.project.migrationsDirectory, 'migration_lock.toml'), 'provider = "mysql"\n');
    await given.commit();
    await using run = await given.check();
    const { result } = run;
    expect(result.outputs, result.log).toMatchObject({ result: 'checked' });
    expect(result.annotations.map(({ level, title }) => `${level} ${title}`)).toEqual(['error SM_PROVIDER']);
    await expect(given.prisma('migrate', 'deploy')).rejects.toThrow(/P3019/);
  });

  it('one that sorts before what the database has applied already, also where the base branch cannot tell', async () => {
    await using given = await ground();
    const late = '20260102120000_add_late';
    await given.project.writeMigration(late, 'SELECT 1;\n');
    await given.commit();
    // No pull request: the database alone is asked.
    await using run = await given.check({ env: { GITHUB_EVENT_PATH: '' } });
    expect(run.result.annotations, run.result.log).toEqual([
      expect.objectContaining({
        level: 'warning',
        title: 'SM_MIGRATION_ORDER',
        file: fileOf(late),
        message: expect.stringContaining(`sorts before ${third}, which is applied already`),
      }),
    ]);
    expect(run.result.summary).toContain('this run belongs to no pull request');
  });

  it('a database with tables and without a history', async () => {
    await using given = await createCheckGround({
      target: await sharedPostgres(),
      shadow: null,
      base,
      deployed: false,
    });
    await given.psql('CREATE TABLE "Old" ("id" INTEGER)');
    const { codes, log } = await findings(given);
    expect(codes, log).toEqual(['error SM_NOT_BASELINED -']);
    await expect(given.prisma('migrate', 'deploy')).rejects.toThrow(/P3005/);
  });
});
