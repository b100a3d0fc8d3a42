import { z } from 'zod';
import type { PhaseLog } from '../../../report/run-log.ts';
import { messageOf, SafeMigrateError } from '../../../system/errors.ts';
import type { Database, Fallback, Fingerprint } from '../../database.ts';
import { formOfFingerprint } from '../../row-digest.ts';
import { identifier, literal } from '../../sql-text.ts';
import { availableExtensions } from '../archive/available-extensions.ts';
import { compareExtensionOwners } from '../archive/extension-owners.ts';
import { restoreArchive } from '../archive/restore-archive.ts';
import { closeDatabase } from '../copy/close-database.ts';
import { copyName } from '../copy/copy-name.ts';
import { createToTheEnd } from '../copy/create-to-the-end.ts';
import { dropCopy } from '../copy/drop-copy.ts';
import { commitSafely } from '../copy/lazy-commits.ts';
import { replayProperties } from '../copy/replay-properties.ts';
import { fingerprintDatabase } from '../fingerprint/fingerprint.ts';
import { readSequenceDirections } from '../fingerprint/sequences.ts';
import { compareIndexes } from '../indexes/compare-indexes.ts';
import { unreachablePublicOwner, withoutPublicOwner } from '../schema/public-owner.ts';
import { matchPublicSchema } from '../schema/public-schema.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { compareFingerprints } from './compare-fingerprints.ts';
import { completeCopy } from './complete-copy.ts';
import { fillUnderSettings, otherValues } from './fill-under-settings.ts';
import { readPartitionRoots } from './partition-roots.ts';
import { printAsSource } from './print-as-source.ts';
import { compareSchemas } from './schema-fixpoint.ts';

type RestoreRequest = Parameters<Database['restoreBeside']>[0];

/** How many differences an error lists. */
const listedDifferences = 10;
/** How often the copy's size is asked for while pg_restore works. */
const sizeIntervalMs = 2000;

/**
 * Restores a dump beside the target and proves that the copy equals what is expected, as `Database.restoreBeside`
 * promises. The caller has verified the file's SHA-256. `adminDatabase` is where CREATE and DROP DATABASE are run
 * from: the target, unless that is not there.
 *
 * On failure, the abort of `request.signal` included, the copy is dropped before this rejects.
 */
export async function restoreBeside(
  server: PostgresServer,
  request: RestoreRequest,
  log: PhaseLog,
  adminDatabase: string = server.home,
): Promise<Fallback> {
  const target = server.address.database;
  const mark = { kind: 'fallback', target, run: request.run } as const;
  if (request.name !== copyName(target, mark.kind, mark.run)) {
    throw new TypeError('a fallback database is named by copyName(target, "fallback", run)');
  }
  request.signal.throwIfAborted();
  await using admin = await server.connect(adminDatabase, { applicationName: 'safe-migrate prove' });
  const expected = await expectedHere(server, admin, request.expected, log);
  const copy = await createToTheEnd(server, admin, mark, request.properties);
  try {
    await fillUnderSettings(server, admin, copy.name, {
      settings: request.properties.settings,
      values: expected.sessionValues,
    });
    const { fingerprint, told } = await fillAndCompare(server, admin, { ...request, expected }, log);
    await commitSafely(admin, copy.name);
    // Only now, when nobody can use them any more, come the target's own privileges.
    await closeDatabase(admin, copy.name);
    await replayProperties(admin, copy.name, request.properties);
    request.signal.throwIfAborted();
    return { ...copy, fingerprint, told };
  } catch (error) {
    for (const name of [copy.name, copyName(target, 'scratch', request.run)]) {
      await dropUnfinished(server, adminDatabase, name, request.properties.owner, log);
    }
    throw error;
  }
}

/** A backup of an older major version may need other versions of its extensions. */
async function expectedHere(
  server: PostgresServer,
  admin: SqlSession,
  expected: Fingerprint,
  log: PhaseLog,
): Promise<Fingerprint> {
  if (expected.serverMajor === server.version.major) return expected;
  return { ...expected, extensions: await availableExtensions(admin, expected.extensions, log) };
}

