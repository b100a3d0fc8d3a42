// Runs a script of this repository under Node 24 in a fresh clone: `node scripts/bootstrap.mjs scripts/demo.ts …`.
// Needs nothing but Node 20 and npm, so it has no imports from packages.
//
// It starts the script as a child of node_modules/node/bin/node instead of chaining commands in package.json:
// a shell caches where `node` is, so `node a.mjs && node b.mjs` would stay on the old one.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const wantedMajor = 24;

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

/**
 * Why node_modules does not hold what the lockfile says, or null when it does. npm keeps what it installed in
 * node_modules/.package-lock.json; times of files say nothing in a clone or a restored cache.
 */
export function whyInstall(wanted, installed) {
  if (installed === null) return 'node_modules is missing';
  for (const [path, entry] of Object.entries(wanted.packages)) {
    if (path === '' || entry.optional || entry.devOptional || entry.peer) continue;
    const present = installed.packages[path];
    if (present === undefined) return `${path} is missing`;
    if (present.version !== entry.version || present.integrity !== entry.integrity) {
      return `${path} is ${present.version}, the lockfile says ${entry.version}`;
    }
  }
  return null;
}

/** Brings `node_modules` of `folder` to what its lockfile says (npm ci); true when something was installed. */
export function installPackages(folder = root, flags = []) {
  const reason = whyInstall(
    readJson(join(folder, 'package-lock.json')),
    readJson(join(folder, 'node_modules', '.package-lock.json')),
  );
  if (reason === null) return false;
  const where = folder === root ? '' : ` of ${relative(root, folder)}`;
  console.log(`bootstrap: installing npm packages${where} (npm ci), because ${reason}`);
  // Under `npm run` this is the npm that the person uses; otherwise the one on the PATH.
  const npm = process.env.npm_execpath;
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const { status, error } = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', ...flags], {
    cwd: folder,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(`bootstrap: npm ci failed${error ? ` (${error.message})` : ''}`);
    process.exit(1);
  }
  return true;
}

function versionOf(node) {
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return stdout?.trim() ?? '';
}

/** The Node that runs the rest: the one that npm installed, or this one when it is of the same major. */
function findNode() {
  const installed = join(root, 'node_modules', 'node', 'bin', 'node');
  for (const candidate of [installed, process.execPath]) {
    if (versionOf(candidate).startsWith(`v${wantedMajor}.`)) return candidate;
  }
  console.error(
    `bootstrap: Node ${wantedMajor} is needed, this is ${process.version}, and the one that npm installs is not there.\n` +
      `HINT: npm did not run the install script of the package "node". Check that ignore-scripts is off ` +
      `(npm config get ignore-scripts), remove node_modules and try again.`,
  );
  return process.exit(1);
}

function main() {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) {
    console.error('usage: node scripts/bootstrap.mjs <script> [arguments]');
    process.exit(2);
  }
  installPackages();
  const node = findNode();
  const path = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
  const child = spawn(node, [resolve(root, script), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  // Ctrl-C reaches the child by itself (same terminal); this process only waits for it to clean up.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => {
    console.error(`bootstrap: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal !== null) process.kill(process.pid, signal);
    else process.exit(code ?? 1);
  });
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
