import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresCluster } from './postgres.ts';

/**
 * Puts an extension of version 1 that consists of this script where the cluster's server looks for them. As root, or for
 * servers of test/parts: the folder of a packaged server is closed to others.
 */
export async function installExtension(
  cluster: PostgresCluster,
  name: string,
  script: string,
): Promise<void> {
  const share = await cluster.psql('postgres', "SELECT setting FROM pg_config WHERE name = 'SHAREDIR'");
  const file = (ending: string) => join(share, 'extension', `${name}${ending}`);
  await writeFile(file('.control'), "default_version = '1'\nrelocatable = false\n", { mode: 0o644 });
  await writeFile(file('--1.sql'), script, { mode: 0o644 });
}
