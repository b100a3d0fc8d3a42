import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { PostgresServer } from '../server/server.ts';
import { describeToolFailure, isConnectionLoss } from '../server/tool-failure.ts';
import { readingSession } from '../session/reading-sessions.ts';
import { connectionLost } from '../session/sql-errors.ts';

/** One object of a schema-only dump: what pg_dump prints below a `-- Name: …` header. */
export interface SchemaEntry {
  /** e.g. `TABLE public.invoices`. */
  readonly object: string;
  readonly type: string;
  /** The header's `Name: …; Type: …; Schema: …; Owner: …`. */
  readonly header: string;
  /** Its statements, without the settings that pg_dump prints between entries. */
  readonly body: string;
}

/**
 * Text of `pg_dump --schema-only` of a database, in an exported snapshot when one is given, otherwise as it is now.
 * Subscriptions are left out: a restored one would carry the replication slot of the original. `applicationName` is for
 * whoever reads without the run's lock, and must not be ended by the next one who takes it.
 * Rejects with SM_DUMP_FAILED, or with SM_CONNECTION_LOST when the server went away.
 */
export async function readSchemaText(
  server: PostgresServer,
  source: {
    readonly database: string;
    readonly snapshotId?: string;
    readonly applicationName?: string;
  },
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  // In the database's own encoding otherwise, which would not be read as text here.
  const args = ['--schema-only', '--no-subscriptions', '--encoding=UTF8'];
  if (source.snapshotId !== undefined) args.push(`--snapshot=${source.snapshotId}`);
  const process = server.tools.start('pg_dump', args, {
    database: source.database,
    env: { PGAPPNAME: source.applicationName ?? readingSession.dump },
    signal,
  });
  const [output, exit] = await Promise.all([text(process.stdout), process.exited]);
  signal.throwIfAborted();
  if (exit.exitCode !== 0) {
    if (isConnectionLoss(exit)) throw connectionLost(source.database, null);
    const { message } = describeToolFailure('pg_dump', exit);
    throw new SafeMigrateError({
      code: 'SM_DUMP_FAILED',
      message: `the schema of ${source.database} could not be dumped: ${message}`,
      hint: 'The role of database-url must be able to read every object of the database.',
      docs: 'postgresql.md',
    });
  }
  return output;
}

/**
 * Splits the text into entries. What depends on the run or on the client only (versions, `\restrict` tokens, SET
 * lines of the preamble) is left out; so are extensions and their comments, which are compared with their
 * versions instead and cannot be replayed by an ordinary role.
 */
export function parseSchemaText(schemaText: string): readonly SchemaEntry[] {
  const entries: SchemaEntry[] = [];
  let accessMethod = 'heap';
  for (const { header, body } of splitEntries(schemaText)) {
    const { name = '', type = '', schema = '-' } = headerFields.exec(header ?? '')?.groups ?? {};
    const { statements, nextAccessMethod } = withoutTrailingSettings(body);
    const isOfExtension = type === 'EXTENSION' || (type === 'COMMENT' && name.startsWith('EXTENSION '));
    if (header !== null && !isOfExtension) {
      entries.push({
        object: `${type} ${schema === '-' ? '' : `${schema}.`}${name}`,
        type,
        header,
        body: hasAccessMethod(type, statements) ? `${statements}\nUSING ${accessMethod}` : statements,
      });
    }
    accessMethod = nextAccessMethod ?? accessMethod;
  }
  return entries;
}

/** SHA-256 (hex) over the entries in a fixed order: pg_dump orders equal schemas differently at times. */
export function schemaDigest(schemaText: string): string {
  const hash = createHash('sha256');
  for (const entry of parseSchemaText(schemaText).map(entryText).toSorted()) hash.update(entry).update('\0');
  return hash.digest('hex');
}

/**
 * The objects that differ between two schema texts, each as a sentence that starts with the object's name.
 * Empty when the texts mean the same schema.
 */
export function diffSchemaTexts(expected: string, actual: string): readonly string[] {
  const [before, after] = [byObject(expected), byObject(actual)];
  const differences: string[] = [];
  for (const [object, entries] of before) {
    const others = after.get(object);
    if (others === undefined) differences.push(`${object} is missing`);
    else if (entries.toSorted().join('\0') !== others.toSorted().join('\0')) {
      differences.push(`${object} is defined differently`);
    }
  }
  for (const object of after.keys()) {
    if (!before.has(object)) differences.push(`${object} is there and should not be`);
  }
  return differences;
}

const headerFields = /^Name: (?<name>.*?); Type: (?<type>[^;]*); Schema: (?<schema>.*?)(?:; Owner: .*)?$/;
const headerLine = /^-- (Name: .*; Type: [^;]*; Schema: .*)$/;

/** Cuts the text at every `--`, `-- Name: …`, `--` header. The preamble comes first, with null as its header. */
function* splitEntries(
  schemaText: string,
): Generator<{ readonly header: string | null; readonly body: string }> {
  const lines = schemaText.split('\n');
  let header: string | null = null;
  let body: string[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const found = headerLine.exec(line)?.[1];
    if (found !== undefined && lines[index - 1] === '--' && lines[index + 1] === '--') {
      // The `--` above the header has been taken for the previous entry's last line.
      body.pop();
      yield { header, body: body.join('\n') };
      header = found;
      body = [];
      index += 1;
    } else body.push(line);
  }
  yield { header, body: body.join('\n') };
}

/**
 * pg_dump prints these between entries, only where their value changes: below an entry they belong to the next
 * ones. The tablespace also stands in the header; the access method stands nowhere else.
 */
const trailingLine = /^(|--|-- PostgreSQL database dump complete|SET \w+ = .*;|\\(un)?restrict .*)$/;

function withoutTrailingSettings(body: string): { statements: string; nextAccessMethod: string | null } {
  const lines = body.split('\n');
  let nextAccessMethod: string | null = null;
  for (let last = lines.at(-1); last !== undefined && trailingLine.test(last); last = lines.at(-1)) {
    nextAccessMethod ??= /^SET default_table_access_method = (.*);$/.exec(last)?.[1] ?? null;
    lines.pop();
  }
  return { statements: lines.join('\n').trim(), nextAccessMethod };
}

/** Partitioned tables are stored nowhere; pg_dump sets no access method for them. */
function hasAccessMethod(type: string, statements: string): boolean {
  if (type === 'MATERIALIZED VIEW') return true;
  return type === 'TABLE' && !/^PARTITION BY /m.test(statements);
}

function entryText(entry: SchemaEntry): string {
  return `${entry.header}\n${entry.body}`;
}

function byObject(schemaText: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const entry of parseSchemaText(schemaText)) {
    groups.set(entry.object, [...(groups.get(entry.object) ?? []), entryText(entry)]);
  }
  return groups;
}
