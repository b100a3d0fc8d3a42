import { identifier } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';

/**
 * Sessions that start in a copy of ours from now on do not wait until each of their commits is on disk. A restore
 * commits several times for each table: on a server with ordinary disks most of its time would go there. `admin`
 * is a session in another database.
 */
export async function commitLazily(admin: SqlSession, copy: string): Promise<void> {
  await admin.execute(`ALTER DATABASE ${identifier(copy)} SET synchronous_commit = off`);
}

/**
 * Ends that. This statement's own commit waits for the disk, and with it all that was committed before: afterwards
 * the copy's contents survive a crash of the server like any other.
 */
export async function commitSafely(admin: SqlSession, copy: string): Promise<void> {
  await admin.execute(`ALTER DATABASE ${identifier(copy)} RESET synchronous_commit`);
}
