import { join } from 'node:path';
import type { Ports } from './commands/shared/context.ts';
import type { BackupMaking, ToolSettings } from './commands/shared/settings.ts';
import type { ToolPlaces } from './database/postgres/connect/connect.ts';
import { openDatabase } from './database/postgres/database.ts';
import { openScratchServer } from './database/postgres/drift/scratch-server.ts';
import { type ConnectionTarget, parsePostgresUrl } from './database/postgres/server/url.ts';
import { secretsIn } from './database/postgres/server/url-secrets.ts';
import { readBaseBranch } from './git/base-branch.ts';
import { loadParser } from './lint/parse-sql.ts';
import { openCheckedProject } from './prisma/classic/open-checked-project.ts';
import { openPrismaMigrator } from './prisma/classic/prisma-migrator.ts';
import { openCommandMigrator } from './prisma/command/command-migrator.ts';
import type { ArtifactAccess } from './storage/artifact/artifact-access.ts';
import { openStorage } from './storage/open-storage.ts';
import { Checkout } from './system/checkout.ts';
import { RefusedError } from './system/errors.ts';
import type { Secret } from './system/secret.ts';
import { runShellCommand } from './system/shell-command.ts';

/** The real outside world: the one place where stories and implementations are put together. */
export function openPorts(
  mask: (secret: string) => void,
  artifacts: ArtifactAccess,
  /** Folders whose files a project may consist of. */
  roots: readonly string[],
): Ports {
  const checkoutOf = (project: Pick<BackupMaking, 'prismaSchema' | 'prismaConfig' | 'workingDirectory'>) =>
    new Checkout(roots, [
      // Where they lie elsewhere by their own paths, the workflow itself says so.
      project.prismaSchema,
      project.prismaConfig,
      join(project.workingDirectory, 'package.json'),
    ]);
  return {
    openStorage: (url, use) => openStorage(url, use, artifacts),
    loadParser,
    runShellCommand,
    readBaseBranch,
    async openCheckedProject(settings, signal) {
      const project = await openCheckedProject({
        workingDirectory: settings.workingDirectory,
        schemaPath: settings.prismaSchema,
        configPath: settings.prismaConfig,
        checkout: checkoutOf(settings),
        databaseUrl: settings.databaseUrl,
        signal,
      });
      for (const secret of secretsIn(project.url?.reveal() ?? '')) mask(secret);
      return project;
    },
    async openScratchServer(url, settings, run, warn) {
      const places = { ...placesOf(settings), container: null };
      return openScratchServer(targetOf(url, settings.workingDirectory), places, run, warn);
    },
    async openMigrator(settings, run, signal) {
      const options = {
        workingDirectory: settings.workingDirectory,
        schemaPath: settings.prismaSchema,
        configPath: settings.prismaConfig,
        checkout: checkoutOf(settings),
        databaseUrl: settings.databaseUrl,
        run: run.id,
        signal,
      };
      const command = settings.command === 'migrate' ? settings.migrateCommand : null;
      const migrator =
        command === null
          ? await openPrismaMigrator(options)
          : await openCommandMigrator({ ...options, command });
      // Prisma may have found the URL where no input named it.
      for (const secret of secretsIn(migrator.url.reveal())) mask(secret);
      return migrator;
    },
    addressOf: (url, directory) => targetOf(url, directory).address,
    openDatabase: async (url, settings, options = {}) =>
      openDatabase(targetOf(url, settings.workingDirectory), { ...placesOf(settings), ...options }),
  };
}

/** Throws RefusedError with all that is wrong with the URL. */
function targetOf(url: Secret, directory: string): ConnectionTarget {
  const { target, problems } = parsePostgresUrl(url.reveal(), { directory });
  if (target === null) throw new RefusedError(problems, { phase: 'preflight' });
  return target;
}

function placesOf({ container, clientImage, workingDirectory }: ToolSettings): ToolPlaces {
  return { container, clientImage, directory: workingDirectory };
}
