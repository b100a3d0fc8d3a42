import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Checkout, readInstalledText } from '../../../src/system/checkout.ts';

let home: string;
let repository: string;
let checkout: Checkout;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'safe-migrate-checkout-'));
  repository = join(home, 'repository');
  await mkdir(join(repository, 'prisma'), { recursive: true });
  checkout = new Checkout([repository]);
});
afterEach(() => rm(home, { recursive: true, force: true }));

const at = (...parts: readonly string[]) => join(repository, ...parts);

describe('a file of a checkout', () => {
  it('is read, also through links within the repository', async () => {
    await writeFile(at('prisma', 'a.sql'), 'SELECT 1;');
    await symlink(at('prisma'), at('linked'));
    await symlink(join('..', 'prisma', 'a.sql'), at('prisma', 'b.sql'));
    for (const path of [at('prisma', 'a.sql'), at('prisma', 'b.sql'), at('linked', 'a.sql')])
      expect(checkout.readText(path)).toBe('SELECT 1;');
    expect(checkout.list(at('linked')).map(({ name }) => name)).toEqual(['a.sql', 'b.sql']);
  });

  it('is read below a workspace that is a link itself, and where the workflow names another place', async () => {
    await writeFile(at('prisma', 'a.sql'), 'SELECT 1;');
    await symlink(repository, join(home, 'workspace'));
    expect(new Checkout([join(home, 'workspace')]).readText(join(home, 'workspace', 'prisma', 'a.sql'))).toBe(
      'SELECT 1;',
    );
    await mkdir(join(home, 'generated'));
    await writeFile(join(home, 'generated', 'schema.prisma'), 'x');
    const named = new Checkout([repository], [join(home, 'generated', 'schema.prisma')]);
    expect(named.readText(join(home, 'generated', 'schema.prisma'))).toBe('x');
    // A name within the repository makes no place outside of it readable.
    await symlink(join(home, 'generated'), at('schema'));
    expect(() => new Checkout([repository], [at('schema')]).readText(at('schema', 'schema.prisma'))).toThrow(
      /leads out of the repository/,
    );
  });

  it.each<readonly [string, (path: string) => Promise<unknown>, RegExp]>([
    [
      'the environment of this process',
      (path) => symlink('/proc/self/environ', path),
      /out of the repository/,
    ],
    ['a device without end', (path) => symlink('/dev/zero', path), /out of the repository/],
    ['a file of the machine', (path) => symlink('/etc/hostname', path), /out of the repository/],
    ['a file beside the repository', (path) => symlink('../../beside', path), /out of the repository/],
    ['what git keeps', (path) => symlink('../.git/config', path), /out of the repository/],
    ['a pipe', async (path) => execFileSync('mkfifo', [path]), /no file that could be read/],
    [
      'a pipe, through a link',
      async (path) => {
        execFileSync('mkfifo', [at('pipe')]);
        await symlink(at('pipe'), path);
      },
      /no file that could be read/,
    ],
    ['a folder', (path) => mkdir(path), /no file that could be read/],
    [
      'two gigabytes',
      async (path) => {
        await using file = await open(path, 'w');
        await file.truncate(2 * 1024 ** 3);
      },
      /larger than 100 MiB/,
    ],
  ])('is refused when it is %s', async (_what, make, says) => {
    await writeFile(join(home, 'beside'), 'secret');
    await mkdir(at('.git'));
    await writeFile(at('.git', 'config'), 'AUTHORIZATION: basic c2VjcmV0');
    const path = at('prisma', 'migration.sql');
    await make(path);
    expect(() => checkout.readText(path)).toThrow(says);
    expect(() => checkout.refuseUnlessFile(path)).toThrow(says);
  });

  it('that is missing is missing, also at the end of a link', async () => {
    await symlink(at('nowhere'), at('dangling'));
    for (const path of [at('missing'), at('dangling')]) {
      expect(() => checkout.readText(path)).toThrow(/ENOENT/);
      expect(() => checkout.refuseUnlessFile(path)).not.toThrow();
    }
  });

  it('lists no folder elsewhere', async () => {
    await symlink('/etc', at('migrations'));
    expect(() => checkout.list(at('migrations'))).toThrow(/out of the repository/);
  });
});

it('a file of an installed package may lie anywhere, and is a file of bounded size', async () => {
  await writeFile(join(home, 'package.json'), '{}');
  await symlink(join(home, 'package.json'), at('package.json'));
  expect(readInstalledText(at('package.json'))).toBe('{}');
  await rm(at('package.json'));
  await symlink('/dev/zero', at('package.json'));
  expect(() => readInstalledText(at('package.json'))).toThrow(/no file that could be read/);
});
