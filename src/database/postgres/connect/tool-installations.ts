import { access, constants, readdir, realpath } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { childEnvironment } from '../../../system/child-environment.ts';
import { readOutput } from '../../../system/process.ts';
import type { ServerVersion } from '../../database.ts';
import type { ToolName } from '../server/server.ts';

/** psql, pg_dump and pg_restore of one version in one directory. */
export interface ToolInstallation {
  readonly directory: string;
  readonly version: ServerVersion;
}

const toolNames: readonly ToolName[] = ['psql', 'pg_dump', 'pg_restore'];
/** What is found on PATH may be a wrapper of somebody's that waits for a network. */
const probeTimeoutMs = 10_000;

/** Where packages put the tools of one major: the parent folder, and the path below each version's folder. */
const versionedFolders: readonly (readonly [parent: string, name: RegExp, below: string])[] = [
  ['/usr/lib/postgresql', /^\d+$/, 'bin'],
  ['/usr', /^pgsql-\d+$/, 'bin'],
  ['/opt/homebrew/opt', /^(postgresql(@\d+)?|libpq)$/, 'bin'],
  ['/usr/local/opt', /^(postgresql(@\d+)?|libpq)$/, 'bin'],
  ['/home/linuxbrew/.linuxbrew/opt', /^(postgresql(@\d+)?|libpq)$/, 'bin'],
  ['/Library/PostgreSQL', /^\d+$/, 'bin'],
  ['/Applications/Postgres.app/Contents/Versions', /^\d+$/, 'bin'],
];

/** The folders of this machine that may hold the tools, those of packages first, then `path`. */
export async function searchFolders(path: string = process.env.PATH ?? ''): Promise<string[]> {
  const packaged = await Promise.all(
    versionedFolders.map(async ([parent, name, below]) => {
      const entries = await readdir(parent).catch(() => []); // Most of these folders exist on other systems only.
      return entries.filter((entry) => name.test(entry)).map((entry) => join(parent, entry, below));
    }),
  );
  return [...packaged.flat(), ...path.split(delimiter).filter((folder) => folder !== '')];
}

/** All complete sets of tools in `folders`, newest first. A set whose tools differ in version is left out. */
export async function findInstallations(folders: readonly string[]): Promise<readonly ToolInstallation[]> {
  const seen = new Set<string>();
  const found: ToolInstallation[] = [];
  for (const directory of folders) {
    const psql = await realpath(join(directory, 'psql')).catch(() => null);
    // Debian's /usr/bin/psql is a wrapper that picks a version by rules of its own; the real ones were found above.
    if (psql === null || seen.has(psql) || basename(psql) === 'pg_wrapper') continue;
    seen.add(psql);
    const version = await versionOf(directory);
    if (version !== null) found.push({ directory, version });
  }
  return found.sort((a, b) => b.version.number - a.version.number);
}

async function versionOf(directory: string): Promise<ServerVersion | null> {
  const versions = await Promise.all(toolNames.map((tool) => probe(join(directory, tool))));
  const [first] = versions;
  if (first === undefined || first === null) return null;
  return versions.every((version) => version?.number === first.number) ? first : null;
}

async function probe(tool: string): Promise<ServerVersion | null> {
  try {
    await access(tool, constants.X_OK);
    const { exitCode, stdout } = await readOutput(tool, ['--version'], {
      env: childEnvironment({ LC_ALL: 'C' }),
      timeoutMs: probeTimeoutMs,
    });
    return exitCode === 0 ? parseToolVersion(stdout) : null;
  } catch {
    return null; // Not there, or it cannot run here: then it is no tool for us, and the others are looked at.
  }
}

/** The version in the output of `psql --version`, e.g. `psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`. */
export function parseToolVersion(output: string): ServerVersion | null {
  const match = /\(PostgreSQL\) (\d+)(?:\.(\d+))?/.exec(output);
  if (match === null) return null;
  return versionFromNumber(Number(match[1]) * 10_000 + Number(match[2] ?? 0));
}

/** A version from PostgreSQL's own number (`server_version_num`, 10 and later), e.g. 150018. */
export function versionFromNumber(number: number): ServerVersion {
  const major = Math.floor(number / 10_000);
  return { number, major, text: `${major}.${number % 10_000}` };
}
