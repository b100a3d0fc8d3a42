import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresCluster } from '../../support/postgres.ts';
import { ownExtensions } from './extensions.ts';

/** Puts the small extensions where the server looks for them; their kinds are left out where that is not allowed. */
export async function installOwnExtensions(cluster: PostgresCluster): Promise<void> {
  const share = await cluster.psql('postgres', "SELECT setting FROM pg_config WHERE name = 'SHAREDIR'");
  for (const [name, content] of Object.entries(ownExtensions)) {
    await writeFile(join(share, 'extension', name), content, { mode: 0o644 });
  }
}
