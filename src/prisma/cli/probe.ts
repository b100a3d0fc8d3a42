import { RefusedError, SafeMigrateError } from '../../system/errors.ts';
import type { Secret } from '../../system/secret.ts';
import { captureProject } from '../capture/capture-project.ts';
import type { DeployResult } from '../migrator.ts';
import { comparePrismaUrl } from '../project/compare-url.ts';
import type { PrismaInstallation } from '../project/locate-prisma.ts';
import { makeScratchProject, scratchUrlVariable } from '../project/scratch-project.ts';
import { deployMigrations } from './deploy.ts';

/** Two statements of which the second fails: the table stays if and only if they were sent one by one. */
const probeScript = 'CREATE TABLE "safe_migrate_probe" (id int);\nSELECT 1/0;\n';

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
  try {
    await using project = await makeScratchProject(request.installation.traits);
    await project.writeMigration('00000000000000_safe_migrate_probe', probeScript);
    const call = {
      installation: request.installation,
      project,
      env: { ...request.env, [scratchUrlVariable]: request.probeUrl.reveal() },
      signal: request.signal,
    };
    const { url } = await captureProject(call);
    const problems = comparePrismaUrl(request.probeUrl, url, project.workingDirectory);
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
  }
}
