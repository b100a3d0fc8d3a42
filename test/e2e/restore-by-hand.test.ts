import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ageKeyPair } from '../support/age-cli.ts';
import { needPart } from '../support/needed-parts.ts';
import { backUp } from '../support/roll-back.ts';
import { sharedCeph } from '../support/shared-servers.ts';
import { createWorld, type World } from '../support/world.ts';

const run = promisify(execFile);
const page = fileURLToPath(new URL('../../docs/recovery.md', import.meta.url));

/** The commands of the page's section, one text for each of its blocks, in its order. */
async function commands() {
  const text = await readFile(page, 'utf8');
  const section = text.slice(text.indexOf('## Restore by hand'), text.indexOf('## Errors that lead here'));
  const blocks = [...section.matchAll(/^ {3}```sh\n(.*?)^ {3}```$/gms)].map(([, block = '']) =>
    block.replaceAll(/^ {3}/gm, ''),
  );
  const [list, fetchByAws, fetchByCurl, compareDigest, decrypt, restore, exchange, ...more] = blocks;
  if (exchange === undefined || more.length > 0) throw new Error(`${blocks.length} blocks of commands`);
  return { list, fetchByAws, fetchByCurl, compareDigest, decrypt, restore, exchange };
}

/** Runs the blocks as one script in a folder of the world, the names of the page's example replaced by the world's. */
async function follow(world: World, id: string, blocks: readonly (string | undefined)[]): Promise<string> {
  needPart('byHand');
  const ceph = await sharedCeph();
  const script = blocks
    .join('\n')
    .replaceAll('backup_20261122_142500Z_before_add_templates', id)
    .replaceAll(
      'https://applizor-backups.s3.eu-central-1.amazonaws.com/erp',
      `${ceph.endpoint}/${world.bucket}/backups`,
    )
    .replaceAll('s3://applizor-backups/erp', `s3://${world.bucket}/backups`)
    .replaceAll('eu-central-1', 'us-east-1')
    .replaceAll('applizor_erp', world.database);
  // Only where the storage is not AWS's own: every `aws` is told where it is.
  const prelude = 'set -eu -o pipefail\naws() { command aws --endpoint-url "$ENDPOINT" "$@"; }\n';
  const { host, port } = world.cluster.info;
  const { stdout } = await run('bash', ['-c', prelude + script], {
    cwd: world.folder,
    env: {
      PATH: `${world.cluster.info.binDirectory}:${process.env.PATH ?? ''}`,
      HOME: world.folder,
      ENDPOINT: ceph.endpoint,
      ...ceph.environment(),
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: world.user,
      PGPASSWORD: world.user,
    },
  });
  return stdout;
}

describe('a backup is restored by hand, by the commands of docs/recovery.md,', () => {
  it('with aws and the tools of PostgreSQL', async () => {
    await using world = await createWorld();
    const before = await world.state();
    const id = await backUp(world);
    await world.psql('DROP TABLE "Invoice"; DELETE FROM "Note"');
    const { list, fetchByAws, compareDigest, restore, exchange } = await commands();
    const said = await follow(world, id, [list, fetchByAws, compareDigest, restore, exchange]);
    expect(said).toContain(`${id}/manifest.json`);
    expect(said).toContain('database.dump: OK\ndetails.json: OK');
    expect(await world.state()).toEqual(before);
    expect(await world.cluster.databases()).toContain(`${world.database}__failed_by_hand`);
  });

  it('with curl, age and the tools of PostgreSQL when it is encrypted', async () => {
    const { identity, recipient } = await ageKeyPair();
    await using world = await createWorld();
    const before = await world.state();
    const id = await backUp(world, { 'encryption-recipients': recipient });
    await world.psql('DROP TABLE "Invoice"; DELETE FROM "Note"');
    await writeFile(join(world.folder, 'key.txt'), identity, { mode: 0o600 });
    const { fetchByCurl, compareDigest, decrypt, restore, exchange } = await commands();
    const encrypted = fetchByCurl?.replace('AGE= ', 'AGE=.age ');
    const said = await follow(world, id, [encrypted, compareDigest, decrypt, restore, exchange]);
    expect(said).toContain('database.dump.age: OK\ndetails.json.age: OK');
    const details = JSON.parse(await readFile(join(world.folder, 'details.json'), 'utf8'));
    expect(details).toMatchObject({ id, properties: { owner: world.user } });
    expect(await world.state()).toEqual(before);
  });
});
