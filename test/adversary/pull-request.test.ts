import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCheckGround } from '../support/check-ground.ts';
import { startGitHubApi } from '../support/github-api.ts';
import { readReport } from '../support/refusal.ts';
import type { ActionRun } from '../support/runner.ts';
import { sharedPostgres } from '../support/shared-servers.ts';

const canary = () => `canary${randomBytes(8).toString('hex')}`;

/** Everything that others may read of a check. */
async function publishedBy(run: ActionRun, comments: readonly { readonly body: string }[]): Promise<string> {
  const result = await run.finished;
  const files = [...(await run.filesWritten())].map(([path, content]) => `${path}\n${content}`);
  return [
    result.log,
    result.summary,
    JSON.stringify(result.annotations),
    JSON.stringify(result.outputs),
    ...comments.map(({ body }) => body),
    ...files,
  ].join('\n');
}

describe('a pull request', () => {
  it('cannot have the action read what is no file of the repository, and hears why', async () => {
    const target = await sharedPostgres();
    await using api = await startGitHubApi();
    await using ground = await createCheckGround({ target, shadow: null, api });
    const folder = ground.project.migrationsDirectory;
    const links: Readonly<Record<string, string>> = {
      '20260102000000_environ': '/proc/self/environ',
      '20260103000000_zero': '/dev/zero',
      '20260104000000_machine': '/etc/passwd',
      '20260105000000_git': '../../../.git/config',
      '20260106000000_within': '../20260101000000_init/migration.sql',
    };
    for (const [name, to] of Object.entries(links)) {
      await mkdir(join(folder, name));
      await symlink(to, join(folder, name, 'migration.sql'));
    }
    await mkdir(join(folder, '20260107000000_pipe'));
    execFileSync('mkfifo', [join(folder, '20260107000000_pipe', 'migration.sql')]);
    const secrets = { passphrase: canary(), token: canary() };
    await using run = await ground.check({
      inputs: { 'github-token': secrets.token, 'encryption-passphrase': secrets.passphrase },
      watchProcesses: true,
    });
    const { result } = run;
    expect(result.outputs.result, result.log).toBe('refused');
    const { problems } = await readReport(result);
    expect(problems.map(({ code }) => code)).toEqual(Array(5).fill('SM_CHECKOUT_FILE'));
    const said = problems.map(({ message }) => message).join('\n');
    for (const name of ['environ', 'zero', 'machine', 'git']) {
      expect(said).toMatch(new RegExp(`_${name}/migration.sql leads out of the repository`));
    }
    expect(said).toMatch(/_pipe\/migration.sql is no file that could be read/);
    expect(said).not.toContain('_within');
    // Prisma would have followed them.
    expect(result.processes.filter(({ commandLine }) => /prisma.*migrate/.test(commandLine))).toEqual([]);
    const published = await publishedBy(run, api.comments);
    for (const secret of Object.values(secrets)) expect(published).not.toContain(secret);
    expect(published).not.toContain('root:x:0:0');
  });

  it('runs code that sees no secret in its environment, and what it writes into the job is masked', async () => {
    const target = await sharedPostgres();
    await using api = await startGitHubApi();
    await using ground = await createCheckGround({ target, shadow: null, api });
    const seen = join(dirname(ground.repository), 'seen.json');
    const config = join(ground.repository, 'prisma.config.ts');
    const code = `
import { readFileSync, writeFileSync } from 'node:fs';
const parents = [];
for (let pid = process.ppid; pid > 1; ) {
  parents.push(readFileSync('/proc/' + pid + '/environ', 'utf8'));
  pid = Number(/^PPid:\\s*(\\d+)$/m.exec(readFileSync('/proc/' + pid + '/status', 'utf8'))?.[1]);
  if (parents.length === 2) break;
}
writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ own: process.env, parents }));
`;
    await writeFile(config, code + (await readFile(config, 'utf8')));
    const secrets = { passphrase: `${canary()} "and" more`, token: canary(), npm: canary() };
    // As if that code had found them and written them into its own migration.
    const forms = Object.values(secrets).flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(`x${secret}x`).toString('base64'),
    ]);
    await ground.project.writeMigration(
      '20260102000000_stolen',
      forms.map((form) => `DROP TABLE "${form.replaceAll('"', '""')}";`).join('\n'),
    );
    await ground.commit();
    await using run = await ground.check({
      inputs: { 'github-token': secrets.token, 'encryption-passphrase': secrets.passphrase },
      env: { NPM_TOKEN: secrets.npm },
    });
    const { result } = run;
    expect(result.outputs.result, result.log).toBe('checked');

    const { own, parents } = JSON.parse(await readFile(seen, 'utf8'));
    const withheld = Object.keys(own).filter((name) =>
      /^(INPUT_|STATE_|ACTIONS_|GITHUB_(ENV|PATH|OUTPUT|STATE|STEP_SUMMARY)$)/.test(name),
    );
    expect(withheld).toEqual([]);
    expect(JSON.stringify(own)).not.toContain(secrets.passphrase.slice(0, 20));
    expect(JSON.stringify(own)).not.toContain(secrets.token);
    // The limit that docs/security.md names: a process reads the environment of its parents.
    expect(parents.join('\n')).toContain(secrets.passphrase);

    expect(api.comments).toHaveLength(1);
    const published = { comment: api.comments[0]?.body ?? '', summary: result.summary };
    const report = await readFile(result.outputs.report ?? '', 'utf8');
    for (const [where, text] of Object.entries({ ...published, report })) {
      expect(text, where).toContain('***');
      for (const form of forms) expect(text, where).not.toContain(form.slice(4, -4));
    }
  });
});