/** Restores, ANALYZEs and compares; returns what the copy holds, and what that does not prove. */
async function fillAndCompare(
  server: PostgresServer,
  admin: SqlSession,
  request: RestoreRequest,
  log: PhaseLog,
): Promise<Pick<Fallback, 'fingerprint' | 'told'>> {
  const { name, signal, expected, jobs } = request;
  let progress: string | undefined;
  log.progress(() => progress);

  await matchPublicSchema(server, admin, name, request.hasPublicSchema);
  const { expectedSchemaText: schemaText } = request;
  const publicOwner = await unreachablePublicOwner(server, admin, {
    schemaText,
    serverMajor: expected.serverMajor,
  });
  if (publicOwner !== null) {
    log.warn(
      `schema public belongs to ${publicOwner}; in a restored copy it belongs to the owner of the database, as PostgreSQL makes it since 15`,
    );
  }
  await watchingSize(
    admin,
    name,
    (text) => {
      progress = text;
    },
    () =>
      restoreArchive(server, {
        database: name,
        dumpPath: request.dumpPath,
        extensions: expected.extensions,
        leavesPublicOwner: publicOwner !== null,
        jobs,
        signal,
      }),
  );
  log.detail(`restored into ${name}`);
  await printAsSource(admin, name, request.properties.settings);

  progress = 'ANALYZE';
  // Planner statistics are not restored: without them the first queries after a swap would crawl.
  const { traits, owners, indexes } = await inCopy(server, name, signal, async (session) => {
    await completeCopy(session, expected);
    await session.execute('ANALYZE');
    const traits = {
      directions: await readSequenceDirections(session),
      roots: await readPartitionRoots(session),
      // Its default privileges name its owner.
      known: (publicOwner === null ? [] : ['nspowner', 'nspacl']).map((fact) => ({
        kind: 'schema',
        name: 'public',
        fact,
      })),
    };
    const owners = await compareExtensionOwners(session, expected.extensions);
    progress = 'comparing indexes with their tables';
    const indexes = await compareIndexes(session, request.properties.settings);
    return { traits, owners, indexes };
  });

  const { fingerprint, schemaText: actual } = await fingerprintDatabase(server, name, {
    jobs,
    signal,
    form: formOfFingerprint(expected),
    onTable: (done, all) => {
      progress = `compared ${done} of ${all} tables`;
    },
  });
  const compared = compareFingerprints(expected, fingerprint, traits);
  const schemas = await compareSchemas(server, admin, {
    run: request.run,
    expected: publicOwner === null ? schemaText : withoutPublicOwner(schemaText),
    actual,
    extensions: expected.extensions,
    properties: request.properties,
    sessionValues: expected.sessionValues,
    hasPublicSchema: request.hasPublicSchema,
    signal,
  });
  const hasInventory = expected.inventory !== null && expected.serverMajor === fingerprint.serverMajor;
  const differences = [
    ...compared.differences,
    // Privileges on what an extension made are initial ones in one database and granted ones in the other, so that a dump
    // writes them for one of them only. The inventory has compared what holds.
    ...schemas.filter((sentence) => !hasInventory || !sentence.startsWith('ACL ')),
    ...owners.differences,
    ...indexes.differences,
  ];
  progress = undefined;
  if (differences.length > 0) throw notEqual(differences, log);
  const told = [
    ...compared.told,
    ...otherValues(expected.sessionValues, fingerprint.sessionValues),
    ...owners.told,
    ...indexes.told,
  ];
  tell(told, log);
  return { fingerprint, told };
}

async function inCopy<T>(
  server: PostgresServer,
  name: string,
  signal: AbortSignal,
  work: (session: SqlSession) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  await using session = await server.connect(name);
  const end = (): void => session.kill();
  signal.addEventListener('abort', end, { once: true });
  try {
    return await work(session);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

const sizeRow = z.object({ sizeBytes: z.number() });

/** Says every few seconds how large the copy has become while `work` lasts. */
async function watchingSize(
  admin: SqlSession,
  name: string,
  say: (text: string) => void,
  work: () => Promise<void>,
): Promise<void> {
  let asked: Promise<void> = Promise.resolve();
  const ask = async (): Promise<void> => {
    const [row] = await admin.query(
      `SELECT pg_catalog.pg_database_size(${literal(name)}) AS "sizeBytes"`,
      sizeRow,
    );
    if (row !== undefined) say(`restored ${Math.round(row.sizeBytes / 1e6)} MB so far`);
  };
  const timer = setInterval(() => {
    // A size that cannot be read costs a progress line; a lost session shows at the next statement.
    asked = ask().catch(() => {});
  }, sizeIntervalMs);
  try {
    await work();
  } finally {
    clearInterval(timer);
    await asked;
  }
}

/** Every one in the log's details and in the report; some of them where everybody looks. */
function tell(told: readonly string[], log: PhaseLog): void {
  for (const sentence of told.slice(0, listedDifferences)) log.warn(`not proved: ${sentence}`);
  for (const sentence of told.slice(listedDifferences)) log.detail(`not proved: ${sentence}`);
  if (told.length > listedDifferences) {
    log.warn(`not proved: ${told.length - listedDifferences} more, which the log and report.json name`);
  }
}

function notEqual(differences: readonly string[], log: PhaseLog): SafeMigrateError {
  for (const difference of differences) log.detail(difference);
  const listed = differences.slice(0, listedDifferences);
  const more = differences.length - listed.length;
  return new SafeMigrateError({
    code: 'SM_NOT_EQUAL',
    message: `the restored copy is not equal to the backup's source: ${listed.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    hint: 'The backup does not bring these objects back as they were. See the page for known causes before you migrate.',
    docs: 'postgresql.md',
    phase: 'prove',
  });
}

/** Cleans up after a failure, which must reach the caller whatever happens here. */
async function dropUnfinished(
  server: PostgresServer,
  adminDatabase: string,
  name: string,
  owner: string,
  log: PhaseLog,
): Promise<void> {
  try {
    // A session of its own: the failure may have taken the other one.
    await using admin = await server.connect(adminDatabase, { applicationName: 'safe-migrate prove' });
    await dropCopy(admin, server.address.database, name, owner);
  } catch (error) {
    const reason = messageOf(error);
    log.warn(
      `the unfinished copy ${name} is still there: ${reason}. Drop it by hand: DROP DATABASE ${identifier(name)};`,
    );
  }
}
