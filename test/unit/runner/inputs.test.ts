import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GitHubContext, readGitHubContext } from '../../../src/runner/github-context.ts';
import { inputEntry, inputNames, inputVariable } from '../../../src/runner/input-catalogue.ts';
import { parseInputs, readInputs, requestedCommand, secretsOf } from '../../../src/runner/inputs.ts';
import { type Problem, RefusedError } from '../../../src/system/errors.ts';

const url = 'postgresql://erp:p%40ss%2Fw0rd@127.0.0.1:5432/applizor_erp?schema=public';
const good = { 'database-url': url, storage: 'file:///var/backups' };

let workspace: string;
let context: GitHubContext;
beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'safe-migrate-inputs-'));
  await mkdir(join(workspace, 'app', 'prisma'), { recursive: true });
  await writeFile(join(workspace, 'app', 'prisma.config.ts'), '');
  context = readGitHubContext({ GITHUB_WORKSPACE: workspace, RUNNER_ENVIRONMENT: 'self-hosted' });
});
afterAll(() => rm(workspace, { recursive: true, force: true }));

function environment(inputs: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [inputVariable(name), value]));
}

function parse(inputs: Readonly<Record<string, string>>, where: GitHubContext = context) {
  return parseInputs(environment(inputs), where);
}

function problemsFor(
  inputs: Readonly<Record<string, string>>,
  where: GitHubContext = context,
): readonly Problem[] {
  try {
    parse(inputs, where);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    expect(error.phase).toBe('inputs');
    return error.problems;
  }
  return [];
}

describe('inputs that are right', () => {
  it('become the settings of migrate, defaults filled in', () => {
    const { settings, warnings } = parse(good);
    expect(warnings).toEqual([]);
    expect(settings).toMatchObject({
      command: 'migrate',
      workingDirectory: workspace,
      prismaSchema: null,
      prismaConfig: null,
      jobs: 2,
      label: null,
      verify: 'restore',
      recovery: 'auto',
      onNewWrites: 'restore',
      keepFailed: 1,
    });
    expect(settings).toHaveProperty('storages.length', 1);
    expect(settings.databaseUrl?.reveal()).toBe(url);
  });

  it('become the settings of backup, which have nothing of a migration', () => {
    const { settings } = parse({ ...good, command: 'backup', verify: 'archive', label: 'nightly' });
    expect(settings).toMatchObject({ command: 'backup', verify: 'archive', label: 'nightly' });
    expect(settings).not.toHaveProperty('recovery');
  });

  it('resolve paths from the workspace and the working directory', () => {
    const { settings } = parse({
      ...good,
      'working-directory': 'app',
      'prisma-schema': 'prisma',
      'prisma-config': './prisma.config.ts',
    });
    expect(settings).toMatchObject({
      workingDirectory: join(workspace, 'app'),
      prismaSchema: join(workspace, 'app', 'prisma'),
      prismaConfig: join(workspace, 'app', 'prisma.config.ts'),
    });
  });

  it('may leave the database’s URL to Prisma', () => {
    expect(parse({ storage: good.storage }).settings.databaseUrl).toBeNull();
  });

  it('mean artifacts when they name no storage', () => {
    expect(parse({ 'database-url': url }).settings).toMatchObject({
      storages: [{ kind: 'artifact', plaintextAllowed: false }],
    });
  });

  it('keep backups of migrate for 30 days and others for 7, unless they say for how long', () => {
    expect(parse(good).settings).toMatchObject({
      retention: { migrateDays: 30, otherDays: 7, keepLast: 3 },
    });
    expect(parse({ ...good, 'retention-days': '14', 'keep-last': '5' }).settings).toMatchObject({
      retention: { migrateDays: 14, otherDays: 14, keepLast: 5 },
    });
  });

  it('keep the order of several storages', () => {
    const { settings } = parse({ ...good, storage: '\n file:///a \n\ns3://bucket/b?region=eu-central-1\n' });
    expect(settings).toMatchObject({ storages: [{ kind: 'file' }, { kind: 's3' }] });
  });

  it('are the same when a workflow passes them empty', () => {
    const empty = Object.fromEntries(inputNames.map((name) => [name, '']));
    expect(parse({ ...empty, ...good })).toEqual(parse(good));
  });

  it('bring a warning when the command does not use them, unless they are the default', () => {
    const { warnings } = parse({ ...good, command: 'backup', recovery: 'swap', 'keep-failed': '1' });
    expect(warnings).toEqual(['recovery: not used by command backup']);
  });

  it('accept the token that the workflow hands over', () => {
    expect(parse({ ...good, 'github-token': 'ghs_x' }).warnings).toEqual([]);
  });
});

