import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { ageKeyPair } from '../support/age-cli.ts';
import { cheapScrypt } from '../support/cheap-scrypt.ts';
import { backUp, rollBack } from '../support/roll-back.ts';
import type { ActionOptions } from '../support/runner.ts';
import { sharedCeph } from '../support/shared-servers.ts';
import { createWorld, type World } from '../support/world.ts';

type Inputs = NonNullable<ActionOptions['inputs']>;

const passphrase = 'correct horse battery staple';

/** Changes an object behind the action's back, as whoever may write to the bucket can. */
async function tamper(
  world: World,
  key: string,
  change: (whole: Buffer) => Buffer | null,
): Promise<() => Promise<void>> {
  const client = (await sharedCeph()).client();
  const place = { Bucket: world.bucket, Key: key };
  const { Body } = await client.send(new GetObjectCommand(place));
  const whole = Buffer.from((await Body?.transformToByteArray()) ?? []);
  const changed = change(Buffer.from(whole));
  await client.send(
    changed === null ? new DeleteObjectCommand(place) : new PutObjectCommand({ ...place, Body: changed }),
  );
  return async () => {
    await client.send(new PutObjectCommand({ ...place, Body: whole }));
    client.destroy();
  };
}

describe('rollback', () => {
  it('refuses, before pg_restore sees a byte, whatever is not the backup that was made', async () => {
    await using world = await createWorld();
    const cheap = { dist: await cheapScrypt(world.folder) };
    const id = await backUp(world, { 'encryption-passphrase': passphrase }, cheap);
    await backUp(world, { 'encryption-passphrase': passphrase, label: 'other' }, cheap);
    const stored = [...(await world.stored())];
    const otherManifest =
      stored.find(([key]) => key.includes('Z_other/manifest.json'))?.[1] ?? Buffer.alloc(0);
    const [dump, details, manifest] = ['database.dump.age', 'details.json.age', 'manifest.json'].map(
      (name) => stored.find(([key]) => key.endsWith(`${id}/${name}`))?.[0] ?? '',
    );
    const before = await world.state();
    const refused = async (code: string, says: RegExp, inputs: Inputs = {}) => {
      const given = { backup: id, 'encryption-passphrase': passphrase, ...inputs };
      const { result, report } = await rollBack(world, given, cheap);
      expect(result.outputs.result, result.log).toBe('refused');
      expect(
        report.problems.map((problem) => problem.code),
        result.log,
      ).toEqual([code]);
      expect(report.problems[0]?.message).toMatch(says);
      expect(report.phases.map(({ phase }) => phase)).not.toContain('prove');
      expect(await world.copies()).toEqual([]);
      expect(await world.state()).toEqual(before);
    };

    await refused('SM_WRONG_PASSPHRASE', /is not the passphrase/, {
      'encryption-passphrase': 'something else entirely',
    });
    await refused('SM_PASSPHRASE_MISSING', /encryption-passphrase is not given/, {
      'encryption-passphrase': '',
    });
    await refused('SM_NOT_CONFIRMED', /the database that would be replaced/, {
      confirm: `${world.database}x`,
    });
    await refused('SM_BACKUP_NOT_FOUND', /no backup "backup_20200101_000000Z_x"/, {
      backup: 'backup_20200101_000000Z_x',
    });

    await refused('SM_WRONG_PASSPHRASE', /is not the passphrase/, {
      'dry-run': 'true',
      'encryption-passphrase': 'something else entirely',
    });

    const cases: readonly [string | undefined, (whole: Buffer) => Buffer | null, string, RegExp][] = [
      [dump, () => null, 'SM_BACKUP_DAMAGED', /has a manifest, but database\.dump\.age is not there/],
      [
        dump,
        (whole) => whole.subarray(0, -1000),
        'SM_BACKUP_DAMAGED',
        /has \d+ bytes; its manifest says \d+/,
      ],
      [
        dump,
        (whole) => whole.map((byte, at) => (at === 5000 ? byte ^ 4 : byte)) as Buffer,
        'SM_BACKUP_DAMAGED',
        /has not the SHA-256 that its manifest says/,
      ],
      [details, () => null, 'SM_BACKUP_DAMAGED', /has a manifest, but details\.json\.age is not there/],
      [
        dump,
        (whole) => Buffer.concat([whole, Buffer.alloc(5_000_000)]),
        'SM_BACKUP_DAMAGED',
        /has more than the \d+ bytes that its manifest says/,
      ],
      [manifest, () => otherManifest, 'SM_BACKUP_UNREADABLE', /is that of another backup, "backup_.*_other"/],
      [
        manifest,
        (whole) => Buffer.from(String(whole).replace(/"rows": \d+/, '"rows": 2001')),
        'SM_MANIFEST_NOT_AUTHENTIC',
        /was changed after it was written/,
      ],
      [
        manifest,
        (whole) => Buffer.from(JSON.stringify({ ...JSON.parse(String(whole)), authentication: null })),
        'SM_MANIFEST_NOT_AUTHENTIC',
        /is not authenticated: anybody who may write to the storage/,
      ],
      [manifest, () => null, 'SM_BACKUP_UNREADABLE', /it has no manifest/],
    ];
    for (const [key, change, code, says] of cases) {
      const putBack = await tamper(world, key ?? '', change);
      await refused(code, says);
      await putBack();
    }

    // Whoever asks for the latest does not get an older one unawares.
    const [newest] = stored.map(([key]) => key).filter((key) => key.includes('Z_other/manifest.json'));
    const putBack = await tamper(world, newest ?? '', () => Buffer.from('{'));
    await refused('SM_LATEST_UNCERTAIN', /there may be a newer one: .*Z_other: its manifest is damaged/, {
      backup: 'latest',
    });
    await putBack();
  });

  it('opens what is encrypted to recipients with their private key and with no other', async () => {
    const [pair, stranger] = [await ageKeyPair(), await ageKeyPair()];
    await using world = await createWorld();
    const before = await world.state();
    await backUp(world, { 'encryption-recipients': pair.recipient });
    await world.psql('DELETE FROM "Invoice"');
    for (const [identity, code] of [
      ['', 'SM_IDENTITY_MISSING'],
      [stranger.identity, 'SM_WRONG_IDENTITY'],
    ]) {
      const { report } = await rollBack(world, { 'encryption-identity': identity ?? '' });
      expect(report.problems.map((problem) => problem.code)).toEqual([code]);
    }
    const { result } = await rollBack(world, { 'encryption-identity': pair.identity });
    expect(result.outputs.result, result.log).toBe('rolled-back');
    expect(result.log).toContain("rests on the storage's permissions");
    expect(await world.state()).toEqual(before);
  });
});
