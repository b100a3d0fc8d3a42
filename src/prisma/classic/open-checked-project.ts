import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parsePostgresUrl } from '../../database/postgres/server/url.ts';
import { secretsIn } from '../../database/postgres/server/url-secrets.ts';
import { RefusedError, SafeMigrateError } from '../../system/errors.ts';
import { Secret } from '../../system/secret.ts';
import type { CapturedProject } from '../capture/capture-project.ts';
import { captureWithUrl } from '../capture/capture-with-url.ts';
import { refuseOddFiles } from '../capture/odd-files.ts';
import type { CheckedProject, Replay } from '../checked-project.ts';
import { deployMigrations } from '../cli/deploy.ts';
import { PrintedTextFilter, readableText } from '../printed-text.ts';
import { locatePrisma, type PrismaInstallation } from '../project/locate-prisma.ts';
import { type PrismaProject, prismaEnvironment, runPrisma } from '../project/prisma-command.ts';
import { makeScratchProject, scratchUrlVariable, shadowUrlVariable } from '../project/scratch-project.ts';
import { type DiffSide, diffArguments } from '../project/version-traits.ts';

/** Stands in for DATABASE_URL where the job has none: Prisma only names it, nothing connects to it. */
const placeholderUrl = 'postgresql://none:none@127.0.0.1:9/none';
const applicationName = 'safe-migrate check';
const statusTimeoutMs = 60_000;
/** What the script says when both sides are the same. */
const emptyScript = '-- This is an empty migration.';
const keptOutputLength = 64 * 1024;

/**
 * Opens the project for `check`: located, and asked what it would migrate. Works without a URL too. Rejects as
 * captureProject and locatePrisma do, and with SM_URL_MISMATCH when Prisma would use another database than
 * `databaseUrl` names. Nothing is connected to.
 */
export async function openCheckedProject(
  options: PrismaProject & { readonly databaseUrl: Secret | null; readonly signal: AbortSignal },
): Promise<CheckedProject> {
  const { workingDirectory, schemaPath, configPath, checkout, databaseUrl } = options;
  const installation = await locatePrisma(workingDirectory);
  const project: PrismaProject = { workingDirectory, schemaPath, configPath, checkout };
  await refuseOddFiles(project);
  const given = databaseUrl ?? new Secret(placeholderUrl);
  const { captured, env, problems } = await captureWithUrl({
    installation,
    project,
    env: prismaEnvironment(given, applicationName),
    databaseUrl: given,
    signal: options.signal,
  });
  // A config may add parameters of its own to the URL that it was given.
  const hasUrl = !captured.url.reveal().startsWith(placeholderUrl);
  if (databaseUrl !== null && problems.length > 0) throw new RefusedError(problems);
  const secrets = [captured.url, databaseUrl].flatMap((url) => (url === null ? [] : secretsIn(url.reveal())));
  const { target } = parsePostgresUrl(captured.url.reveal(), { directory: workingDirectory });
  const userSchema = schemaPath ?? schemaPathOf(captured.schemaFiles);
  return {
    version: installation.version,
    url: hasUrl ? captured.url : null,
    historySchema: target?.schema ?? 'public',
    ownTables: { schemas: captured.schemas, external: captured.externalTables },
    schemaPath: userSchema,
    migrationsDirectory: captured.migrationsDirectory,
    migrationNames: captured.migrationNames,
    checkout,
    status: (signal) => readStatus({ installation, project, env, secrets, signal }),
    replay: (scratch, names, signal) =>
      replay({ installation, env, source: { ...captured, checkout }, names, scratch, secrets, signal }),
    missingMigration: async (replayed, signal) => {
      await using scratch = await makeScratchProject(installation.traits, {
        ...captured,
        checkout,
        names: [],
      });
      const urls = { [scratchUrlVariable]: replayed.reveal() };
      return await diff({
        installation,
        project: scratch,
        env: { ...env, ...urls },
        from: { kind: 'database', schemaPath: scratch.schemaPath },
        to: { kind: 'schema', schemaPath: userSchema },
        signal,
      });
    },
    // A shadow database that only an option can name would show its password to every process of the machine.
    driftReplays: installation.traits.diff.shadowDatabase === 'config',
    driftScript: async ({ target: url, names, replayed, shadow }, signal) => {
      await using from = await makeScratchProject(installation.traits, { ...captured, checkout, names });
      await using to = await makeScratchProject(installation.traits, { ...captured, checkout, names: [] });
      const shadowIsConfigured = installation.traits.diff.shadowDatabase === 'config';
      const second = shadowIsConfigured ? shadow : replayed;
      if (second === null) throw new TypeError('the database that the target is compared with is missing');
      const urls = { [scratchUrlVariable]: url.reveal(), [shadowUrlVariable]: second.reveal() };
      const difference = await diff({
        installation,
        project: from,
        env: { ...env, ...urls },
        from: { kind: 'database', schemaPath: from.schemaPath },
        to: shadowIsConfigured
          ? { kind: 'migrations', directory: from.migrationsDirectory }
          : { kind: 'database', schemaPath: await secondSource(to) },
        signal,
      });
      return difference ?? '';
    },
  };
}

