import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { detailsSchema } from '../../src/backup/manifest/details.ts';
import { manifestSchema, type StoredManifest } from '../../src/backup/manifest/manifest.ts';
import { readDatabaseState } from '../support/database-state.ts';
import { addQuotations, erpMigrations } from '../support/erp.ts';
import { type PassingRequest, startFaultyProxy } from '../support/faulty-proxy.ts';
import { expectNothingLeft, expectRefused, readReport } from '../support/refusal.ts';
import { sharedCeph } from '../support/shared-servers.ts';
import { createWorld, type World } from '../support/world.ts';

/** Some 25 MB that do not compress well: the dump is sent in several parts of 8 MiB. */
const manyRows = `INSERT INTO "Customer" ("name")
  SELECT (SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 100) m) FROM generate_series(1, 8000) n;
  ANALYZE;`;

/** A folder of the world's own, and the `storage` line for it. */
async function folderStorage(world: World): Promise<{ readonly folder: string; readonly url: string }> {
  const folder = join(world.folder, 'backups on a disk');
  await mkdir(folder);
  return { folder, url: pathToFileURL(folder).href };
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function manifestIn(text: Buffer | string | undefined): StoredManifest {
  return manifestSchema.parse(JSON.parse(String(text)));
}

describe('backup', () => {
  it('is stored in every storage, the same everywhere, readable by nobody else, and touches nothing', async () => {
    await using world = await createWorld({ pending: { '20260103000000_add_quotations': addQuotations } });
    const { folder, url } = await folderStorage(world);
    const before = await world.state();
    await using run = await world.migrate({
      inputs: { command: 'backup', storage: `${world.storageUrl}\n${url}`, label: 'nightly_run' },
    });
    const { outputs, log, exitCode, annotations } = run.result;

    expect(exitCode, log).toBe(0);
    expect(outputs).toMatchObject({
      result: 'backed-up',
      'restore-proved': 'true',
      'recovery-method': 'none',
      'applied-migrations': '[]',
      'pending-migrations': '["20260103000000_add_quotations"]',
    });
    expect(outputs['backup-id']).toMatch(/^backup_\d{8}_\d{6}Z_nightly_run$/);
    expect(annotations.filter(({ level }) => level === 'error')).toEqual([]);
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([]);

    const key = `${world.database}/${outputs['backup-id']}`;
    expect(JSON.parse(outputs['backup-locations'] ?? '')).toEqual([
      `s3://${world.bucket}/backups/${key}`,
      `${url}/${key}`,
    ]);
    const stored = await world.stored();
    const names = ['database.dump', 'details.json', 'manifest.json'];
    expect([...stored.keys()].sort()).toEqual(names.map((name) => `backups/${key}/${name}`));
    expect(await filesIn(folder)).toEqual(names.map((name) => `${key}/${name}`));
    for (const name of names) {
      const path = join(folder, key, name);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(stored.get(`backups/${key}/${name}`)?.equals(await readFile(path))).toBe(true);
    }

    const dump = join(folder, key, 'database.dump');
    const manifest = manifestIn(await readFile(join(folder, key, 'manifest.json')));
    const sha256 = createHash('sha256')
      .update(await readFile(dump))
      .digest('hex');
    expect(outputs['backup-sha256']).toBe(sha256);
    expect(manifest).toMatchObject({
      id: outputs['backup-id'],
      command: 'backup',
      file: { sha256, sizeBytes: (await stat(dump)).size },
      database: { name: world.database },
      prisma: { appliedMigrations: Object.keys(erpMigrations).length },
      proof: { method: 'restore', proved: true, problem: null },
      gitCommit: '0d1b2c3d4e5f60718293a4b5c6d7e8f901234567',
      runUrl: 'https://github.com/applizor/erp/actions/runs/16442509711/attempts/1',
    });

    const details = detailsSchema.parse(
      JSON.parse(await readFile(join(folder, key, 'details.json'), 'utf8')),
    );
    expect(details).toMatchObject({
      id: outputs['backup-id'],
      properties: { owner: world.user },
      prisma: { appliedMigrations: Object.keys(erpMigrations).map((name) => ({ name })) },
      proofProblem: null,
      schemaText: expect.stringContaining('CREATE TABLE public."Invoice"'),
    });

    // With PostgreSQL's own tool, from the folder.
    const copy = `${world.database}_by_hand`;
    await world.cluster.createDatabase(copy, world.user);
    await world.cluster.tool('pg_restore', ['--dbname', copy, '--exit-on-error', dump], copy);
    const restored = await readDatabaseState(world.cluster, copy);
    expect({ ...restored, properties: '' }).toEqual({ ...before, properties: '' });
  });

  it('needs no Prisma project when database-url is given, and says what the backup lacks', async () => {
    await using world = await createWorld();
    const elsewhere = join(world.folder, 'no project');
    await mkdir(elsewhere);
    await using run = await world.migrate({ workspace: elsewhere, inputs: { command: 'backup' } });
    const { outputs, log, exitCode, annotations } = run.result;
    expect(exitCode, log).toBe(0);
    expect(outputs).toMatchObject({ result: 'backed-up', 'restore-proved': 'true' });
    expect(outputs['backup-id']).toMatch(/Z_scheduled$/);
    expect(annotations.filter(({ level }) => level === 'error')).toEqual([]);
    expect(annotations.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('will not name the applied migrations'),
    );
    const stored = await world.stored();
    const key = `backups/${world.database}/${outputs['backup-id']}`;
    expect(manifestIn(stored.get(`${key}/manifest.json`)).prisma).toBeNull();
  });

  it('is taken of a failed history as well: it may be the last chance', async () => {
    await using world = await createWorld();
    await world.psql(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'x', '20260103000000_failed')`,
    );
    await using run = await world.migrate({ inputs: { command: 'backup' } });
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'backed-up' });
  });

  it('stores a dump that does not restore, marked as unproved, names the object, and fails', async () => {
    await using world = await createWorld();
    // pg_restore's search_path is empty, so the inner function is not found when the rows come back.
    await world.psql(
      `CREATE FUNCTION is_known(text) RETURNS boolean LANGUAGE sql AS $$ SELECT $1 <> '' $$;
       CREATE FUNCTION is_fine(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN is_known($1); END $$;
       CREATE TABLE "Checked" ("id" SERIAL PRIMARY KEY, "text" TEXT CHECK (is_fine("text")));
       INSERT INTO "Checked" ("text") VALUES ('a');`,
    );
    const before = await world.state();
    await using run = await world.migrate({ inputs: { command: 'backup' } });
    const { outputs, log, exitCode, annotations } = run.result;
    expect(exitCode, log).toBe(1);
    expect(outputs).toMatchObject({ 'restore-proved': 'false' });
    const errors = annotations.filter((annotation) => annotation.level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toContain('Checked');
    expect(outputs['backup-id'], log).toMatch(/^backup_/);
    const stored = await world.stored();
    const key = `backups/${world.database}/${outputs['backup-id']}`;
    expect(manifestIn(stored.get(`${key}/manifest.json`)).proof).toEqual({
      method: 'restore',
      proved: false,
      inventory: null,
      problem: 'SM_RESTORE_FAILED',
    });
    expect(JSON.parse(String(stored.get(`${key}/details.json`))).proofProblem).toContain('Checked');
    expect(stored.has(`${key}/database.dump`)).toBe(true);
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([]);
    const report = await readReport(run.result);
    expect(report.backup?.restoreProved).toBe('false');
  });
});

const refusal = {
  kind: 'answer',
  status: 403,
  body: '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>said by the proxy</Message></Error>',
} as const;

describe('backup, when one of two storages fails', () => {
  it('half-way through the dump, leaves nothing in the other one: S3 fails', async () => {
    await using world = await createWorld({ rows: manyRows });
    const ceph = await sharedCeph();
    await using proxy = await startFaultyProxy(ceph.endpoint, ({ operation, nth }) =>
      operation === 'UploadPart' && nth === 2 ? refusal : undefined,
    );
    const { folder, url } = await folderStorage(world);
    const s3 = ceph.storageUrl(world.bucket, 'backups', proxy.endpoint);
    const { report } = await expectRefused(
      world,
      { inputs: { command: 'backup', storage: `${s3}\n${url}` } },
      ['SM_STORAGE_FORBIDDEN'],
    );
    expect(report.problems[0]?.message).toContain(`s3://${world.bucket}/backups/`);
    expect(proxy.requests.map(({ operation }) => operation)).toContain('AbortMultipartUpload');
    expect(await filesIn(folder)).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'half-way through the dump, leaves nothing in the other one: the disk is full',
    async () => {
      await using world = await createWorld({ rows: manyRows });
      const { folder, url } = await folderStorage(world);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=9m', 'tmpfs', folder]);
      try {
        const { report } = await expectRefused(
          world,
          { inputs: { command: 'backup', storage: `${world.storageUrl}\n${url}` } },
          ['SM_STORAGE_FULL'],
        );
        expect(report.problems[0]?.message).toContain(folder);
        expect(await filesIn(folder)).toEqual([]);
      } finally {
        execFileSync('umount', [folder]);
      }
    },
  );

  it.each(['details', 'manifest'])('at the %s, leaves nothing in the other one', async (what) => {
    await using world = await createWorld();
    const ceph = await sharedCeph();
    const other = await ceph.createBucket(`${world.bucket}-2`);
    const isIt = ({ operation, path }: PassingRequest) =>
      operation === 'PutObject' && path.endsWith(`/${what}.json`);
    await using refusing = await startFaultyProxy(ceph.endpoint, (request) =>
      isIt(request) ? refusal : undefined,
    );
    // Still on its way when the other one has failed already.
    await using slow = await startFaultyProxy(ceph.endpoint, (request) =>
      isIt(request) ? { kind: 'delay', delayMs: 1_500 } : undefined,
    );
    const storage = [
      ceph.storageUrl(world.bucket, 'backups', refusing.endpoint),
      ceph.storageUrl(other, 'backups', slow.endpoint),
    ].join('\n');
    await expectRefused(world, { inputs: { command: 'backup', storage } }, ['SM_STORAGE_FORBIDDEN']);
    expect(slow.requests.some(isIt)).toBe(true);
    // Whatever was on its way has arrived by now.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await ceph.contents(other)).toEqual({ objects: [], uploads: [] });
    await expectNothingLeft(world);
  });

  it('before the dump, is refused before anything is dumped', async () => {
    await using world = await createWorld();
    const { folder, url } = await folderStorage(world);
    const missing = join(folder, 'not mounted');
    const { result } = await expectRefused(
      world,
      { inputs: { command: 'backup', storage: `${url}\n${pathToFileURL(missing).href}` } },
      ['SM_STORAGE_MISSING'],
    );
    expect(result.log).not.toMatch(/^dump /m);
    expect(await filesIn(folder)).toEqual([]);
  });
});
