import { describe, it } from 'vitest';
import { s3ServerFaults } from '../faults/s3-server.ts';
import { groundOfFile, holds } from '../faults/short-form.ts';
import { storedBackupFaults } from '../faults/stored-backup.ts';

/** One of each kind; the others are tried by `npm run test:faults`. */
const once = new Set([
  'bit flip 1',
  'truncation to 50 %',
  'tampered signed manifest',
  'swapped archives',
  'every second request 503',
  'parts cut twice',
  'Complete lies once',
  'no ETag of parts',
  'gone while verifying',
]);

describe('a storage on a bad day', () => {
  const ground = groundOfFile();
  const faults = [...storedBackupFaults, ...s3ServerFaults].filter(({ name }) => once.has(name));
  it.each(faults)('$group: $story', (fault) => holds(ground(), fault));
});