describe('a rollback', () => {
  const rollback = { ...good, command: 'rollback' };

  it('takes the latest backup unless another one is named, and no hooks unless they are given', () => {
    expect(parse({ ...rollback, confirm: 'applizor_erp' }).settings).toMatchObject({
      command: 'rollback',
      backup: 'latest',
      confirm: 'applizor_erp',
      dryRun: false,
      beforeMigrate: null,
      afterMigrate: null,
      hookTimeoutMinutes: 10,
    });
  });

  it('has to be confirmed, unless it only looks', () => {
    expect(problemsFor(rollback).map(({ message }) => message)).toEqual([
      'confirm: must be given: a rollback replaces the database',
    ]);
    expect(parse({ ...rollback, 'dry-run': 'true' }).settings).toMatchObject({ dryRun: true, confirm: null });
  });

  it.each(['../other', 'a/b', '..', 'latest id'])('does not take %j for an id', (backup) => {
    expect(problemsFor({ ...rollback, confirm: 'x', backup })[0]?.message).toContain("is no backup's id");
  });

  it('has hooks, which a migration has not yet and does not ignore', () => {
    const hooks = { 'before-migrate': './stop.sh', 'after-migrate': './start.sh' };
    expect(parse({ ...rollback, confirm: 'x', ...hooks }).settings).toMatchObject({
      beforeMigrate: './stop.sh',
      afterMigrate: './start.sh',
    });
    expect(problemsFor({ ...good, ...hooks }).map(({ code }) => code)).toEqual(['SM_NOT_YET', 'SM_NOT_YET']);
  });
});

