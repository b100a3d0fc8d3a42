import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { needPart } from './needed-parts.ts';
import { debianMirror } from './postgres-image.ts';
import { findPostgresBin, packagedMajors } from './server-binaries.ts';

const run = promisify(execFile);

/** The Debian releases that have the tools of newer majors than this machine's. */
const suites: Readonly<Record<number, string>> = { 17: 'trixie', 18: 'forky' };

/** All of them outlive a test run, and the repository. */
const cache = join(tmpdir(), 'safe-migrate-client-tools');

/**
 * The folder of psql, pg_dump and pg_restore for a server of `major`: this machine's, or those of the Debian release
 * that has them, unpacked once and kept. They run with the libraries of their own release, which this machine need not
 * have. A server of 16 is served by the tools of 17. Needs root and mmdebstrap for the first time.
 */
export async function clientToolsFor(major: number): Promise<string> {
  if ((await packagedMajors()).includes(major)) return `/usr/lib/postgresql/${major}/bin`;
  const newest = Math.min(
    ...Object.keys(suites)
      .map(Number)
      .filter((each) => each >= major),
  );
  const suite = suites[newest];
  if (suite === undefined) return findPostgresBin();
  const bin = join(cache, String(newest), 'tools');
  const isThere = await access(join(bin, 'pg_restore')).then(
    () => true,
    () => false,
  );
  if (!isThere) await unpack(newest, suite);
  return bin;
}

async function unpack(major: number, suite: string): Promise<void> {
  needPart('clientTools');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'unpacking-'));
  try {
    const tree = join(folder, 'tree');
    // A release under way signs its lists for a week, and what is asked for here does not grow old.
    const lists = ['--aptopt=Acquire::Check-Valid-Until "false"'];
    const include = `--include=postgresql-client-${major},libc6`;
    await run(
      'mmdebstrap',
      ['--mode=root', '--variant=extract', ...lists, include, suite, tree, await debianMirror()],
      { maxBuffer: 64 * 1024 * 1024 },
    );
    const tools = join(folder, 'tools');
    await mkdir(tools);
    const place = join(cache, String(major), 'tree');
    for (const tool of ['psql', 'pg_dump', 'pg_restore']) {
      const program = `${place}/usr/lib/postgresql/${major}/bin/${tool}`;
      const loader = `${place}/usr/lib64/ld-linux-x86-64.so.2 --library-path ${place}/usr/lib/x86_64-linux-gnu`;
      await writeFile(join(tools, tool), `#!/bin/sh\nexec ${loader} ${program} "$@"\n`);
      await chmod(join(tools, tool), 0o755);
    }
    await chmod(folder, 0o755);
    // Another run may have been faster: what it made is as good.
    await rename(folder, join(cache, String(major))).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
