import { describe, expect, it } from 'vitest';
import { startArtifactService } from '../support/artifact-service.ts';
import { addQuotations } from '../support/erp.ts';
import { inputsOfExample } from '../support/example-workflow.ts';
import { readReport } from '../support/refusal.ts';
import { createWorld } from '../support/world.ts';

const pending = { '20260103000000_add_quotations': addQuotations };

/** The other examples: check.yml in check.test.ts, compose.yml in container.test.ts. */
describe('the example workflows, as they are', () => {
  it('deploy.yml, which is the README’s, and rollback.yml need two secrets and no storage', async () => {
    await using service = await startArtifactService();
    await using world = await createWorld({ pending });
    const values = {
      'secrets.DATABASE_URL': world.url,
      'secrets.SAFE_MIGRATE_PASSPHRASE': 'correct horse battery staple',
      'inputs.backup': 'latest',
    };
    // What the workflows give; the world's own storage is not among it.
    const run = (file: string, runId: string, form: Readonly<Record<string, string>> = {}) =>
      world.migrate({
        inputs: { storage: 'artifact://', ...inputsOfExample(file, { ...values, ...form }) },
        env: { ...service.environment({ runId }), RUNNER_ENVIRONMENT: 'github-hosted' },
      });
    service.settings.permission = 'read';

    const before = await world.state();
    await using deployed = await run('deploy.yml', '1');
    expect(deployed.result.outputs, deployed.result.log).toMatchObject({
      result: 'migrated',
      'restore-proved': 'true',
    });
    expect(service.artifacts().map(({ name }) => name.split('~').at(-1))).toEqual([
      'database.dump.age',
      'details.json.age',
      'manifest.json',
    ]);
    await world.psql('DELETE FROM "Invoice"');
    await using look = await run('rollback.yml', '2', { 'inputs.dry-run': 'true', 'inputs.confirm': '' });
    expect(look.result.outputs, look.result.log).toMatchObject({ result: 'checked' });
    await using back = await run('rollback.yml', '3', {
      'inputs.dry-run': 'false',
      'inputs.confirm': world.database,
    });
    expect(back.result.outputs, back.result.log).toMatchObject({
      result: 'rolled-back',
      'backup-id': deployed.result.outputs['backup-id'],
    });
    expect(await world.state()).toEqual(before);

    // When its retention is over, GitHub has the names and no contents.
    for (const { name } of service.artifacts()) service.expire(name);
    await using late = await run('rollback.yml', '4', {
      'inputs.backup': deployed.result.outputs['backup-id'] ?? '',
      'inputs.dry-run': 'false',
      'inputs.confirm': world.database,
    });
    expect(late.result.outputs, late.result.log).toMatchObject({ result: 'refused' });
    expect((await readReport(late.result)).problems).toMatchObject([
      { code: 'SM_BACKUP_UNREADABLE', message: expect.stringMatching(/expired on \d{4}-\d\d-\d\d/) },
    ]);
    expect(await world.state()).toEqual(before);
  });

  it('nightly.yml, deploy-s3.yml, and a rollback that lists what both have stored', async () => {
    await using world = await createWorld({ pending });
    const values = {
      'secrets.DATABASE_URL': world.url,
      's3://applizor-backups/erp?region=eu-central-1': world.storageUrl,
    };
    const before = await world.state();
    await using nightly = await world.migrate({ inputs: inputsOfExample('nightly.yml', values) });
    expect(nightly.result.outputs, nightly.result.log).toMatchObject({
      result: 'backed-up',
      'restore-proved': 'true',
    });
    await using deployed = await world.migrate({ inputs: inputsOfExample('deploy-s3.yml', values) });
    expect(deployed.result.outputs, deployed.result.log).toMatchObject({ result: 'migrated' });

    const backup = nightly.result.outputs['backup-id'] ?? '';
    const rollback = { command: 'rollback', backup };
    await using look = await world.migrate({ inputs: { ...rollback, 'dry-run': 'true' } });
    expect(look.result.outputs, look.result.log).toMatchObject({ result: 'checked', 'backup-id': backup });
    const ids = [deployed, nightly].map(({ result }) => result.outputs['backup-id']);
    expect((await readReport(look.result)).storedBackups).toMatchObject(
      ids.map((id) => ({ id, proved: true, retention: null })),
    );
    for (const id of ids) expect(look.result.summary).toContain(`| \`${id}\` |`);
    await using back = await world.migrate({ inputs: { ...rollback, confirm: world.database } });
    expect(back.result.outputs, back.result.log).toMatchObject({
      result: 'rolled-back',
      'backup-id': backup,
    });
    expect(await world.state()).toEqual(before);
  });
});
