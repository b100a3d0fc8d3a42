import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StartedDocker, startDocker } from '../support/docker.ts';
import { addQuotations } from '../support/erp.ts';
import { machineImage, machineMounts } from '../support/machine-image.ts';
import { startPostgres } from '../support/postgres.ts';
import { prismaEngineEnv } from '../support/prisma-engine/prisma-engine.ts';
import { expectRefused } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const name = '20260103000000_add_quotations';
const pending = { [name]: addQuotations };

/** Prisma lives in the application's image, and the job makes a container of it. */
let engine: StartedDocker;
beforeAll(async () => {
  engine = await startDocker();
});
afterAll(() => engine?.[Symbol.asyncDispose]());

/** `docker run` of the application; `entrypoint` is a script of its image. */
async function dockerRun(
  world: World,
  { url, entrypoint }: { readonly url: string; readonly entrypoint: string },
): Promise<string> {
  const script = join(world.project.directory, 'entrypoint.sh');
  await writeFile(script, `#!/bin/sh\n${entrypoint}\n`);
  await chmod(script, 0o755);
  const environment = { ...prismaEngineEnv(world.engineMode), DATABASE_URL: url, HOME: '/tmp' };
  return [
    'docker run --rm --network=host --tmpfs=/tmp:mode=1777',
    ...machineMounts,
    ...[root, world.folder].map((folder) => `--volume=${folder}:${folder}`),
    ...Object.entries(environment).map(([variable, value]) => `--env='${variable}=${value}'`),
    `--workdir=${world.project.directory} --entrypoint=${script} ${machineImage}`,
    `${process.execPath} node_modules/prisma/build/index.js migrate deploy`,
  ].join(' ');
}

describe('migrate-command in a new container', () => {
  it('migrates, led to the database that was backed up', async () => {
    await using world = await createWorld({ pending });
    const command = await dockerRun(world, { url: world.url, entrypoint: 'exec "$@"' });
    await using run = await world.migrate({
      inputs: { 'migrate-command': command },
      env: engine.environment,
    });
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'migrated' });
    expect(run.result.log).toContain('the migrator was led to the database that is backed up');
    expect(await engine.docker('ps', '--all', '--quiet')).toBe('');
  });

  it('is refused when it leads to another server: both are named', async () => {
    await using world = await createWorld({ pending });
    await using other = await startPostgres();
    const password = new URL(world.url).password;
    await other.createRole(world.user, { password });
    await other.createDatabase(world.database, world.user);
    const url = other.url({ database: world.database, user: world.user, password });
    const command = await dockerRun(world, { url, entrypoint: 'exec "$@"' });
    const { report } = await expectRefused(
      world,
      { inputs: { 'migrate-command': command }, env: engine.environment },
      ['SM_OTHER_SERVER'],
    );
    expect(report.problems[0]?.message.match(/running since/g)).toHaveLength(2);
  });

  it('is refused when its entrypoint migrates unasked, before that could begin: there is no backup yet', async () => {
    await using world = await createWorld({ pending });
    const entrypoint = `${process.execPath} node_modules/prisma/build/index.js migrate deploy\nexec "$@"`;
    const command = await dockerRun(world, { url: world.url, entrypoint });
    const { report } = await expectRefused(
      world,
      { inputs: { 'migrate-command': command }, env: engine.environment },
      ['SM_MIGRATOR_BUSY'],
    );
    expect(report.problems[0]?.message).toContain("the entrypoint of migrate-command's own container");
    // A shell that is a container's first process does not hear SIGTERM: it must be gone all the same.
    expect(await engine.docker('ps', '--quiet')).toBe('');
    await sleep(3_000);
    expect(
      await world.psql(`SELECT count(*) FROM "_prisma_migrations" WHERE migration_name = '${name}'`),
    ).toBe('0');
  });
});
