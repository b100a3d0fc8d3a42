import { describe, expect, it } from 'vitest';
import { readDatabaseState } from '../support/database-state.ts';
import { decorate } from '../support/decorate.ts';
import { addQuotations, splitNameFails } from '../support/erp.ts';
import { startPostgres, type ThrowawayCluster } from '../support/postgres.ts';
import { readReport } from '../support/refusal.ts';
import { prismaStarts, writeDownStarts } from '../support/starts.ts';
import { createWorld } from '../support/world.ts';

const failing = '20260103000000_split_name';

describe('migrate, when a migration fails', () => {
  it('recovers by swap when a migration sent statement by statement fails half-way', async () => {
    await using world = await createWorld({ pending: { [failing]: splitNameFails } });
    await decorate(world);
    const before = await world.state();
    const starts = writeDownStarts(world.folder);
    await using run = await world.migrate({ env: starts.env });
    const { outputs, log, exitCode, annotations } = run.result;

    expect(exitCode, log).toBe(1);
    expect(outputs).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
      'failed-migration': failing,
      'applied-migrations': '[]',
    });
    expect(await world.state()).toEqual(before);

    const kept = outputs['failed-database'] ?? '';
    expect(kept).toMatch(new RegExp(`^${world.database}__failed_[a-z0-9]+$`));
    expect(await world.copies()).toEqual([kept]);
    await expect(world.cluster.psql(kept, 'SELECT 1')).rejects.toThrow(/not currently accepting connections/);
    const errors = annotations.filter((annotation) => annotation.level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ file: `prisma/migrations/${failing}/migration.sql`, line: 22 });
    expect(errors[0]?.message).toContain('contains null values');

    expect(prismaStarts(await starts.list())).toEqual(['prisma migrate status', 'prisma migrate deploy']);

    // The repaired file deploys as if nothing had happened.
    await world.project.writeMigration(failing, addQuotations);
    await using repaired = await world.migrate();
    expect(repaired.result.outputs, repaired.result.log).toMatchObject({ result: 'migrated' });
    expect(await world.psql(`SELECT count(*) FROM "Quotation"`)).toBe('0');
  });

  it('recovers a database that pg_upgrade brought from 14, whose schema public is the superuser’s, and says so', async () => {
    await using world = await createWorld({ pending: { [failing]: splitNameFails } });
    const { superuser } = world.cluster.info;
    await world.cluster.psql(
      world.database,
      `ALTER SCHEMA public OWNER TO "${superuser}"; GRANT ALL ON SCHEMA public TO PUBLIC; COMMENT ON SCHEMA public IS 'ours'`,
    );
    const before = await world.state();
    await using run = await world.migrate();
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
    });
    expect(run.result.visibleLog).toMatch(/warning: schema public belongs to .* in a restored copy/);
    const after = await world.state();
    expect(after.tables).toEqual(before.tables);
    const ownerAndRights = `SELECT nspowner::regrole || ' ' || nspacl::text || ' ' || obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'public'`;
    expect(await world.psql(ownerAndRights)).toMatch(
      /^pg_database_owner \{.*[{,]=UC\/pg_database_owner.*\} ours$/,
    );
  });

  it('reports the roles that a failed migration has made, changed and dropped: they stay', async () => {
    await using world = await createWorld({
      pending: {
        [failing]: `CREATE ROLE "reader of erp";
          ALTER ROLE erp_changed CONNECTION LIMIT 3;
          DROP ROLE erp_dropped;
          ${splitNameFails}`,
      },
      cluster: await startPostgres(),
    });
    await using _ = world.cluster as ThrowawayCluster;
    await world.cluster.psql(
      'postgres',
      `ALTER ROLE "${world.user}" CREATEROLE; CREATE ROLE erp_changed; CREATE ROLE erp_dropped;`,
    );
    const before = await world.state();
    await using run = await world.migrate();
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'restored' });
    expect(await world.state()).toEqual(before);
    const { roleChanges } = await readReport(run.result);
    expect(roleChanges).toEqual([
      { role: 'reader of erp', change: 'created' },
      { role: 'erp_dropped', change: 'dropped' },
      { role: 'erp_changed', change: 'changed' },
    ]);
    expect(run.result.visibleLog).toContain('role reader of erp was created while the migration ran');
    expect(run.result.summary).toContain('### Roles that stayed');
  });

  it('undoes the first of three migrations as well when the second fails', async () => {
    await using world = await createWorld({
      pending: {
        '20260103000000_add_quotations': addQuotations,
        '20260104000000_split_name': splitNameFails,
        '20260105000000_later': 'CREATE TABLE "Later" (id int);',
      },
    });
    const before = await world.state();
    await using run = await world.migrate();
    expect(run.result.exitCode).toBe(1);
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
      'failed-migration': '20260104000000_split_name',
    });
    expect(await world.state()).toEqual(before);
  });

  it('puts only the history back when the whole script was rolled back', async () => {
    await using world = await createWorld({
      pending: { [failing]: splitNameFails.replace(/ALTER TYPE.*/, '') },
      engineMode: 'whole-script',
    });
    const before = await world.state();
    await using run = await world.migrate();
    expect(run.result.exitCode).toBe(1);
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'history',
      'failed-database': '',
    });
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([]);
    await world.project.writeMigration(failing, addQuotations);
    await using repaired = await world.migrate();
    expect(repaired.result.outputs, repaired.result.log).toMatchObject({ result: 'migrated' });
  });

  describe.each(['by-statement', 'whole-script'] as const)('with an engine that works %s', (engineMode) => {
    it.each([
      ['setval', `SELECT setval('"Customer_id_seq"', 1);\nSELECT 1/0;`],
      ['a DO block', `DO $$ BEGIN UPDATE "Customer" SET name = 'x'; END $$;\nSELECT 1/0;`],
      ['COMMIT', `BEGIN;\nUPDATE "Customer" SET name = 'x';\nCOMMIT;\nSELECT 1/0;`],
    ])('ends equal to before, by swap, after a script with %s', async (_, script) => {
      await using world = await createWorld({ pending: { [failing]: script }, engineMode });
      const before = await world.state();
      await using run = await world.migrate();
      expect(run.result.outputs, run.result.log).toMatchObject({
        result: 'restored',
        'recovery-method': 'swap',
      });
      expect(await world.state()).toEqual(before);
    });
  });

  it('ends equal to before after a CREATE INDEX CONCURRENTLY that fails and leaves an invalid index', async () => {
    await using world = await createWorld({
      pending: { [failing]: 'CREATE UNIQUE INDEX CONCURRENTLY "dup" ON "Invoice"("status");' },
    });
    const before = await world.state();
    await using run = await world.migrate();
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
    });
    expect(await world.state()).toEqual(before);
  });

  it("leaves target and other session alone when somebody else holds Prisma's lock", async () => {
    await using world = await createWorld({ pending: { [failing]: addQuotations } });
    const before = await world.state();
    const { Client } = (await import('pg')).default;
    const other = new Client({ connectionString: world.url });
    await other.connect();
    try {
      await other.query('SELECT pg_advisory_lock(72707369)');
      await using run = await world.migrate();
      expect(run.result.exitCode).toBe(1);
      expect(run.result.outputs, run.result.log).toMatchObject({
        result: 'untouched',
        'recovery-method': 'none',
      });
      expect(run.result.log).toContain('P1002');
      expect((await other.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
    } finally {
      await other.end();
    }
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([]);
  });

  it('restores the archive beside and swaps when the backup was verified by reading only', async () => {
    await using world = await createWorld({ pending: { [failing]: splitNameFails } });
    const before = await world.state();
    await using run = await world.migrate({ inputs: { verify: 'archive' } });
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
      'restore-proved': 'false',
    });
    expect(await world.state()).toEqual(before);
  });

  it('swaps when the migration left its own history unreadable', async () => {
    await using world = await createWorld({
      pending: {
        [failing]: 'ALTER TABLE "_prisma_migrations" RENAME COLUMN "started_at" TO "begun";\nSELECT 1/0;',
      },
    });
    const before = await world.state();
    await using run = await world.migrate();
    expect(run.result.exitCode).toBe(1);
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
    });
    expect(await world.state()).toEqual(before);
  });

  it('takes the swap where recovery says so, although the history would do', async () => {
    await using world = await createWorld({ pending: { [failing]: 'SELECT 1/0;' } });
    const before = await world.state();
    await using run = await world.migrate({ inputs: { recovery: 'swap' } });
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
    });
    expect(await world.state()).toEqual(before);
  });

  it('stops instead of losing writes when on-new-writes is stop, and the printed commands finish either way', async () => {
    await using world = await createWorld({
      pending: { [failing]: splitNameFails },
      // Slow enough to be written to between snapshot and migration.
      rows: `INSERT INTO "Customer" (name) SELECT repeat('x', 100) FROM generate_series(1, 200000);`,
    });
    const before = await world.state();
    await using run = await world.startMigrate({ inputs: { 'on-new-writes': 'stop' } });
    await run.waitForLog(/^dump /m, 150_000);
    await world.psql(`INSERT INTO "Note" (text) VALUES ('written after the backup')`);
    const result = await run.finished;
    expect(result.outputs, result.log).toMatchObject({ result: 'stopped', 'recovery-method': 'none' });
    expect(await world.psql(`SELECT count(*) FROM "Note"`)).toBe('1');
    // The fallback for going back, and the coordination database, whose journal says that somebody must choose.
    expect(await world.copies()).toEqual([
      expect.stringContaining('__fallback_'),
      expect.stringContaining('__safe_migrate'),
    ]);

    const files = await run.filesWritten();
    const path = [...files.keys()].find((name) => name.endsWith('/report.json')) ?? '';
    const report = JSON.parse(String(files.get(path)));
    const [goBack] = report.nextSteps;
    const statements = goBack.commands[0].split('\n').slice(1, -1).join('\n');
    await world.cluster.psql('postgres', statements, { user: world.user });
    expect(await readDatabaseState(world.cluster, world.database)).toEqual(before);
  });
});
