import { secretsIn } from '../../database/postgres/server/url-secrets.ts';
import { Secret } from '../../system/secret.ts';
import { readableText } from '../printed-text.ts';
import type { PrismaInstallation } from '../project/locate-prisma.ts';
import { type PrismaProject, runPrisma } from '../project/prisma-command.ts';
import { providerIn, type SchemaUrl, schemasIn, schemaUrlIn } from '../project/schema-url.ts';
import { openCaptureEngine } from './capture-engine.ts';
import { noConfigOption, notLoaded, notPostgres, tookTooLong } from './capture-refusals.ts';
import { listMigrations, textOf } from './list-migrations.ts';

/** What Migrate will really use, as Prisma itself worked it out from config, schema and environment. */
export interface CapturedProject {
  readonly url: Secret;
  /** Where the schema has that URL; null when a config has it. */
  readonly schemaUrl: SchemaUrl | null;
  /** Schemas of the database that the datasource names; empty when it names none. */
  readonly schemas: readonly string[];
  /** What a config names under `tables.external`: Migrate leaves these tables alone. */
  readonly externalTables: readonly string[];
  /** Absolute paths of the schema's files. */
  readonly schemaFiles: readonly string[];
  readonly migrationsDirectory: string;
  /** In the order in which Prisma applies them. */
  readonly migrationNames: readonly string[];
}

/** Loading a TypeScript config on a busy runner takes seconds, not minutes. */
const captureTimeoutMs = 120_000;
const keptOutputLength = 64 * 1024;

export interface CaptureRequest {
  readonly installation: PrismaInstallation;
  readonly project: PrismaProject;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/**
 * Asks Prisma which database and which migrations `migrate deploy` would work with, by running `migrate status`
 * with an engine that only listens. No database is connected to. A `prisma.config.ts` may compute its URL, and a
 * `.env` file may hold it, so neither DATABASE_URL nor the files of the project can answer this.
 *
 * Rejects with SM_PRISMA_CONFIG (config or schema cannot be loaded; Prisma's own words are the cause),
 * SM_PRISMA_PROJECT (nothing to migrate here), SM_PROVIDER (not PostgreSQL), SM_URL_PRISMA_PROXY.
 */
export async function captureProject(request: CaptureRequest): Promise<CapturedProject> {
  const { traits, version } = request.installation;
  if (request.project.configPath !== null && !traits.hasConfigOption) throw noConfigOption(version);
  await using engine = await openCaptureEngine();
  const timeout = AbortSignal.timeout(request.timeoutMs ?? captureTimeoutMs);
  let printed = '';
  await runPrisma({
    installation: request.installation,
    project: request.project,
    command: ['migrate', 'status'],
    env: {
      // Up to 6 the CLI looks for a query engine, or downloads one, before it does anything. It never starts it here.
      ...(traits.needsQueryEngine ? { PRISMA_QUERY_ENGINE_LIBRARY: engine.path } : {}),
      ...request.env,
      PRISMA_SCHEMA_ENGINE_BINARY: engine.path,
    },
    signal: AbortSignal.any([request.signal, timeout]),
    onOutput: (text) => {
      printed = (printed + text).slice(-keptOutputLength);
    },
  });
  request.signal.throwIfAborted();
  if (timeout.aborted) throw tookTooLong(request.project, captureTimeoutMs);

  const captured = engine.captured();
  const said = readableText(printed, secretsIn(request.env.DATABASE_URL ?? '')).trim();
  if (captured.url === null) throw notLoaded(said, request.project, request.env.DATABASE_URL ?? '');
  const migrations =
    captured.migrations === null && captured.migrationsDirectory !== null
      ? listMigrations(request.project.checkout, captured.migrationsDirectory)
      : captured.migrations;
  const texts = captured.schemaFiles.map((path) => textOf(request.project.checkout, path) ?? '');
  // The lock file's provider counts as well: Prisma refuses with P3019 where it differs from the schema's.
  const providers = [providerIn(texts), lockedProvider(migrations?.lockfile.content ?? '')];
  const otherProvider = providers.find((provider) => provider !== null && !/^postgres(ql)?$/.test(provider));
  if (otherProvider !== undefined && otherProvider !== null) throw notPostgres(otherProvider);
  if (migrations === null) throw notLoaded(said, request.project, request.env.DATABASE_URL ?? '');
  return {
    url: new Secret(captured.url),
    schemaUrl: captured.urlIsHandedOver ? null : schemaUrlIn(texts),
    schemas: schemasIn(texts),
    externalTables: captured.externalTables,
    schemaFiles: captured.schemaFiles,
    migrationsDirectory: migrations.baseDir,
    migrationNames: migrations.migrationDirectories.map(({ path }) => path),
  };
}

function lockedProvider(lockFile: string): string | null {
  return /^\s*provider\s*=\s*"([^"]*)"/m.exec(lockFile)?.[1] ?? null;
}
