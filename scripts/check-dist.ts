import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'rolldown';
import config from '../rolldown.config.ts';

/** SHA-256 of every file of a folder, by name. */
function digests(folder: string): Map<string, string> {
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  return new Map(
    files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .map((path) => [
        path.slice(folder.length + 1),
        createHash('sha256').update(readFileSync(path)).digest('hex'),
      ]),
  );
}

/** Names of the files that are missing, surplus or different in `actual`. */
export function differences(
  expected: ReadonlyMap<string, string>,
  actual: ReadonlyMap<string, string>,
): string[] {
  return [...new Set([...expected.keys(), ...actual.keys()])]
    .filter((name) => expected.get(name) !== actual.get(name))
    .sort();
}

async function buildInto(folder: string): Promise<Map<string, string>> {
  await build({ ...config, logLevel: 'silent', output: { ...config.output, dir: folder } });
  return digests(folder);
}

/** Names of the files in `dist` that are not what `src/` builds now. */
export async function staleFiles(dist: string): Promise<readonly string[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'safe-migrate-dist-'));
  try {
    return differences(await buildInto(scratch), digests(dist));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What of dist/ differs from the last commit; empty without git. */
function uncommitted(root: string): string {
  try {
    const output = execFileSync('git', ['status', '--porcelain', '--', 'dist'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.toString().trim();
  } catch {
    return '';
  }
}

/**
 * Builds twice and compares both builds with dist/: users run dist/, so it must be what src/ says, on every
 * machine. In CI dist/ must also be committed. Returns what is wrong, or nothing.
 */
export async function checkDist(root: string): Promise<readonly string[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'safe-migrate-dist-'));
  try {
    const first = await buildInto(join(scratch, 'first'));
    const second = await buildInto(join(scratch, 'second'));
    const unstable = differences(first, second);
    const stale = differences(first, digests(join(root, 'dist')));
    const pending = process.env.CI === 'true' ? uncommitted(root) : '';
    return [
      ...(unstable.length > 0 ? [`two builds differ: ${unstable.join(', ')}`] : []),
      ...(stale.length > 0
        ? [`dist/ is not what src/ builds (npm run build, then commit): ${stale.join(', ')}`]
        : []),
      ...(pending === '' ? [] : [`dist/ is not committed:\n${pending}`]),
    ];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const problems = await checkDist(resolve(import.meta.dirname, '..'));
  for (const problem of problems) console.error(problem);
  console.log(problems.length === 0 ? 'dist/ is what src/ builds, twice over' : 'dist/ is not in order');
  process.exitCode = problems.length === 0 ? 0 : 1;
}
