import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Ceph } from '../support/ceph.ts';
import type { PostgresCluster } from '../support/postgres.ts';

const run = promisify(execFile);

export async function postgresVersion(cluster: PostgresCluster): Promise<string> {
  return (await cluster.psql('postgres', 'SHOW server_version')).split(' ', 1)[0] ?? '';
}

export async function prismaVersion(folder: string): Promise<string> {
  const manifest: { version: string } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  return manifest.version;
}

/** Of the programs on this machine, which are the ones that were started. */
export async function cephVersion(_started: Ceph): Promise<string> {
  const { stdout } = await run('ceph', ['--version']);
  return /ceph version (\S+)/.exec(stdout)?.[1] ?? '';
}
