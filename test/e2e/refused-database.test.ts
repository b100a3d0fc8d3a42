import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { addQuotations } from '../support/erp.ts';
import { expectRefused, readReport } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

const run = promisify(execFile);
const pending = { '20260103000000_add_quotations': addQuotations };
const dist = fileURLToPath(new URL('../../dist', import.meta.url));

/** Dumps without complaint; a restore has an empty search_path and does not find "Customer". */
const cannotRestore = `
  CREATE FUNCTION has_customer(note text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RETURN EXISTS (SELECT FROM "Customer") OR note = ''; END $$;
  ALTER TABLE "Note" ADD CONSTRAINT "Note_text_known" CHECK (has_customer("text"));`;

describe('migrate refuses, and touches nothing, when', () => {
  it('the role cannot read a table', async () => {
    await using world = await createWorld({ pending });
    await world.cluster.psql(
      world.database,
      'CREATE TABLE "Salaries of all" (id int); REVOKE ALL ON "Salaries of all" FROM PUBLIC;',
    );
    const { report } = await expectRefused(world, {}, ['SM_TABLE_UNREADABLE', 'SM_FOREIGN_OWNER']);
    expect(report.problems[0]?.message).toContain('public."Salaries of all"');
    expect(report.problems[0]?.hint).toContain('GRANT SELECT');
  });

  it('the role may not create databases', async () => {
    await using world = await createWorld({ pending });
    await world.cluster.psql('postgres', `ALTER ROLE "${world.user}" NOCREATEDB`);
    const { report, result } = await expectRefused(world, {}, ['SM_NO_CREATEDB']);
    expect(report.problems[0]?.hint).toContain('CREATEDB');

    expect(report.recoveryWays.map(({ way, open }) => [way, open])).toEqual([
      ['untouched', true],
      ['history', true],
      ['swap', false],
      ['in-place', false],
    ]);
    expect(report.recoveryWays[2]?.because).toEqual([report.problems[0]?.message]);
    expect(result.visibleLog).toContain('ways of recovery that are closed: swap, in-place');
    // Unmasked: the role bears the name of its password here.
    expect(result.rawLog).toContain(`recovery swap: closed; Role ${world.user} may not create databases`);
    expect(result.summary).toContain('### Ways of recovery');
  });

  it('the dump cannot be restored, and names the object', async () => {
    await using world = await createWorld({ pending });
    await world.psql(cannotRestore);
    const { report } = await expectRefused(world, {}, ['SM_RESTORE_FAILED']);
    expect(report.problems[0]).toMatchObject({ phase: 'prove' });
    expect(report.problems[0]?.message).toContain('TABLE DATA Note');
  });

  it('the tools of the machine are older than the server', async (test) => {
    await using world = await createWorld({ pending });
    const olderMachine = await machineWithOlderTools(world);
    if (olderMachine === null) test.skip();
    const { report } = await expectRefused(world, { dist: olderMachine ?? '' }, ['SM_CLIENT_TOO_OLD']);
    expect(report.problems[0]?.message).toContain('12.22 in /usr/lib/postgresql/12/bin');
    expect(report.problems[0]?.hint).toMatch(/apt-get install -y postgresql-client-\d+/);
  });
});

describe('backup', () => {
  it('stores a dump that cannot be restored, marked as unproved, and fails', async () => {
    await using world = await createWorld();
    await world.psql(cannotRestore);
    const before = await world.state();
    await using run = await world.migrate({ inputs: { command: 'backup' } });
    const { outputs, exitCode, log, annotations } = run.result;
    expect(exitCode, log).toBe(1);
    expect(outputs, log).toMatchObject({ result: 'refused', 'restore-proved': 'false' });
    const report = await readReport(run.result);
    expect(report.problems.map((problem) => problem.code)).toEqual(['SM_RESTORE_FAILED']);
    expect(annotations.filter(({ level }) => level === 'error')).toHaveLength(1);

    const stored = await world.stored();
    const folder = `backups/${world.database}/${outputs['backup-id']}`;
    expect([...stored.keys()].sort()).toEqual(
      ['database.dump', 'details.json', 'manifest.json'].map((name) => `${folder}/${name}`),
    );
    const manifest = JSON.parse(String(stored.get(`${folder}/manifest.json`)));
    expect(manifest.proof).toMatchObject({ method: 'restore', proved: false, problem: 'SM_RESTORE_FAILED' });
    const details = JSON.parse(String(stored.get(`${folder}/details.json`)));
    expect(details.proofProblem).toContain('TABLE DATA Note');
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([]);
  });
});

/**
 * A folder to be run instead of dist/: its main.js starts the bundle in a mount namespace where
 * /usr/lib/postgresql holds tools that say they are of PostgreSQL 12 (and otherwise are those of this machine).
 * null, and a loud word, where no such namespace can be made.
 */
async function machineWithOlderTools(world: World): Promise<string | null> {
  try {
    await run('unshare', ['--mount', 'mount', '--bind', world.folder, '/usr/lib/postgresql']);
  } catch (error) {
    process.stderr.write(
      `\nNOT TESTED: tools older than the server, because nothing can be mounted: ${String(error)}\n`,
    );
    return null;
  }
  const tools = join(world.folder, 'usr-lib-postgresql');
  const bin = join(tools, '12', 'bin');
  await mkdir(bin, { recursive: true });
  await mkdir(join(tools, 'real'));
  const real = world.cluster.info.binDirectory.replace('/usr/lib/postgresql', '/usr/lib/postgresql/real');
  for (const tool of ['psql', 'pg_dump', 'pg_restore']) {
    const path = join(bin, tool);
    const answer = `echo "${tool} (PostgreSQL) 12.22 (Debian 12.22-1)"`;
    await writeFile(
      path,
      `#!/bin/sh\n[ "$1" = --version ] && exec ${answer.replace('echo', '/bin/echo')}\nexec ${real}/${tool} "$@"\n`,
    );
    await chmod(path, 0o755);
  }
  const folder = join(world.folder, 'older-machine');
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  // Straight from Node to Node: shells drop variables such as INPUT_DATABASE-URL.
  await writeFile(
    join(folder, 'main.js'),
    `import { execFileSync, spawnSync } from 'node:child_process';
if (process.argv[2] === undefined) {
  const { status } = spawnSync('unshare', ['--mount', process.execPath, import.meta.filename, 'inside'], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  execFileSync('mount', ['--bind', '/usr/lib/postgresql', ${JSON.stringify(join(tools, 'real'))}]);
  execFileSync('mount', ['--rbind', ${JSON.stringify(tools)}, '/usr/lib/postgresql']);
  await import(${JSON.stringify(join(dist, 'main.js'))});
}
`,
  );
  return folder;
}
