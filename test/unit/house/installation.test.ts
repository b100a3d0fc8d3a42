import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { whyInstall } from '../../../scripts/bootstrap.mjs';
import { isAllowed } from '../../../scripts/bundle/licenses.ts';
import { howToInstall } from '../../../scripts/setup-system.mjs';

const root = resolve(import.meta.dirname, '../../..');
const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
const versions = z.record(z.string(), z.string()).default({});
const lockfile = z
  .object({
    packages: z.record(
      z.string(),
      z.looseObject({
        version: z.string().optional(),
        integrity: z.string().optional(),
        resolved: z.string().optional(),
        dependencies: versions,
        optionalDependencies: versions,
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));

const manifest = z
  .object({ devDependencies: versions, overrides: z.record(z.string(), versions).default({}) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

/** The version that package.json's overrides put in place of the one that the package at `path` asks for. */
function overridden(path: string, name: string): string | undefined {
  const version = manifest.overrides[path.slice('node_modules/'.length)]?.[name];
  return version?.startsWith('$') ? manifest.devDependencies[version.slice(1)] : version;
}

/** The entry that Node would find for `name` from the package at `from`. */
function resolved(from: string, name: string): { readonly version?: string | undefined } | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const entry = lockfile.packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`];
    if (entry !== undefined || folder === '') return entry;
  }
}

describe('package-lock.json', () => {
  test('holds the packages of every platform: without one of them npm ci refuses the whole file', () => {
    const missing = Object.entries(lockfile.packages).flatMap(
      ([path, { dependencies, optionalDependencies }]) =>
        Object.entries({ ...dependencies, ...optionalDependencies })
          .map(([name, wanted]) => [name, overridden(path, name) ?? wanted] as const)
          .filter(([name, wanted]) => {
            const entry = resolved(path, name);
            return entry === undefined || (exact.test(wanted) && entry.version !== wanted);
          })
          .map(([name, wanted]) => `${path}: ${name}@${wanted}`),
    );
    expect(missing).toEqual([]);
  });

  test('names a digest for every package, and no registry', () => {
    const packages = Object.entries(lockfile.packages).filter(([path]) => path !== '');
    expect(packages.filter(([, entry]) => entry.integrity === undefined).map(([path]) => path)).toEqual([]);
    expect(packages.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path)).toEqual([]);
  });
});

describe('the bootstrap', () => {
  const wanted = {
    packages: {
      '': {},
      'node_modules/a': { version: '1.0.0', integrity: 'x' },
      'node_modules/b': { version: '1.0.0', integrity: 'y', optional: true },
    },
  };

  test('installs when nothing is installed, a package is missing or another version is there', () => {
    expect(whyInstall(wanted, null)).toBe('node_modules is missing');
    expect(whyInstall(wanted, { packages: {} })).toBe('node_modules/a is missing');
    expect(whyInstall(wanted, { packages: { 'node_modules/a': { version: '0.9.0' } } })).toBe(
      'node_modules/a is 0.9.0, the lockfile says 1.0.0',
    );
  });

  test('leaves an installation alone that only lacks packages of other platforms', () => {
    const installed = { packages: { 'node_modules/a': { version: '1.0.0', integrity: 'x' } } };
    expect(whyInstall(wanted, installed)).toBeNull();
  });
});

test('missing system parts are told with the command that installs them, or that there is none', () => {
  expect(howToInstall(['postgresql'], 'darwin')).toEqual(['brew install postgresql@17']);
  expect(howToInstall(['ceph'], 'darwin').join()).toContain('not available on macOS');
  expect(howToInstall(['postgresql', 'ceph'], 'linux').join()).toMatch(
    /^sudo apt-get install .*postgresql .*radosgw/,
  );
});

test.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0)', true],
  ['MIT AND ISC', true],
  ['MIT AND GPL-3.0', false],
  ['GPL-3.0', false],
  ['none given', false],
])('licence %s may be bundled: %s', (license, allowed) => {
  expect(isAllowed(license)).toBe(allowed);
});
