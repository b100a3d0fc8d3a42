import { z } from 'zod';
import type { Fingerprint } from '../../database.ts';
import { literal, qualified } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { extensionOf, isUserSchema } from './table-content.ts';

/** How many sequences one statement reads; keeps statements below some 50 kB. */
const batchSize = 300;

const nameRow = z.object({ schema: z.string(), name: z.string(), extension: z.string().nullable() });
const valueRow = z.object({
  schema: z.string(),
  name: z.string(),
  lastValue: z.string(),
  isCalled: z.boolean(),
  extension: z.string().nullable(),
});

/**
 * Where every sequence stands (those of serial and identity columns too, and those of extensions that the role may read), sorted by schema and name. Read from the
 * sequences themselves: pg_sequences hides those that the role cannot read. Sequences know no snapshot: what is
 * read is their state at this moment.
 */
export async function readSequences(session: SqlSession): Promise<Fingerprint['sequences']> {
  const names = await session.query(
    `SELECT n.nspname AS "schema", c.relname AS "name", e.extname::text AS "extension"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ${extensionOf('c')}
      WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND ${isUserSchema('n')}
        AND (e.oid IS NULL OR pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT'))
      ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`,
    nameRow,
  );
  const values: z.infer<typeof valueRow>[] = [];
  for (let start = 0; start < names.length; start += batchSize) {
    const batch = names.slice(start, start + batchSize);
    const statement = batch.map(({ schema, name, extension }, index) => {
      const owner = extension === null ? 'NULL' : literal(extension);
      const constants = `${literal(schema)} AS "schema", ${literal(name)} AS "name", ${owner}::text AS "extension", ${index} AS "index"`;
      return `SELECT ${constants}, last_value::text AS "lastValue", is_called AS "isCalled" FROM ${qualified(schema, name)}`;
    });
    values.push(...(await session.query(`${statement.join('\nUNION ALL ')}\nORDER BY "index"`, valueRow)));
  }
  return values;
}

export type SequenceDirection = 'ascending' | 'descending' | 'cycling';

const directionRow = z.object({
  schema: z.string(),
  name: z.string(),
  direction: z.enum(['ascending', 'descending', 'cycling']),
});

/** Which way each sequence moves, by `sequenceKey`. */
export async function readSequenceDirections(
  session: SqlSession,
): Promise<ReadonlyMap<string, SequenceDirection>> {
  const rows = await session.query(
    `SELECT n.nspname AS "schema", c.relname AS "name",
            CASE WHEN s.seqcycle THEN 'cycling' WHEN s.seqincrement < 0 THEN 'descending' ELSE 'ascending' END AS "direction"
       FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE ${isUserSchema('n')}`,
    directionRow,
  );
  return new Map(rows.map((row) => [sequenceKey(row), row.direction]));
}

/** Unambiguous key of a sequence in a Map. */
export function sequenceKey(sequence: { readonly schema: string; readonly name: string }): string {
  return JSON.stringify([sequence.schema, sequence.name]);
}

/**
 * Whether a sequence in state `now` could still hand out a value that it had already handed out in state `before`.
 * A cycling sequence does so by design and is never behind.
 */
export function isBehind(
  now: { readonly lastValue: string; readonly isCalled: boolean },
  before: { readonly lastValue: string; readonly isCalled: boolean },
  direction: SequenceDirection,
): boolean {
  if (direction === 'cycling') return false;
  const step = BigInt(now.lastValue) - BigInt(before.lastValue);
  if (step === 0n) return before.isCalled && !now.isCalled;
  return direction === 'ascending' ? step < 0n : step > 0n;
}
