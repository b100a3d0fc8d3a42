import { describe, it } from 'vitest';
import { fullDiskFaults } from '../faults/full-disk.ts';
import { inTheWayFaults } from '../faults/in-the-way.ts';
import { groundOfFile, holds } from '../faults/short-form.ts';
import { canMount } from '../faults/small-disk.ts';
import { stormFaults } from '../faults/storm.ts';

/** One of each kind; the others are tried by `npm run test:faults`. */
const once = new Set([
  'no room for the dump',
  'no room for the manifest',
  "server's disk full in prove",
  'GITHUB_OUTPUT full',
]);

describe('no room', () => {
  const ground = groundOfFile();
  it.for(fullDiskFaults.filter(({ name }) => once.has(name)))('$group: $story', async (fault, test) => {
    if (!(await canMount())) {
      process.stderr.write('\nNOT TESTED: a full disk, because no file system can be mounted here\n');
      test.skip();
    }
    await holds(ground(), fault);
  });
});

describe('something in the way of the swap or of the copy', () => {
  const ground = groundOfFile();
  it.each([...stormFaults, ...inTheWayFaults])('$group: $story', (fault) => holds(ground(), fault));
});
