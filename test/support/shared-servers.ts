import { inject } from 'vitest';
import { type Ceph, type CephInfo, connectCeph } from './ceph.ts';
import { connectDocker, type DockerEngine, type DockerInfo } from './docker.ts';
import { type ClusterInfo, PostgresCluster } from './postgres.ts';

async function ask<T>(server: string): Promise<T> {
  const response = await fetch(`${inject('sharedServers')}/${server}`);
  if (!response.ok) throw new Error(`shared ${server}: ${await response.text()}`);
  return (await response.json()) as T;
}

/**
 * The PostgreSQL that all test files share: use databases and roles of your own (createOwnedDatabase), never stop it.
 * With a major, the server of that version; the client tools stay those of the machine.
 */
export async function sharedPostgres(major?: number): Promise<PostgresCluster> {
  return new PostgresCluster(await ask<ClusterInfo>(`postgres${major ?? ''}`));
}

/** The S3 server that all test files share: use a bucket of your own (createBucket). */
export async function sharedCeph(): Promise<Ceph> {
  return connectCeph(await ask<CephInfo>('ceph'));
}

/** The Docker engine that all test files share: give containers names of your own (uniqueName) and remove them. */
export async function sharedDocker(): Promise<DockerEngine> {
  return connectDocker(await ask<DockerInfo>('docker'));
}
