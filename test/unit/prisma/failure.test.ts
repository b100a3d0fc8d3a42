import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadParser } from '../../../src/lint/parse-sql.ts';
import { describeFailure } from '../../../src/prisma/failure.ts';
import type { DeployResult, HistoryRow, MigrationFile } from '../../../src/prisma/migrator.ts';

beforeAll(loadParser);

const deployed: DeployResult = {
  exitCode: 1,
  signal: null,
  output: '',
  errorCode: 'P3018',
  localPorts: new Set(),
};

function rowWith(logs: string | null): HistoryRow {
  return {
    id: 'id',
    checksum: '',
    migrationName: '2_bad',
    startedAt: '2026-11-22T10:00:00.000000Z',
    finishedAt: null,
    rolledBackAt: null,
    appliedStepsCount: 0,
    logs,
  };
}

function migration(script: string, path = '/elsewhere/migrations/2_bad/migration.sql'): MigrationFile {
  return { name: '2_bad', path, checksums: [], script };
}

/** The text that the engine writes into `logs`. */
function logsOf(sqlState: string, error: string, fields = ''): string {
  return `A migration failed to apply. New migrations cannot be applied before the error is recovered from.

Migration name: 2_bad

Database error code: ${sqlState}

Database error:
${error}

DbError { severity: "ERROR", code: SqlState(E${sqlState}), message: "…"${fields} }

   0: sql_schema_connector::apply_migration::apply_script
`;
}

async function lineOf(script: string, sqlState: string, error: string, fields = ''): Promise<number | null> {
  const failure = await describeFailure({
    row: rowWith(logsOf(sqlState, error, fields)),
    deployed,
    migration: migration(script),
  });
  return failure.line;
}

const splitName = `-- Split the name
CREATE TABLE "parts" (id int);

ALTER TABLE "customers" ADD COLUMN "first" TEXT;
UPDATE "customers" SET "first" = split_part("name", ' ', 1);
ALTER TABLE "customers"
  ALTER COLUMN "first" SET NOT NULL;
INSERT INTO "parts" VALUES (1);
`;

describe('a failed migration', () => {
  test('is described by SQLSTATE and primary message, without row values', async () => {
    const logs = logsOf(
      '23505',
      'ERROR: duplicate key value violates unique constraint "users_email_key"\nDETAIL: Key (email)=(ada@example.org) already exists.',
      ', detail: Some("Key (email)=(ada@example.org) already exists."), table: Some("users")',
    );
    const failure = await describeFailure({ row: rowWith(logs), deployed, migration: null });
    expect(failure).toEqual({
      migration: '2_bad',
      file: null,
      line: null,
      sqlState: '23505',
      message: 'duplicate key value violates unique constraint "users_email_key"',
    });
  });

  test('is described from what was printed when the engine could not write its logs', async () => {
    const output = `Error: P3018\n\n${logsOf('42P01', 'ERROR: relation "x" does not exist')}`;
    const failure = await describeFailure({
      row: rowWith(null),
      deployed: { ...deployed, output },
      migration: null,
    });
    expect(failure).toMatchObject({ sqlState: '42P01', message: 'relation "x" does not exist' });
  });

  test('says how Prisma ended when nobody wrote anything', async () => {
    const killed: DeployResult = { ...deployed, exitCode: null, signal: 'SIGKILL', errorCode: null };
    const failure = await describeFailure({
      row: rowWith(null),
      deployed: killed,
      migration: migration('SELECT 1'),
    });
    expect(failure).toMatchObject({
      sqlState: null,
      line: null,
      message: 'prisma was ended by SIGKILL before the migration was finished',
    });
  });

  test('has its file relative to the root of the repository', async () => {
    const root = await mkdtemp(join(tmpdir(), 'safe-migrate-repository-'));
    try {
      await mkdir(join(root, '.git'));
      const path = join(root, 'packages', 'db', 'migrations', '2_bad', 'migration.sql');
      await mkdir(join(path, '..'), { recursive: true });
      const failure = await describeFailure({
        row: rowWith('x'),
        deployed,
        migration: migration('SELECT 1', path),
      });
      expect(failure.file).toBe('packages/db/migrations/2_bad/migration.sql');
    } finally {
      await rm(root, { recursive: true });
    }
  });
});

describe('the failing line', () => {
  const marked = (before: string, number: number, text: string) =>
    `ERROR: column "nope" does not exist\n\nPosition:\n\u001b[1m  0\u001b[0m\n${before}\u001b[1m  ${number}\u001b[1;31m ${text}\u001b[0m`;

  test('is the one that the engine marked', async () => {
    const script = 'SELECT 1;\n\nSELECT nope\nFROM a;\n';
    expect(await lineOf(script, '42703', marked('\u001b[1m  1\u001b[0m SELECT 1;\n', 3, 'SELECT nope'))).toBe(
      3,
    );
  });

  test('is found by its text when the engine counts from the beginning of the statement', async () => {
    const script = 'SELECT 1;\n\nSELECT nope\nFROM a;\n';
    expect(await lineOf(script, '42703', marked('', 1, 'SELECT nope'))).toBe(3);
  });

  test('is that of the only statement', async () => {
    expect(await lineOf('-- a\n\nSELECT 1/0;', '22012', 'ERROR: division by zero')).toBe(3);
  });

  test('is that of the statement which sets NOT NULL, not of those that name the column too', async () => {
    const message = 'ERROR: column "first" of relation "customers" contains null values';
    expect(await lineOf(splitName, '23502', message)).toBe(6);
  });

  test('is that of the only write to the table whose constraint was violated', async () => {
    const message = 'ERROR: duplicate key value violates unique constraint "parts_pkey"';
    expect(await lineOf(splitName, '23505', message, ', table: Some("parts")')).toBe(8);
  });

  test('is that of the statement which creates what is there already', async () => {
    expect(await lineOf(splitName, '42P07', 'ERROR: relation "parts" already exists')).toBe(2);
  });

  test('is not guessed when several statements fit', async () => {
    expect(await lineOf('SELECT 1/0;\nSELECT 2/0;', '22012', 'ERROR: division by zero')).toBeNull();
    const twice = 'UPDATE a SET b = 1;\nUPDATE a SET b = 2;';
    expect(
      await lineOf(twice, '23514', 'ERROR: new row for relation "a" violates check constraint "b"'),
    ).toBeNull();
  });
});
