import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ArtifactService, startArtifactService } from '../support/artifact-service.ts';
import { addQuotations } from '../support/erp.ts';
import { createWorld, type World } from '../support/world.ts';

/** The real artifact client, in the bundle, against a loopback service. */
describe('backups in artifacts', () => {
  let service: ArtifactService;
  let world: World;
  beforeAll(async () => {
    service = await startArtifactService();
    world = await createWorld({ pending: { '20260103000000_next': addQuotations } });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await service?.[Symbol.asyncDispose]();
  });

  test('are refused without encryption, with the command that makes a passphrase', async () => {
    const before = await world.state();
    await using run = await world.migrate({
      inputs: { storage: '' },
      env: service.environment({ runId: '1' }),
    });
    expect(run.result.outputs.result).toBe('refused');
    expect(run.result.log).toContain('everybody who can read applizor/erp can download its artifacts');
    expect(run.result.log).toMatch(/HINT: .*openssl rand -base64 32 .*gh secret set SAFE_MIGRATE_PASSPHRASE/);
    expect(await world.state()).toEqual(before);
    expect(service.artifacts()).toEqual([]);
  });

  test('of a run whose upload fails are taken back, and nothing is migrated', async () => {
    const before = await world.state();
    service.faultOf = (operation) => (operation === 'FinalizeArtifact' ? { status: 400 } : undefined);
    await using run = await world.migrate({
      inputs: { storage: `${world.storageUrl}\nartifact://?plaintext=allow` },
      env: service.environment({ runId: '3' }),
    });
    service.faultOf = () => undefined;
    expect(run.result.outputs.result).toBe('refused');
    expect(run.result.log).toContain('sm_storage_failed');
    expect(await world.state()).toEqual(before);
    expect(service.artifacts()).toEqual([]);
    expect((await world.stored()).size).toBe(0);
    expect(await world.copies()).toEqual([]);
  });

  test('are made beside another storage, and each one is told of', async () => {
    await using run = await world.migrate({
      inputs: { storage: `artifact://?plaintext=allow\n${world.storageUrl}`, 'retention-days': '200' },
      env: service.environment({ runId: '2', attempt: 3 }),
      watchProcesses: true,
    });
    const { result } = run;
    expect(result.outputs.result, result.log).toBe('migrated');
    const id = result.outputs['backup-id'];
    const names = service.artifacts().map(({ name }) => name);
    expect(names).toEqual([
      `safe-migrate~2-3~${world.database}~${id}~database.dump`,
      `safe-migrate~2-3~${world.database}~${id}~details.json`,
      `safe-migrate~2-3~${world.database}~${id}~manifest.json`,
    ]);
    const [, inBucket] = [...(await world.stored())].find(([key]) => key.endsWith('database.dump')) ?? [];
    expect(service.artifacts()[0]?.content.equals(inBucket ?? Buffer.alloc(0))).toBe(true);
    expect(JSON.parse(result.outputs['backup-locations'] ?? '')).toEqual([
      `artifact://applizor/erp/${world.database}/${id}`,
      `${world.storageUrl.replace(/\?.*/, '')}/${world.database}/${id}`,
    ]);
    expect(result.log).toContain('keeps artifacts for 90 days at most, not for 200');
    expect(result.summary).toContain('kept for 90 days only');
    // What the client prints about every block stays with the client.
    expect(result.rawLog).not.toMatch(/Uploaded bytes|Finalizing|Artifact name is valid/);
    // The job's token is for nobody else.
    const token = service.environment({ runId: '2' }).ACTIONS_RUNTIME_TOKEN ?? '?';
    expect(result.rawLog).not.toContain(token.split('.')[1]);
    expect(result.processes.length).toBeGreaterThan(0);
    for (const sight of result.processes) {
      expect(JSON.stringify(sight)).not.toContain('ACTIONS_RUNTIME_TOKEN');
    }
  });

  test('of one run are what a rollback of another run goes back to, encrypted on the way', async () => {
    await using own = await startArtifactService();
    await using place = await createWorld({
      rows: `INSERT INTO "Note" ("text") VALUES ('canary-7f3a91');`,
    });
    const encryption = { 'encryption-passphrase': 'correct horse battery staple' };
    const before = await place.state();
    await using made = await place.migrate({
      inputs: { command: 'backup', storage: 'artifact://', ...encryption },
      env: own.environment({ runId: '10' }),
    });
    expect(made.result.outputs, made.result.log).toMatchObject({ result: 'backed-up' });
    for (const { content } of own.artifacts()) expect(content.includes('canary-7f3a91')).toBe(false);
    await place.psql('DELETE FROM "Note"');

    const rollback = (inputs: Record<string, string>) =>
      place.migrate({
        inputs: { command: 'rollback', storage: 'artifact://', confirm: place.database, ...inputs },
        env: own.environment({ runId: '11' }),
      });
    await using wrong = await rollback({ 'encryption-passphrase': 'something else entirely' });
    expect(wrong.result.outputs, wrong.result.log).toMatchObject({ result: 'refused' });
    // A bad night: every question fails once, every content breaks off once.
    const asked = new Map<string, number>();
    own.faultOf = (operation) => {
      asked.set(operation, (asked.get(operation) ?? 0) + 1);
      if ((asked.get(operation) ?? 0) % 2 === 0) return undefined;
      if (operation === 'GetBlob') return { cutAfterBytes: 10 };
      return operation.startsWith('GET ') ? { status: 500 } : undefined;
    };
    await using back = await rollback(encryption);
    own.faultOf = () => undefined;
    expect(back.result.log).toMatch(/database\.dump\.age in artifact:\S+ broke off and is read anew/);
    expect(back.result.outputs, back.result.log).toMatchObject({
      result: 'rolled-back',
      'backup-id': made.result.outputs['backup-id'],
    });
    expect(await place.state()).toEqual(before);
    for (const run of [made, back]) {
      const written = [...(await run.filesWritten()).entries()];
      for (const secret of ['canary-7f3a91', encryption['encryption-passphrase']]) {
        expect(written.filter(([, content]) => content.includes(secret))).toEqual([]);
        expect(run.result.rawLog).not.toContain(secret);
      }
    }
  });
});
