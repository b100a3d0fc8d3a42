import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addQuotations, erpMigrations } from '../support/erp.ts';
import { expectRefused, readReport } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

const good = '20260103000000_add_quotations';
const failing = '20260104000000_half';

/** Each test goes on with what the one before left in the database. */
describe.each(['5', '6', 'prisma7'] as const)('a project with Prisma %s', (prisma) => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ prisma, pending: { [good]: addQuotations } });
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it('is refused when an applied migration was edited', async () => {
    const [[edited, script] = ['', '']] = Object.entries(erpMigrations);
    await world.project.writeMigration(edited, 'SELECT 1;');
    const { report } = await expectRefused(world, {}, ['SM_HISTORY_EDITED']);
    expect(report.problems[0]?.message).toContain(edited);
    await world.project.writeMigration(edited, script);
  });

  it('is migrated', async () => {
    await using run = await world.migrate();
    expect(run.result.exitCode, run.result.log).toBe(0);
    expect(run.result.outputs).toMatchObject({ result: 'migrated', 'restore-proved': 'true' });
    expect(await world.copies()).toEqual([]);
  });

  it('has nothing pending afterwards', async () => {
    await using run = await world.migrate();
    expect(run.result.exitCode, run.result.log).toBe(0);
    expect(run.result.outputs.result).toBe('up-to-date');
  });

  it('has its database back when a migration fails', async () => {
    const before = await world.state();
    await world.project.writeMigration(failing, 'CREATE TABLE "Half" (id int);\nSELECT 1/0;\n');
    await using run = await world.migrate();
    expect(run.result.exitCode, run.result.log).toBe(1);
    expect(run.result.outputs).toMatchObject({ result: 'restored', 'failed-migration': failing });
    expect(await world.state()).toEqual(before);
  });

  it('is refused when an earlier migration failed without it', async () => {
    await expect(world.prisma('migrate', 'deploy')).rejects.toThrow(/P3018/);
    const before = await world.state();
    await using run = await world.migrate();
    const report = await readReport(run.result);
    expect(report.result).toBe('refused');
    expect(report.problems.map((problem) => problem.code)).toEqual(['SM_HISTORY_FAILED']);
    expect(report.problems[0]?.message).toContain(`${failing} failed`);
    expect(await world.state()).toEqual(before);
  });
});
