import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { isAtWork, journalOf, paste, until } from '../support/dead-run.ts';
import { decorate } from '../support/decorate.ts';
import { readReport } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

/** Its first statement stays; it fails a moment later, when something has been put in the way. */
const failsSoon = {
  '20260103000000_fails': 'ALTER TABLE "Customer" ADD COLUMN "x" INTEGER;\nSELECT pg_sleep(5);\nSELECT 1/0;',
};

async function fallbackOf(world: World): Promise<string> {
  const [name = ''] = (await world.copies()).filter((copy) => copy.includes('__fallback_'));
  return name;
}

describe('a recovery that fails', () => {
  it('because a superuser is in the database shows both errors; the pasted commands finish it once he has gone', async () => {
    await using world = await createWorld({ pending: failsSoon });
    await decorate(world);
    const before = await world.state();
    await using run = await world.startMigrate();
    await until(world, isAtWork(world, '^\\s*SELECT pg_sleep'));
    const superuser = new pg.Client({ connectionString: world.cluster.url({ database: world.database }) });
    superuser.on('error', () => {});
    await superuser.connect();
    const result = await run.finished;
    expect(result.exitCode).toBe(1);
    expect(result.outputs, result.log).toMatchObject({ result: 'recovery-failed' });
    const report = await readReport(result);
    expect(report.problems.map(({ code }) => code)).toEqual(['SM_MIGRATION_FAILED', 'SM_RECOVERY_FAILED']);
    expect(report.problems[1]?.message).toContain('superuser');
    expect(await journalOf(world)).toMatchObject({ phase: 'recovery-failed' });
    // Nobody changes it by surprise.
    const half = await world.state();
    const post = await run.post();
    expect(post.exitCode, post.log).toBe(0);
    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'refused' });
    expect((await readReport(next.result)).nextSteps).toEqual(report.nextSteps);
    expect(await world.state()).toEqual(half);

    await superuser.end();
    await paste(world, report.nextSteps[0]?.commands ?? []);
    expect(await world.state()).toEqual(before);
    expect(await journalOf(world)).toBeNull();
  });

  it('because the copy was dropped behind our back prints commands that keep what is there and close the journal', async () => {
    await using world = await createWorld({ pending: failsSoon });
    await using run = await world.startMigrate();
    await until(world, isAtWork(world, '^\\s*SELECT pg_sleep'));
    await world.cluster.psql('postgres', `DROP DATABASE "${await fallbackOf(world)}"`);
    const result = await run.finished;
    expect(result.outputs, result.log).toMatchObject({ result: 'recovery-failed' });
    const report = await readReport(result);
    expect(report.problems.map(({ code }) => code)).toEqual(['SM_MIGRATION_FAILED', 'SM_RECOVERY_FAILED']);
    expect(report.nextSteps[0]?.commands.join('\n')).toContain('pg_restore');
    await paste(world, report.nextSteps[1]?.commands ?? []);
    expect(await journalOf(world)).toBeNull();
    expect(await world.psql(`SELECT count(*) FROM "_prisma_migrations" WHERE finished_at IS NULL`)).toBe('1');
  });
});
