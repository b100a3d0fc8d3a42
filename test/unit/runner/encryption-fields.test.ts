import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { readGitHubContext } from '../../../src/runner/github-context.ts';
import { inputVariable } from '../../../src/runner/input-catalogue.ts';
import { parseInputs, readInputs, secretsOf } from '../../../src/runner/inputs.ts';
import { type Problem, RefusedError } from '../../../src/system/errors.ts';

const context = readGitHubContext({ GITHUB_WORKSPACE: import.meta.dirname });
const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);
const hybridRecipient = await identityToRecipient(await generateHybridIdentity());
const goodPassphrase = 'correct horse battery staple';

function environment(inputs: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const all = { storage: 's3://backups/p?region=eu-central-1', ...inputs };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [inputVariable(name), value]));
}

function problemsFor(inputs: Readonly<Record<string, string>>): readonly Problem[] {
  try {
    parseInputs(environment(inputs), context);
  } catch (error) {
    if (error instanceof RefusedError) return error.problems;
    throw error;
  }
  return [];
}

/** The inputs of a command that makes backups. */
function backupInputs(...given: Parameters<typeof parseInputs>) {
  const { settings, warnings } = parseInputs(...given);
  if (!('encryption' in settings)) throw new TypeError('a command that makes no backup');
  return { settings, warnings };
}

describe('encryption', () => {
  it('is off when neither input is given', () => {
    expect(backupInputs(environment({}), context).settings.encryption).toBeNull();
  });

  it('takes a passphrase, which stays hidden', () => {
    const { settings, warnings } = backupInputs(
      environment({ 'encryption-passphrase': `${goodPassphrase}\n` }),
      context,
    );
    expect(warnings).toEqual([]);
    if (settings.encryption?.kind !== 'passphrase') throw new TypeError('not a passphrase');
    expect(settings.encryption.passphrase.reveal()).toBe(goodPassphrase);
    expect(JSON.stringify(settings)).not.toContain('horse');
  });

  it('warns about a short passphrase without showing it', () => {
    const { warnings } = backupInputs(environment({ 'encryption-passphrase': 'hunter2' }), context);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^encryption-passphrase: it has fewer than 16 characters/);
    expect(warnings[0]).not.toContain('hunter2');
  });

  it('refuses a passphrase that nobody could type at a prompt', () => {
    const [problem, ...others] = problemsFor({ 'encryption-passphrase': 'first line\nsecond line' });
    expect(others).toEqual([]);
    expect(problem?.message).toBe('encryption-passphrase: holds a line break or another control character');
  });

  it('takes recipients, one per line, with comments as in a file of age', () => {
    const { settings } = backupInputs(
      environment({ 'encryption-recipients': `# the vault\n${recipient}\n\n  ${hybridRecipient}` }),
      context,
    );
    expect(settings.encryption).toEqual({ kind: 'recipients', recipients: [recipient, hybridRecipient] });
  });

  it('names every recipient that is none, and never a private key', () => {
    const mistyped = recipient.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q'));
    const problems = problemsFor({
      'encryption-recipients': `${mistyped}\n${recipient}\nssh-ed25519 AAAA\n${identity}`,
    });
    expect(problems.map(({ message }) => message)).toEqual([
      `encryption-recipients: line 1, "${mistyped}", is no age public key`,
      'encryption-recipients: line 3, "ssh-ed25519 AAAA", is no age public key',
      'encryption-recipients: line 4 is a private key; backups are encrypted to public ones',
    ]);
    expect(JSON.stringify(problems)).not.toContain(identity);
  });

  it('refuses recipients that are comments only', () => {
    expect(problemsFor({ 'encryption-recipients': '# later' })[0]?.message).toContain('no key');
  });

  it('is told together with everything else that is wrong', () => {
    const problems = problemsFor({
      'encryption-passphrase': goodPassphrase,
      'encryption-recipients': 'age1nothing',
      'encryption-identity': 'AGE-SECRET-KEY-1NOTHING',
      jobs: '0',
    });
    expect(problems.map(({ message }) => message)).toEqual([
      'encryption-recipients: cannot be given together with encryption-passphrase',
      'encryption-recipients: line 1, "age1nothing", is no age public key',
      'encryption-identity: line 1 is no age private key',
      'jobs: "0" is not a whole number from 1 to 16',
    ]);
  });

  it('needs no private key to make backups, and says so', () => {
    const { warnings } = backupInputs(environment({ 'encryption-identity': identity }), context);
    expect(warnings).toEqual(['encryption-identity: not used by command migrate']);
  });
});

describe('an identity', () => {
  it('is masked as a whole and key by key', () => {
    const file = `# created: 2026-11-24\n# public key: ${recipient}\n${identity}`;
    const secrets = secretsOf(readInputs(environment({ 'encryption-identity': file })));
    expect(secrets).toEqual(expect.arrayContaining([file, identity]));
    expect(secrets).not.toContain(`# public key: ${recipient}`);
  });
});

describe('the keys of a rollback', () => {
  const parseRollback = (inputs: Readonly<Record<string, string>>) => {
    const { settings } = parseInputs(
      environment({ command: 'rollback', confirm: 'erp', ...inputs }),
      context,
    );
    if (settings.command !== 'rollback') throw new TypeError('not a rollback');
    return settings.keys;
  };

  it('are what is given, a passphrase and private keys side by side', () => {
    expect(parseRollback({})).toEqual({ passphrase: null, identities: [] });
    const keys = parseRollback({
      'encryption-passphrase': goodPassphrase,
      'encryption-identity': `# a key file\n${identity}\n`,
    });
    expect(keys.passphrase?.reveal()).toBe(goodPassphrase);
    expect(keys.identities.map((key) => key.reveal())).toEqual([identity]);
    expect(JSON.stringify(keys)).not.toContain(identity);
  });
});
