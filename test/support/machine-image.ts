import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DockerEngine } from './docker.ts';
import { findPostgresBin, serverIdentity } from './server-binaries.ts';

const run = promisify(execFile);

/** Holds nothing but an initialised data folder and places to mount to. */
export const machineImage = 'machine:latest';
/** Password of `postgres`, the superuser of every cluster that comes out of the image. */
export const machinePassword = 'machine-superuser';
export const dataDirectory = '/var/lib/postgresql/data';
export const socketDirectory = '/var/run/postgresql';

/** This machine's programs and libraries, for `docker run` of the empty image. */
export const machineMounts: readonly string[] = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc']
  .filter((path) => existsSync(path))
  .map((path) => `--volume=${path}:${path}:ro`);

/** Makes the image; initdb runs here, once, so that a container's server starts in a moment. */
export async function importMachineImage(engine: DockerEngine): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'safe-migrate-image-'));
  try {
    await chmod(root, 0o755);
    const identity = await serverIdentity();
    const data = join(root, dataDirectory);
    for (const folder of [data, join(root, socketDirectory), join(root, 'tmp')]) {
      await mkdir(folder, { recursive: true });
      if (identity) await chown(folder, identity.uid, identity.gid);
    }
    await chmod(join(root, 'tmp'), 0o1777);
    const passwordFile = join(root, 'tmp', 'password');
    await writeFile(passwordFile, machinePassword, { mode: 0o644 });
    await run(
      join(await findPostgresBin(), 'initdb'),
      ['-D', data, '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`].concat([
        '--encoding=UTF8',
        '--locale=C.UTF-8',
        '--no-sync',
      ]),
      { ...(identity ?? {}), cwd: root, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' } },
    );
    await rm(passwordFile);
    const archive = `${root}.tar`;
    await run('tar', ['--create', `--file=${archive}`, `--directory=${root}`, '.']);
    try {
      await engine.docker('import', archive, machineImage);
    } finally {
      await rm(archive, { force: true });
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
