import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDatabaseState } from '../support/database-state.ts';
import { addQuotations } from '../support/erp.ts';
import { prismaStarts, sessionsBeforeDump, writeDownStarts } from '../support/starts.ts';
import { createWorld } from '../support/world.ts';

describe('migrate, when everything goes well', () => {
  it('backs up, proves, stores, migrates, and leaves nothing but the backup behind', async () => {
    await using world = await createWorld({ pending: { '20260103000000_add_quotations': addQuotations } });
    const before = await world.state();
    const starts = writeDownStarts(world.folder);
    await using run = await world.migrate({ env: starts.env });
    const { outputs, log, exitCode } = run.result;

    expect(exitCode, log).toBe(0);
    expect(outputs).toMatchObject({
      result: 'migrated',
      'recovery-method': 'none',
      'restore-proved': 'true',
      'pending-migrations': '["20260103000000_add_quotations"]',
      'applied-migrations': '["20260103000000_add_quotations"]',
      'failed-migration': '',
      'failed-database': '',
    });
    expect(await world.psql(`SELECT count(*) FROM "Quotation"`)).toBe('0');
    expect(await world.copies()).toEqual([]);

    const stored = await world.stored();
    const folder = `backups/${world.database}/${outputs['backup-id']}`;
    expect([...stored.keys()].sort()).toEqual(
      ['database.dump', 'details.json', 'manifest.json'].map((name) => `${folder}/${name}`),
    );
    const dump = stored.get(`${folder}/database.dump`) ?? Buffer.alloc(0);
    const manifest = JSON.parse(String(stored.get(`${folder}/manifest.json`)));
    const sha256 = createHash('sha256').update(dump).digest('hex');
    expect(manifest.file).toEqual({ name: 'database.dump', sizeBytes: dump.length, sha256 });
    expect(outputs['backup-sha256']).toBe(sha256);
    expect(manifest.proof).toMatchObject({
      method: 'restore',
      proved: true,
      problem: null,
      inventory: { version: 1, objects: { table: 4, index: 5 } },
    });

    // Every question is asked once: one start of Prisma tells all of the project; one psql answers all of preflight, two
    // hold the run's lock, one holds the snapshot.
    const started = await starts.list();
    expect(prismaStarts(started)).toEqual(['prisma migrate status', 'prisma migrate deploy']);
    expect(sessionsBeforeDump(started)).toBe(4);
    expect(started.filter((start) => start === 'psql')).toHaveLength(14);

    // By hand, as an operator would: the stored dump gives the state before.
    const file = join(world.folder, 'by-hand.dump');
    await writeFile(file, dump);
    const copy = `${world.database}_by_hand`;
    await world.cluster.createDatabase(copy, world.user);
    await world.cluster.tool('pg_restore', ['--dbname', copy, '--exit-on-error', file], copy);
    const restored = await readDatabaseState(world.cluster, copy);
    expect({ ...restored, properties: '' }).toEqual({ ...before, properties: '' });
  });

  it('says up-to-date when nothing is pending, without a dump and without a copy', async () => {
    await using world = await createWorld();
    const starts = writeDownStarts(world.folder);
    await using run = await world.migrate({ env: starts.env });
    expect(run.result.exitCode, run.result.log).toBe(0);
    expect(run.result.outputs).toMatchObject({ result: 'up-to-date', 'backup-id': '' });
    const started = await starts.list();
    expect(prismaStarts(started)).toEqual(['prisma migrate status']);
    expect(sessionsBeforeDump(started)).toBe(1);
    expect(run.result.log).not.toContain('dump ');
    expect((await world.stored()).size).toBe(0);
    expect(await world.copies()).toEqual([]);
  });

  it('keeps the newest failed database and drops older ones after a confirmed migration', async () => {
    await using world = await createWorld({
      pending: { '20260103000000_broken': 'CREATE TABLE "x" (id int); SELECT 1/0;' },
    });
    const failed: string[] = [];
    for (const _ of [1, 2]) {
      await using run = await world.migrate();
      expect(run.result.outputs, run.result.log).toMatchObject({
        result: 'restored',
        'recovery-method': 'swap',
      });
      failed.push(run.result.outputs['failed-database'] ?? '');
    }
    expect(await world.copies()).toEqual(failed);
    await world.project.writeMigration('20260103000000_broken', addQuotations);
    await using run = await world.migrate();
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'migrated' });
    expect(await world.copies()).toEqual(failed.slice(1));
  });
});
