import type { PostgresServer } from '../server/server.ts';
import { describeToolFailure } from '../server/tool-failure.ts';
import { restoreFailed } from './restore-failed.ts';

/** Lines of an archive's table of contents (`pg_restore -l`), in the parts in which they are restored. */
interface ArchiveEntries {
  /** Schemas: extensions live in them, so they come first. */
  readonly schemas: readonly string[];
  /**
   * Text search configurations and dictionaries of the database's own: `default_text_search_config` can name one, and
   * sessions that begin before it is there do not get it.
   */
  readonly textSearch: readonly string[];
  /** What is defined before the first row is loaded: types, functions, tables with their checks. */
  readonly definitions: readonly string[];
  /** Everything that pg_restore restores after that: rows, indexes, triggers. */
  readonly rest: readonly string[];
}

/**
 * Reads an archive's table of contents. Extensions and their comments are in neither part: pg_restore would create
 * the newest version, and only an extension's owner may comment on it.
 * Rejects with SM_RESTORE_FAILED when the file is no archive.
 */
export async function readArchiveEntries(
  server: PostgresServer,
  dumpPath: string,
  signal: AbortSignal,
): Promise<ArchiveEntries> {
  const exit = await server.tools.readArchive({
    archivePath: dumpPath,
    args: ['--list'],
    database: null,
    entries: null,
    jobs: 1,
    signal,
  });
  signal.throwIfAborted();
  if (exit.exitCode !== 0)
    throw restoreFailed('the dump cannot be read', describeToolFailure('pg_restore', exit));
  const entries = exit.stdout.split('\n').filter((line) => entryLine.test(line));
  const textSearch = entries.some((line) => textSearchCode.test(line))
    ? []
    : entries.filter((line) => textSearchLine.test(line));
  const others = entries.filter(
    (line) => !schemaLine.test(line) && !extensionLine.test(line) && !textSearch.includes(line),
  );
  const firstData = others.findIndex((line) => dataLine.test(line));
  const end = firstData === -1 ? 0 : firstData;
  return {
    schemas: entries.filter((line) => schemaLine.test(line)),
    textSearch,
    // A table could not be finished by an owner who may not do everything with it any more; what indexes call, they need.
    definitions: others.slice(0, end).filter((line) => !aclLine.test(line)),
    rest: [...others.slice(end), ...others.slice(0, end).filter((line) => aclLine.test(line))],
  };
}

/** Dump id; catalog's oid, object's oid; type, schema, name, owner. */
const entryLine = /^\d+; \d+ \d+ /;
const schemaLine = /^\d+; \d+ \d+ SCHEMA - /;
const dataLine = /^\d+; \d+ \d+ (TABLE DATA|BLOB|BLOBS|BLOB METADATA|LARGE OBJECT|SEQUENCE SET) /;
const aclLine = /^\d+; \d+ \d+ (ACL (?!- SCHEMA ).*\b(TABLE|COLUMN|SEQUENCE)\b|DEFAULT ACL )/;
const extensionLine = /^\d+; \d+ \d+ (EXTENSION - |COMMENT - EXTENSION )/;
const textSearchLine = /^\d+; \d+ \d+ TEXT SEARCH (CONFIGURATION|DICTIONARY) /;
/** These need functions, and dictionaries may need them: then everything keeps the dump's order. */
const textSearchCode = /^\d+; \d+ \d+ TEXT SEARCH (PARSER|TEMPLATE) /;
