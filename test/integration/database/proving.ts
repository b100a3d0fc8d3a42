import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseProperties, Fallback, Fingerprint } from '../../../src/database/database.ts';
import { openSnapshot } from '../../../src/database/postgres/archive/snapshot.ts';
import { connectServer } from '../../../src/database/postgres/connect/connect.ts';
import { copyName } from '../../../src/database/postgres/copy/copy-name.ts';
import { readProperties } from '../../../src/database/postgres/copy/properties.ts';
import { restoreBeside } from '../../../src/database/postgres/prove/restore-beside.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import type { PhaseLog } from '../../../src/report/run-log.ts';

/** The server behind a Prisma URL, as the action itself reaches it. */
export async function serverOf(url: string): Promise<PostgresServer> {
  const { target, problems } = parsePostgresUrl(url);
  if (target === null) throw new Error(problems.map((problem) => problem.message).join('; '));
  return connectServer(target);
}

export interface Backup extends AsyncDisposable {
  readonly dumpPath: string;
  readonly fingerprint: Fingerprint;
  readonly schemaText: string;
  readonly properties: DatabaseProperties;
}

/** Dumps and reads the target in one snapshot, as the dump phase does; the file goes with the scope. */
export async function takeBackup(server: PostgresServer): Promise<Backup> {
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-prove-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const dumpPath = join(folder, 'database.dump');
    const { signal } = new AbortController();
    await using snapshot = await openSnapshot(server);
    const [fingerprint, schemaText] = await Promise.all([
      snapshot.fingerprint(2, signal),
      snapshot.schemaText(signal),
      snapshot.dump(createWriteStream(dumpPath), signal),
    ]);
    const properties = await propertiesOf(server, server.address.database);
    return { dumpPath, fingerprint, schemaText, properties, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

export async function propertiesOf(server: PostgresServer, database: string): Promise<DatabaseProperties> {
  await using session = await server.connect(server.address.database);
  return await readProperties(session, database);
}

/** Restores a backup beside the target; `changes` replace what is expected or asked for. */
export async function prove(
  server: PostgresServer,
  backup: Backup,
  changes: {
    readonly run?: string;
    readonly expected?: Fingerprint;
    readonly expectedSchemaText?: string;
    readonly properties?: DatabaseProperties;
    readonly dumpPath?: string;
    readonly signal?: AbortSignal;
    readonly log?: PhaseLog;
  } = {},
): Promise<Fallback> {
  const run = changes.run ?? 'r1';
  return restoreBeside(
    server,
    {
      name: copyName(server.address.database, 'fallback', run),
      run,
      dumpPath: changes.dumpPath ?? backup.dumpPath,
      expected: changes.expected ?? backup.fingerprint,
      expectedSchemaText: changes.expectedSchemaText ?? backup.schemaText,
      properties: changes.properties ?? backup.properties,
      jobs: 2,
      signal: changes.signal ?? new AbortController().signal,
    },
    changes.log ?? recordingLog().log,
  );
}

/** A log that remembers. */
export function recordingLog(): {
  readonly log: PhaseLog;
  readonly lines: string[];
  readonly warnings: string[];
} {
  const lines: string[] = [];
  const warnings: string[] = [];
  const log: PhaseLog = {
    detail: (line) => void lines.push(line),
    warn: (line) => void warnings.push(line),
    output: () => {},
    progress: () => {},
  };
  return { log, lines, warnings };
}
