import { cp, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const dist = resolve(import.meta.dirname, '../../dist');

/** Where the bundle says what a guess at a passphrase costs, in its own manifest and in age's format. */
const costs = [
  ['safe-migrate.js', 'N: 2 ** 18'],
  ['age.js', 'scryptWorkFactor = 18'],
] as const;

/**
 * The bundle, in `folder`, with passphrases that cost a millisecond instead of a second: for tests that try twenty broken
 * backups and ask nothing about the cost. What one bundle has encrypted the other one cannot open.
 */
export async function cheapScrypt(folder: string): Promise<string> {
  const copy = join(folder, 'dist');
  await cp(dist, copy, { recursive: true });
  for (const [file, cost] of costs) {
    const text = await readFile(join(copy, file), 'utf8');
    if (text.split(cost).length !== 2) throw new Error(`${file} does not say "${cost}" exactly once`);
    await writeFile(join(copy, file), text.replace(cost, cost.replace('18', '10')));
  }
  return copy;
}
