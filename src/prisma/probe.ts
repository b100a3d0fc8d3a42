import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RefusedError, SafeMigrateError } from '../system/errors.ts';
import type { Secret } from '../system/secret.ts';
import { captureProject } from './capture-project.ts';
import { comparePrismaUrl } from './compare-url.ts';
import { deployMigrations } from './deploy.ts';
import type { PrismaInstallation } from './locate-prisma.ts';
import type { DeployResult } from './migrator.ts';

/** Two statements of which the second fails: the table stays if and only if they were sent one by one. */
export const probeScript = 'CREATE TABLE "safe_migrate_probe" (id int);\nSELECT 1/0;\n';

/** Must not resolve any module of its own: it stands in a folder without node_modules. */
const probeConfig = (directory: string): string => `export default {
  schema: ${JSON.stringify(join(directory, 'schema.prisma'))},
  migrations: { path: ${JSON.stringify(join(directory, 'migrations'))} },
  datasource: { url: process.env.SAFE_MIGRATE_PROBE_URL },
};
`;

/**
 * Runs a migration that must fail against `probeUrl`, with the project's Prisma and a project of our own, so that no
 * config of the user's can lead it elsewhere; that Prisma really goes there is asked of it first.
 * Rejects with SafeMigrateErrors only. Afterwards `"safe_migrate_probe"` is in that database if this Prisma sends a script statement by statement.
 */
export async function deployProbe(request: {
  readonly installation: PrismaInstallation;
  readonly env: Readonly<Record<string, string>>;
  readonly probeUrl: Secret;
  readonly secrets: readonly string[];
  readonly signal: AbortSignal;
}): Promise<DeployResult> {
  const directory = await mkdtemp(join(tmpdir(), 'safe-migrate-probe-'));
  try {
    const configPath = join(directory, 'prisma.config.mjs');
    const schemaPath = join(directory, 'schema.prisma');
    const migration = join(directory, 'migrations', '00000000000000_safe_migrate_probe');
    await mkdir(migration, { recursive: true });
    await writeFile(configPath, probeConfig(directory));
    await writeFile(schemaPath, 'datasource db {\n  provider = "postgresql"\n}\n');
    await writeFile(join(directory, 'migrations', 'migration_lock.toml'), 'provider = "postgresql"\n');
    await writeFile(join(migration, 'migration.sql'), probeScript);

    const call = {
      installation: request.installation,
      project: { workingDirectory: directory, schemaPath, configPath },
      env: { ...request.env, SAFE_MIGRATE_PROBE_URL: request.probeUrl.reveal() },
      signal: request.signal,
    };
    const { url } = await captureProject(call);
    const problems = comparePrismaUrl(request.probeUrl, url, directory);
    if (problems.length > 0) throw new RefusedError(problems);
    return await deployMigrations({ ...call, secrets: request.secrets, log: { output: () => {} } });
  } catch (cause) {
    // Whoever measures goes on without the answer; an abort by its time limit is no more than that.
    if (cause instanceof SafeMigrateError) throw cause;
    throw new SafeMigrateError({
      code: 'SM_PROBE_FAILED',
      message: `how this Prisma sends a script could not be measured: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'The backup is used instead; nothing has to be done.',
      docs: 'prisma.md',
      cause,
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
