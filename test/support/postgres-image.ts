import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DockerEngine } from './docker.ts';
import type { ServerImage } from './docker-postgres.ts';
import { socketDirectory } from './machine-image.ts';
import { needPart } from './needed-parts.ts';
import { serverIdentity } from './server-binaries.ts';

const run = promisify(execFile);

/** The Debian release that has it. */
const release = { major: 17, suite: 'trixie' } as const;

/** What servers and tools can do without; most of the size. */
const unused = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/locale',
  'usr/share/i18n',
  'usr/share/perl',
  'usr/lib/x86_64-linux-gnu/perl',
];

/**
 * Makes an image `postgres:17` for an engine that cannot pull one: the packages of the Debian release that has this
 * major, server and tools, unpacked and not configured. Takes about half a minute.
 */
export async function importPostgresImage(engine: DockerEngine): Promise<ServerImage> {
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-image-'));
  const tree = join(folder, 'tree');
  try {
    const packages = [`postgresql-${release.major}`, `postgresql-client-${release.major}`];
    const base = ['base-files', 'coreutils', 'dash', 'grep', 'libc6', 'sed'];
    const include = `--include=${[...packages, ...base].join(',')}`;
    const mirror = await debianMirror();
    needPart('docker');
    await run('mmdebstrap', ['--mode=root', '--variant=extract', include, release.suite, tree, mirror], {
      maxBuffer: 64 * 1024 * 1024,
    });
    for (const path of unused) await rm(join(tree, path), { recursive: true, force: true });
    const libraries = join(tree, 'usr/lib/x86_64-linux-gnu');
    for (const name of await readdir(libraries)) {
      if (name.startsWith('libLLVM')) await rm(join(libraries, name), { recursive: true });
    }
    // Nothing was configured: the user whom the packages would have made is missing.
    const identity = await serverIdentity();
    await mkdir(join(tree, socketDirectory), { recursive: true, mode: 0o777 });
    await run('chmod', ['1777', join(tree, socketDirectory)]);
    await appendFile(
      join(tree, 'etc/passwd'),
      `root:x:0:0:root:/root:/bin/sh\npostgres:x:${identity?.uid ?? 101}:${identity?.gid ?? 101}::/tmp:/bin/sh\n`,
    );
    const name = `postgres:${release.major}`;
    const archive = join(folder, 'tree.tar');
    await run('tar', ['--create', `--file=${archive}`, `--directory=${tree}`, '.']);
    await engine.docker('import', archive, name);
    return { name, binDirectory: `/usr/lib/postgresql/${release.major}/bin` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where this machine gets its own packages from; its releases lie side by side there. */
export async function debianMirror(): Promise<string> {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(await readdir(folder).catch(() => [])).map((name) => join(folder, name)),
  ];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const mirror = /^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+\/debian\/?)(?:\s|$)/m.exec(text)?.[1];
    if (mirror !== undefined) return mirror;
  }
  return 'http://deb.debian.org/debian';
}