describe('inputs that are wrong', () => {
  it('are all refused together', () => {
    const problems = problemsFor({
      command: 'migrat',
      'database-url': 'mysql://root:hunter2hunter2@db/x',
      'working-directory': 'nowhere',
      jobs: '0',
      label: 'Größe/..',
      verify: 'arhive',
      recovery: 'in-place',
      'on-new-writes': 'maybe',
      'keep-failed': '-1',
      container: '--privileged',
      'client-image': 'postgres:17 --rm',
      'write-fence': 'true',
      strage: 's3://x/y',
    });
    expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'SM_INPUT strage: there is no such input',
      'SM_NOT_YET write-fence: arrives with a later version of safe-migrate (it will make the target read-only while the migration runs)',
      'SM_INPUT command: "migrat" is unknown',
      'SM_PROVIDER database-url: The database URL is one of MySQL; safe-migrate works with PostgreSQL.',
      `SM_INPUT working-directory: "nowhere" is no folder (looked for ${workspace}/nowhere)`,
      'SM_INPUT container: "--privileged" cannot be the name of a container',
      'SM_INPUT client-image: "postgres:17 --rm" cannot be the name of an image',
      'SM_INPUT jobs: "0" is not a whole number from 1 to 16',
      'SM_INPUT label: "Größe/.." cannot be part of a backup\'s id',
      'SM_INPUT verify: "arhive" is unknown',
      'SM_NOT_YET recovery: "in-place" arrives with a later version of safe-migrate',
      'SM_INPUT on-new-writes: "maybe" is unknown',
      'SM_INPUT keep-failed: "-1" is not a whole number from 0 to 100',
    ]);
    for (const { hint } of problems) expect(hint).not.toBe('');
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it.each(inputNames.filter((name) => inputEntry(name).later !== undefined))(
    '%s is refused with a clear word, its value not shown',
    (name) => {
      const [problem, ...others] = problemsFor({ ...good, [name]: 'value-that-is-not-shown' });
      expect(others).toEqual([]);
      expect(problem?.code).toBe('SM_NOT_YET');
      expect(problem?.message.startsWith(`${name}: arrives with a later version`)).toBe(true);
      expect(JSON.stringify(problem)).not.toContain('value-that-is-not-shown');
    },
  );

  it.each(['drill'])('command %s is refused as not built yet', (command) => {
    expect(problemsFor({ ...good, command })).toMatchObject([{ code: 'SM_NOT_YET' }]);
  });

  it('a retention that is none is refused', () => {
    const problems = problemsFor({ ...good, 'retention-days': '0', 'keep-last': '0' });
    expect(problems.map(({ message }) => message)).toEqual([
      'retention-days: "0" is not a whole number from 1 to 3650',
      'keep-last: "0" is not a whole number from 1 to 1000',
    ]);
  });

  it('a name that is nearly right is met with the right one', () => {
    const hints = problemsFor({ ...good, 'databse-url': url, retention_day: '3', zzz: '1' }).map(
      ({ hint }) => hint,
    );
    expect(hints).toEqual([
      'Did you mean database-url?',
      'Did you mean retention-days?',
      "Remove it from the step's `with:`, or the variable INPUT_ZZZ from the environment.",
    ]);
  });

  it('the same storage twice is refused', () => {
    const [problem] = problemsFor({ ...good, storage: 'file:///a\nfile:///a/' });
    expect(problem?.message).toBe('storage: line 2 is a storage that was given before');
  });

  it('a folder as the only storage is refused on a hosted runner, and accepted beside another', () => {
    const hosted = { ...context, hosted: true };
    expect(problemsFor(good, hosted)[0]?.message).toContain('its disk is gone after the job');
    const both = { ...good, storage: 'file:///a\ns3://bucket/b?region=eu-central-1' };
    expect(problemsFor(both, hosted)).toEqual([]);
  });

  it('a missing schema is one problem, and no second one when its folder is missing already', () => {
    expect(problemsFor({ ...good, 'prisma-schema': 'nothing.prisma' })).toHaveLength(1);
    const problems = problemsFor({
      ...good,
      'working-directory': 'nowhere',
      'prisma-schema': 'nothing.prisma',
    });
    expect(problems.map(({ message }) => message.split(':')[0])).toEqual(['working-directory']);
  });

  it('a long value is cut in the message', () => {
    const [problem] = problemsFor({ ...good, verify: 'x'.repeat(10_000) });
    expect(problem?.message.length).toBeLessThan(200);
  });
});

describe('secrets in inputs', () => {
  it('are known before anything is parsed: URLs, their passwords in every form, passphrases, tokens', () => {
    const raw = readInputs(
      environment({
        'database-url': url,
        'encryption-passphrase': 'correct horse',
        'github-token': 'ghs_abc',
      }),
    );
    expect(secretsOf(raw)).toEqual(
      expect.arrayContaining([url, 'p%40ss%2Fw0rd', 'p@ss/w0rd', 'correct horse', 'ghs_abc']),
    );
  });

  it('stay hidden however the settings are printed', () => {
    const { settings } = parse(good);
    for (const text of [
      JSON.stringify(settings),
      inspect(settings, { depth: 9 }),
      `${settings.databaseUrl}`,
    ]) {
      expect(text).not.toContain('w0rd');
    }
  });

  it('are in no message about the URL they stand in', () => {
    const problems = problemsFor({ ...good, 'database-url': 'postgresql://erp:hunter2hunter2@db:99999/x' });
    expect(problems).not.toEqual([]);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });
});

describe('the command that was asked for', () => {
  it('is known for the report even when nothing else can be parsed', () => {
    expect(requestedCommand(readInputs(environment({ command: 'rollback' })))).toBe('rollback');
    expect(requestedCommand(readInputs(environment({ command: 'nonsense' })))).toBe('migrate');
  });
});
