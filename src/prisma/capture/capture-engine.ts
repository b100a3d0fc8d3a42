import { chmod, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { makeTemporaryFolder, unusableTmpdir } from '../../system/temporary-folder.ts';

const migrationsList = z.object({
  baseDir: z.string(),
  lockfile: z.object({ content: z.string().nullable() }),
  /** In the order in which Prisma applies them. */
  migrationDirectories: z.array(z.object({ path: z.string() })),
});
const datasourceArgument = z.object({ url: z.string() });
const message = z.union([
  z.object({ argv: z.array(z.string()) }),
  z.object({ migrations: migrationsList, externalTables: z.array(z.string()) }),
  z.object({ migrationsDirectory: z.string() }),
]);
type Message = z.output<typeof message>;

export type MigrationsList = z.output<typeof migrationsList>;

/** What Prisma handed to its engine. */
interface CapturedCall {
  readonly url: string | null;
  /** The URL was handed to the engine, as a config's is; otherwise the engine reads the schema's by itself. */
  readonly urlIsHandedOver: boolean;
  /** Absolute paths of the schema's files; empty when Prisma did not get that far. */
  readonly schemaFiles: readonly string[];
  readonly migrations: MigrationsList | null;
  /** `filters.externalTables`, which versions with `tables.external` send. */
  readonly externalTables: readonly string[];
  /** Where the engine was told to look for migrations, by versions that do not list them. */
  readonly migrationsDirectory: string | null;
}

/** A schema engine that only listens: it connects to no database and tells us what Prisma asked of it. */
interface CaptureEngine extends AsyncDisposable {
  /** For PRISMA_SCHEMA_ENGINE_BINARY. */
  readonly path: string;
  captured(): CapturedCall;
}

/**
 * Runs as PRISMA_SCHEMA_ENGINE_BINARY. It hands its arguments and the first requests to our socket, so the URL is
 * never on disk, and answers as if the database were up to date, which makes `prisma migrate status` end at once.
 * Arguments and requests as measured on 5.0 to 7.10: `cli --datasource URL can-connect-to-database` up to 6,
 * `--datasource JSON cli …` from 7 on; then `-d FILE` or `--datamodels FILE` for each file of the schema, with
 * `--datasource JSON` where a config has the URL, and JSON-RPC on stdin whose `diagnoseMigrationHistory` carries the
 * migrations (5.0 to 6.5: only the path of their folder).
 */
const engineScript = `'use strict';
const { connect } = require('node:net');
const { createInterface } = require('node:readline');
const socket = connect(require('node:path').join(__dirname, 'socket'));
const waiting = [];
// Prisma ends us as soon as it is answered, so it is answered only when we were heard.
const tell = (value, heard) => {
  waiting.push(heard);
  socket.write(JSON.stringify(value) + '\\n');
};
createInterface({ input: socket }).on('line', () => waiting.shift()());
if (process.argv.includes('cli')) tell({ argv: process.argv.slice(2) }, () => process.exit(0));
else {
  tell({ argv: process.argv.slice(2) }, () => {});
  const result = { hasMigrationsTable: true, history: null, failedMigrationNames: [], editedMigrationNames: [], migrations: [] };
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const { id, params } = JSON.parse(line);
      const answer = () => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
      if (params !== undefined && params.migrationsDirectoryPath !== undefined) {
        return tell({ migrationsDirectory: params.migrationsDirectoryPath }, answer);
      }
      if (params === undefined || params.migrationsList === undefined) return answer();
      const { baseDir, lockfile, migrationDirectories } = params.migrationsList;
      const names = migrationDirectories.map(({ path }) => ({ path }));
      const externalTables = params.filters?.externalTables ?? [];
      tell({ migrations: { baseDir, lockfile, migrationDirectories: names }, externalTables }, answer);
    })
    .on('close', () => process.exit(0));
}
`;

/** Makes the engine in a folder that only this user can enter. Disposing removes it. */
export async function openCaptureEngine(): Promise<CaptureEngine> {
  // Not the runner's own temporary folder: a socket's path is limited to some 100 bytes.
  const directory = await makeTemporaryFolder('safe-migrate-');
  const messages: Message[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    createInterface({ input: socket }).on('line', (line) => {
      const parsed = parseMessage(line);
      if (parsed !== null) messages.push(parsed);
      socket.write('heard\n');
    });
  });
  const closeServer = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  try {
    await chmod(directory, 0o700);
    const path = join(directory, 'schema-engine');
    const scriptPath = join(directory, 'capture.cjs');
    await writeFile(scriptPath, engineScript, { mode: 0o600 });
    await writeFile(path, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(scriptPath)} "$@"\n`, {
      mode: 0o700,
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(unusableTmpdir(error)));
      server.listen(join(directory, 'socket'), resolve);
    });
    return {
      path,
      captured: () => summarise(messages),
      async [Symbol.asyncDispose]() {
        await closeServer();
        await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await closeServer();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** null for what a Prisma that we do not know may send: what is missing shows in the summary. */
function parseMessage(line: string): Message | null {
  try {
    return message.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

function summarise(messages: readonly Message[]): CapturedCall {
  const argumentLists = messages.flatMap((each) => ('argv' in each ? [each.argv] : []));
  const datasource = argumentLists.flatMap((argv) => valuesOf(argv, ['--datasource'])).at(-1);
  const served = argumentLists.filter((argv) => !argv.includes('cli'));
  return {
    url: datasource === undefined ? null : urlIn(datasource),
    urlIsHandedOver: served.some((argv) => valuesOf(argv, ['--datasource']).length > 0),
    schemaFiles: argumentLists.flatMap((argv) => valuesOf(argv, ['--datamodels', '-d'])),
    migrations: messages.flatMap((each) => ('migrations' in each ? [each.migrations] : [])).at(-1) ?? null,
    externalTables:
      messages.flatMap((each) => ('externalTables' in each ? [each.externalTables] : [])).at(-1) ?? [],
    migrationsDirectory:
      messages.flatMap((each) => ('migrationsDirectory' in each ? [each.migrationsDirectory] : [])).at(-1) ??
      null,
  };
}

/** A URL, or a JSON object that holds it. */
function urlIn(datasource: string): string | null {
  if (!datasource.startsWith('{')) return datasource;
  try {
    return datasourceArgument.parse(JSON.parse(datasource)).url;
  } catch {
    return null;
  }
}

function valuesOf(argv: readonly string[], names: readonly string[]): string[] {
  return argv.flatMap((argument, index) => (names.includes(argument) ? (argv[index + 1] ?? []) : []));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
