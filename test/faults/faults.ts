import type { Fault } from './fault.ts';
import { fullDiskFaults } from './full-disk.ts';
import { inTheWayFaults } from './in-the-way.ts';
import { s3ServerFaults } from './s3-server.ts';
import { storedBackupFaults } from './stored-backup.ts';
import { stormFaults } from './storm.ts';

/** Everything that is tried beside kills. */
export const faults: readonly Fault[] = [
  ...storedBackupFaults,
  ...s3ServerFaults,
  ...fullDiskFaults,
  ...stormFaults,
  ...inTheWayFaults,
];
