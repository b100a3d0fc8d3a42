import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifestSchema } from '../../src/backup/manifest/manifest.ts';
import { ageKeyPair, ageWithPassphrase } from '../support/age-cli.ts';
import { readDatabaseState } from '../support/database-state.ts';
import { isAtWork, until } from '../support/dead-run.ts';
import { addQuotations, splitNameFails } from '../support/erp.ts';
import { readReport } from '../support/refusal.ts';
import type { ActionOptions } from '../support/runner.ts';
import { createWorld, type World } from '../support/world.ts';

const canary = () => `canary${randomBytes(8).toString('hex')}`;

/** Whatever a run leaves that others could read: storage, log, summary, files. */
async function everythingOf(world: World, options: ActionOptions) {
  await using run = await world.migrate({ ...options, watchProcesses: true });
  const { result } = run;
  const post = await run.post();
  const seen = new Map<string, Buffer>([
    ['log', Buffer.from(result.log + post.log)],
    ['summary', Buffer.from(result.summary)],
    ['outputs', Buffer.from(JSON.stringify(result.outputs))],
    // Between fork and exec a child still looks like the action itself.
    [
      'processes',
      Buffer.from(
        JSON.stringify(result.processes.filter((each) => !each.commandLine.endsWith('dist/main.js'))),
      ),
    ],
    ...(await world.stored()),
    ...(await run.filesWritten()),
  ]);
  return { result, report: await readReport(result), seen };
}

function placesOf(seen: ReadonlyMap<string, Buffer>, text: string): string[] {
  return [...seen].filter(([, content]) => content.includes(text)).map(([place]) => place);
}

async function dumpAndManifest(world: World) {
  const stored = await world.stored();
  const find = (name: string) => [...stored].find(([key]) => key.endsWith(`/${name}`))?.[1];
  const sealed = find('database.dump.age');
  const manifest = manifestSchema.parse(JSON.parse(String(find('manifest.json'))));
  if (sealed === undefined) throw new TypeError(`no sealed dump in ${[...stored.keys()]}`);
  expect(find('database.dump')).toBeUndefined();
  return { sealed, manifest };
}

describe('an encrypted backup', () => {
  it('shows its data and its passphrase to nobody, and age opens it', async () => {
    const value = canary();
    const passphrase = `pass ${canary()} phrase`;
    await using world = await createWorld({ pending: { '20260103000000_add_quotations': addQuotations } });
    await world.psql(`INSERT INTO "Customer" ("name") VALUES ('${value}')`);
    const before = await world.state();
    const { result, report, seen } = await everythingOf(world, {
      inputs: { 'encryption-passphrase': passphrase },
    });
    expect(result.outputs.result, result.log).toBe('migrated');
    expect(placesOf(seen, value)).toEqual([]);
    expect(placesOf(seen, passphrase)).toEqual([]);
    expect(report.backup?.encryption).toBe('passphrase');

    const { sealed, manifest } = await dumpAndManifest(world);
    expect(manifest).toMatchObject({
      encryption: { kind: 'passphrase' },
      file: {
        name: 'database.dump.age',
        sizeBytes: sealed.byteLength,
        sha256: result.outputs['backup-sha256'],
      },
      authentication: { method: 'scrypt-hmac-sha256' },
    });
    const folder = await mkdtemp(join(world.folder, 'by-hand-'));
    await writeFile(join(folder, 'database.dump.age'), sealed);
    await ageWithPassphrase(
      ['--decrypt', `--output=${join(folder, 'database.dump')}`, join(folder, 'database.dump.age')],
      passphrase,
    );
    const copy = `${world.database}_by_hand`;
    await world.cluster.createDatabase(copy, world.user);
    const dump = join(folder, 'database.dump');
    await world.cluster.tool('pg_restore', ['--dbname', copy, '--exit-on-error', dump], copy);
    const restored = await readDatabaseState(world.cluster, copy);
    expect({ ...restored, properties: '' }).toEqual({ ...before, properties: '' });
  });

  it('to recipients needs no private key, neither for the backup nor for the recovery', async () => {
    const value = canary();
    const { identity, recipient } = await ageKeyPair();
    await using world = await createWorld({ pending: { '20260104000000_split_name': splitNameFails } });
    await world.psql(`INSERT INTO "Customer" ("name") VALUES ('${value}')`);
    const before = await world.state();
    const { result, report, seen } = await everythingOf(world, {
      inputs: { 'encryption-recipients': recipient },
    });
    expect(result.outputs, result.log).toMatchObject({ result: 'restored', 'recovery-method': 'swap' });
    expect(await world.state()).toEqual(before);
    expect(placesOf(seen, value)).toEqual([]);
    expect(result.summary).toContain("that nobody has exchanged it rests on the storage's permissions");

    // The commands that the report prints open it.
    const { sealed, manifest } = await dumpAndManifest(world);
    expect(manifest).toMatchObject({
      encryption: { kind: 'recipients', recipients: [recipient] },
      authentication: null,
    });
    const folder = await mkdtemp(join(world.folder, 'by-hand-'));
    await writeFile(join(folder, 'database.dump.age'), sealed);
    await writeFile(join(folder, 'key.txt'), identity);
    const decrypt = /^age --decrypt .*$/m.exec(result.summary)?.[0] ?? '';
    execFileSync('sh', ['-c', decrypt], { cwd: folder });
    expect((await readFile(join(folder, 'database.dump'))).byteLength).toBe(manifest.plain.sizeBytes);
    expect(report.backup?.encryption).toBe('recipients');
  });

  it('to recipients needs no private key either when its run dies and another machine comes next', async () => {
    const { recipient } = await ageKeyPair();
    const name = '20260103000000_slow';
    await using world = await createWorld({
      pending: { [name]: 'ALTER TABLE "Customer" ADD COLUMN "x" INTEGER;\nSELECT pg_sleep(120);' },
    });
    const before = await world.state();
    await using dying = await world.startMigrate({ inputs: { 'encryption-recipients': recipient } });
    await until(world, isAtWork(world, '^\\s*SELECT pg_sleep'));
    await dying.killTree();
    await world.project.removeMigration(name);
    await using next = await world.migrate({ inputs: { 'encryption-recipients': recipient } });
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'up-to-date' });
    expect((await readReport(next.result)).earlierRun).toMatchObject({ outcome: 'restored' });
    expect(next.result.visibleLog).toMatch(
      /warning: what its backup holds is not known: .*encryption-identity/,
    );
    expect(await world.state()).toEqual(before);
  });
});