/** Up to 6 both sides are schemas that name their URL by a variable: the second one names another variable. */
async function secondSource(project: { readonly schemaPath: string }): Promise<string> {
  const text = await readFile(project.schemaPath, 'utf8');
  await writeFile(project.schemaPath, text.replace(scratchUrlVariable, shadowUrlVariable));
  return project.schemaPath;
}

/** The file, or of several the folder that holds them all. */
function schemaPathOf(files: readonly string[]): string {
  const [first, ...more] = files.toSorted((a, b) => dirname(a).length - dirname(b).length);
  if (first === undefined) throw new TypeError('Prisma named no schema file');
  return more.length === 0 ? first : dirname(first);
}

interface Call {
  readonly installation: PrismaInstallation;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

async function readStatus(
  call: Call & { readonly project: PrismaProject; readonly secrets: readonly string[] },
): Promise<string> {
  const filter = new PrintedTextFilter(call.secrets);
  let text = '';
  await runPrisma({
    installation: call.installation,
    project: call.project,
    command: ['migrate', 'status'],
    env: call.env,
    signal: AbortSignal.any([call.signal, AbortSignal.timeout(statusTimeoutMs)]),
    onOutput: (chunk) => {
      text = (text + filter.add(chunk)).slice(-keptOutputLength);
    },
  });
  return readableText(text + filter.end()).trim();
}

async function replay(
  call: Call & {
    readonly source: Pick<CapturedProject, 'migrationsDirectory' | 'schemas'> &
      Pick<PrismaProject, 'checkout'>;
    readonly names: readonly string[];
    readonly scratch: Secret;
    readonly secrets: readonly string[];
  },
): Promise<Replay> {
  const { installation, signal } = call;
  await using project = await makeScratchProject(installation.traits, { ...call.source, names: call.names });
  const deployed = await deployMigrations({
    installation,
    project,
    env: { ...call.env, [scratchUrlVariable]: call.scratch.reveal() },
    secrets: [...call.secrets, ...secretsIn(call.scratch.reveal())],
    log: { output: () => {} },
    signal,
  });
  signal.throwIfAborted();
  if (deployed.exitCode === 0) return { isWhole: true };
  const output = readableText(deployed.output);
  return {
    isWhole: false,
    migration: /^Migration name: (.*)$/m.exec(output)?.[1] ?? null,
    message:
      /^Database error:\s*\n(?:ERROR: )?(.*)$/m.exec(output)?.[1] ??
      /^(?:Error: )?(P\d{4}.*(?:\n\n?.+)?)/m.exec(output)?.[1] ??
      `prisma ended with exit code ${deployed.exitCode}`,
  };
}

/**
 * `migrate diff --script`; null when both sides are the same. The script is taken from a file: the CLI was seen to exit 0
 * and to say nothing when its engine had died (7.10.1), and then there is no file.
 */
async function diff(
  call: Call & { readonly project: PrismaProject; readonly from: DiffSide; readonly to: DiffSide },
): Promise<string | null> {
  const { workingDirectory } = call.project;
  const output = join(workingDirectory, 'difference.sql');
  let printed = '';
  const exit = await runPrisma({
    installation: call.installation,
    // `migrate diff` takes its schema from the arguments of its two sides.
    project: { ...call.project, schemaPath: null },
    command: [
      ...diffArguments(call.installation.version, call.from, call.to),
      '--script',
      '--output',
      output,
    ],
    env: call.env,
    signal: call.signal,
    onOutput: (text) => {
      printed = (printed + text).slice(-keptOutputLength);
    },
  });
  call.signal.throwIfAborted();
  const script = await readFile(output, 'utf8').catch(() => null);
  if (exit.exitCode === 0 && script !== null) return script.trim() === emptyScript ? null : script.trim();
  const said = readableText(
    printed,
    Object.values(call.env).flatMap((value) => (/^postgres/.test(value) ? secretsIn(value) : [])),
  );
  throw new SafeMigrateError({
    code: 'SM_PRISMA_DIFF',
    message: `prisma migrate diff failed (exit code ${exit.exitCode}): ${reasonIn(said)}`,
    hint: 'Run npx prisma validate in the project.',
    docs: 'check.md',
    cause: new Error(said),
  });
}

/** From the first line that speaks of an error on, on one line. */
function reasonIn(said: string): string {
  const start = said.search(/^.*error/im);
  return (start < 0 ? said : said.slice(start)).replaceAll(/\s+/g, ' ').trim().slice(0, 400);
}
