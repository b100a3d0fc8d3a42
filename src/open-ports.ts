import type { Ports } from './commands/context.ts';
import { openDatabase } from './database/postgres/database.ts';
import { parsePostgresUrl } from './database/postgres/url.ts';
import { secretsIn } from './database/postgres/url-secrets.ts';
import { loadParser } from './lint/parse-sql.ts';
import { openPrismaMigrator } from './prisma/prisma-migrator.ts';
import { openStorage } from './storage/open-storage.ts';
import { RefusedError } from './system/errors.ts';

/** The real outside world: the one place where stories and implementations are put together. */
export function openPorts(mask: (secret: string) => void): Ports {
  return {
    openStorage,
    loadParser,
    async openMigrator(settings, run, signal) {
      const migrator = await openPrismaMigrator({
        workingDirectory: settings.workingDirectory,
        schemaPath: settings.prismaSchema,
        configPath: settings.prismaConfig,
        databaseUrl: settings.databaseUrl,
        run: run.id,
        signal,
      });
      // Prisma may have found the URL where no input named it.
      for (const secret of secretsIn(migrator.url.reveal())) mask(secret);
      return migrator;
    },
    async openDatabase(url, directory) {
      const { target, problems } = parsePostgresUrl(url.reveal(), { directory });
      if (target === null) throw new RefusedError(problems, { phase: 'preflight' });
      return openDatabase(target);
    },
  };
}
