// Sees to the parts that npm cannot install: PostgreSQL's server and tools, and for the tests Ceph's S3
// gateway and a Docker engine.
// Has no imports from packages: `node scripts/setup-system.mjs [part…]` works in a fresh clone.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';

const searchPath = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/bin'];

function onPath(program) {
  return searchPath.some((folder) => folder !== '' && existsSync(join(folder, program)));
}

/** Where packages put PostgreSQL: Debian a folder for each major, Homebrew one for each formula. */
const postgresFolders = [
  ['/usr/lib/postgresql', /^\d+$/],
  ['/opt/homebrew/opt', /^postgresql(@\d+)?$/],
  ['/usr/local/opt', /^postgresql(@\d+)?$/],
];

/** A complete PostgreSQL, server and tools in one folder. */
function hasPostgres() {
  const programs = ['initdb', 'postgres', 'pg_ctl', 'psql', 'pg_dump', 'pg_restore'];
  return postgresFolders.some(([parent, name]) =>
    (existsSync(parent) ? readdirSync(parent) : [])
      .filter((entry) => name.test(entry))
      .some((entry) => programs.every((program) => existsSync(join(parent, entry, 'bin', program)))),
  );
}

/** What a part is for, how it is recognised and which packages bring it. */
export const parts = {
  postgresql: {
    purpose: 'PostgreSQL server and tools (demo and tests)',
    present: hasPostgres,
    debian: ['postgresql', 'postgresql-client'],
    homebrew: ['postgresql@17'],
  },
  postgis: {
    purpose: 'PostGIS, an extension with rows of its own, for the tests of the proof',
    present: () =>
      (existsSync('/usr/share/postgresql') ? readdirSync('/usr/share/postgresql') : []).some((major) =>
        existsSync(join('/usr/share/postgresql', major, 'extension', 'postgis.control')),
      ),
    debian: ['postgresql-postgis'],
    homebrew: ['postgis'],
  },
  ceph: {
    purpose: "Ceph's S3 gateway, the real S3 server of the tests",
    present: () => ['radosgw', 'radosgw-admin', 'ceph-mon', 'ceph-osd', 'ceph', 'monmaptool'].every(onPath),
    debian: ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-base', 'ceph-common'],
    homebrew: [],
  },
  age: {
    purpose: 'the age tool, and a terminal for it, with which tests open encrypted backups',
    present: () => ['age', 'age-keygen', 'python3'].every(onPath),
    debian: ['age', 'python3'],
    homebrew: ['age'],
  },
  byHand: {
    purpose: 'clients of S3 with which a test restores a backup by hand',
    present: () => ['aws', 'curl'].every(onPath),
    debian: ['awscli', 'curl'],
    homebrew: ['awscli', 'curl'],
  },
  clientTools: {
    purpose: 'what unpacks the tools of newer majors for servers of 16 to 18 (npm run test:proof)',
    present: () => onPath('mmdebstrap'),
    debian: ['mmdebstrap'],
    homebrew: [],
  },
  docker: {
    purpose:
      'a Docker engine that the tests start for themselves, and an image of another Debian to run in it',
    present: () => ['docker', 'dockerd', 'containerd', 'setpriv', 'mmdebstrap'].every(onPath),
    debian: ['docker.io', 'mmdebstrap'],
    homebrew: [],
  },
};

function missingOf(names) {
  return names.filter((name) => !parts[name].present());
}

/** Nobody answers questions, and configuration that is there already stays. */
const unattended = { DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1' };

function run(command, args) {
  console.log(`system parts: ${[command, ...args].join(' ')}`);
  const { status } = spawnSync(command, args, {
    stdio: 'inherit',
    env: { ...process.env, ...unattended },
  });
  return status === 0;
}

async function agrees() {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Install them now with apt-get? [y/N] ');
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Debian starts a server of its own after installing one. Nobody asked for that here. */
function keepDebianFromStartingServers(asRoot) {
  const file = '/etc/postgresql-common/createcluster.conf';
  if (existsSync(file)) return;
  if (asRoot) {
    mkdirSync('/etc/postgresql-common', { recursive: true });
    writeFileSync(file, 'create_main_cluster = false\n');
  } else {
    const script = `mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > ${file}`;
    run('sudo', ['sh', '-c', script]);
  }
}

async function installOnDebian(missing) {
  const asRoot = process.getuid?.() === 0;
  const automatic = asRoot || process.env.CI === 'true';
  const packages = missing.flatMap((name) => parts[name].debian);
  if (!automatic) {
    console.log(`These parts are missing:`);
    for (const name of missing) console.log(`  ${parts[name].purpose}: ${parts[name].debian.join(' ')}`);
    if (!(await agrees())) return;
  }
  if (missing.includes('postgresql')) keepDebianFromStartingServers(asRoot);
  const aptGet = (...args) =>
    asRoot
      ? run('apt-get', args)
      : run('sudo', [
          ...(automatic ? ['-n'] : []),
          ...Object.entries(unattended).map(([name, value]) => `${name}=${value}`),
          'apt-get',
          ...args,
        ]);
  aptGet('-qq', 'update');
  aptGet(
    '-qq',
    '-y',
    '-o',
    'Dpkg::Options::=--force-confold',
    '--no-install-recommends',
    'install',
    ...packages,
  );
}

/** The commands with which a person gets the parts that are missing. */
export function howToInstall(missing, platform) {
  if (platform === 'darwin') {
    return missing.map((name) =>
      parts[name].homebrew.length > 0
        ? `brew install ${parts[name].homebrew.join(' ')}`
        : `${name}: not available on macOS; its tests run on Linux (also in CI)`,
    );
  }
  return [
    `sudo apt-get install --no-install-recommends ${missing.flatMap((name) => parts[name].debian).join(' ')}`,
  ];
}

/**
 * Installs what is missing of the named parts where that can be done: as root and in CI by itself, on a person's
 * Debian after showing the list and asking. Returns the names of the parts that are still missing.
 */
export async function setUpSystem(names) {
  const missing = missingOf(names);
  if (missing.length > 0 && process.platform === 'linux' && onPath('apt-get')) await installOnDebian(missing);
  return missingOf(names);
}

/** Says which parts are missing so that nobody overlooks it. */
export function announceMissing(missing, platform = process.platform) {
  if (missing.length === 0) return;
  const lines = missing.map((name) => `  ${parts[name].purpose}`);
  const ways = howToInstall(missing, platform).map((line) => `  ${line}`);
  console.log(['', 'MISSING SYSTEM PARTS', ...lines, 'To get them:', ...ways, ''].join('\n'));
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !(name in parts));
  if (unknown.length > 0) {
    console.error(`unknown part: ${unknown.join(', ')}; known: ${Object.keys(parts).join(', ')}`);
    process.exit(2);
  }
  const missing = await setUpSystem(asked.length > 0 ? asked : Object.keys(parts));
  announceMissing(missing);
  process.exitCode = missing.length === 0 ? 0 : 1;
}
