import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGitHubContext } from '../../../src/runner/github-context.ts';
import {
  inputEntry,
  inputNames,
  inputVariable,
  type ParsedInputName,
} from '../../../src/runner/input-catalogue.ts';
import { parseInputs } from '../../../src/runner/inputs.ts';
import { Secret } from '../../../src/system/secret.ts';

/** A value for each input that is not its default; the types ask for one when an input is added. */
const samples: Readonly<Record<Exclude<ParsedInputName, 'command' | 'github-token'>, string>> = {
  'database-url': 'postgresql://other:word@127.0.0.1:5432/other',
  'working-directory': 'app',
  'prisma-schema': 'other.prisma',
  'prisma-config': 'other.config.ts',
  storage: 's3://bucket/prefix',
  container: 'postgres-of-ours',
  'client-image': 'postgres:18',
  'encryption-passphrase': 'correct horse battery staple',
  'encryption-recipients': 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
  'encryption-identity': 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX',
  'retention-days': '7',
  'keep-last': '9',
  jobs: '5',
  label: 'before-work',
  verify: 'archive',
  recovery: 'swap',
  'on-new-writes': 'stop',
  'migration-timeout-minutes': '7',
  'keep-failed': '4',
  'migrate-command': 'npx prisma migrate deploy',
  backup: 'backup_20261122_142500Z_x',
  confirm: 'erp',
  'dry-run': 'true',
  'before-migrate': 'true',
  'after-migrate': 'true',
  'hook-timeout-minutes': '3',
  'fail-on': 'none',
  comment: 'false',
  'shadow-database-url': 'postgresql://shadow:word@127.0.0.1:5433/shadow',
};

const built = ['migrate', 'backup', 'check', 'rollback', 'prune'] as const;
const names = Object.keys(samples) as readonly (keyof typeof samples)[];

let workspace: string;
beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'safe-migrate-inputs-'));
  await mkdir(join(workspace, 'app'));
  for (const file of ['other.prisma', 'other.config.ts']) await writeFile(join(workspace, file), '');
});
afterAll(() => rm(workspace, { recursive: true, force: true }));

/** The settings as text, secrets included; what it is warned about. */
function parsed(inputs: Readonly<Record<string, string>>) {
  const environment = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [inputVariable(name), value]),
  );
  const context = readGitHubContext({ GITHUB_WORKSPACE: workspace, RUNNER_ENVIRONMENT: 'self-hosted' });
  const { settings, warnings } = parseInputs(environment, context);
  // JSON would ask a secret first, which says nothing of itself.
  const text = JSON.stringify(settings, function (this: Record<string, unknown>, key) {
    const value = this[key];
    return value instanceof Secret ? value.reveal() : value;
  });
  return { text, warnings };
}

const uses = built.flatMap((command) =>
  names
    .filter((name) => inputEntry(name).commands.includes(command))
    .filter((name) => inputEntry(name).laterFor?.[command] === undefined)
    // A check stores nothing, and says so when a storage is given.
    .filter((name) => !(command === 'check' && name === 'storage'))
    .map((name) => [command, name] as const),
);

test('every input that is built has a command that uses it', () => {
  expect(new Set(uses.map(([, name]) => name))).toEqual(new Set(names));
  expect(inputNames).toEqual(expect.arrayContaining([...names]));
});

test.each(uses)('%s does something else when %s is given', (command, name) => {
  const given = {
    'database-url': 'postgresql://erp:word@127.0.0.1:5432/erp',
    ...(command === 'check' ? {} : { storage: 'file:///var/backups' }),
    ...(command === 'rollback' ? { confirm: 'erp_of_ours' } : {}),
    command,
  };
  const without = parsed(given);
  const withIt = parsed({ ...given, [name]: samples[name] });
  expect(withIt.warnings).toEqual(without.warnings);
  expect(withIt.text).not.toBe(without.text);
});
