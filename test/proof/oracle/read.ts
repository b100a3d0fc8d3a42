import type { PostgresCluster } from '../../support/postgres.ts';
import { clientOf } from '../grammar/build.ts';
import { type Facts, readContents, readIndexAnswers } from './contents.ts';
import { objectQuestions } from './objects.ts';
import { relationQuestions } from './relations.ts';

/** Everything that a person could notice of a database, by name. */
export type Picture = ReadonlyMap<string, unknown>;

const fixed = `SET search_path = ''; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex'; SET row_security = off; SET lc_monetary = 'C'; SET array_nulls = on; SET transform_null_equals = off; SET xmloption = content; SET default_text_search_config = 'pg_catalog.simple'; SET enable_seqscan = on; SET jit = off; SET max_parallel_workers_per_gather = 0`;

/** Reads `database`, which a superuser may have to open first. */
export async function readPicture(cluster: PostgresCluster, database: string): Promise<Picture> {
  const client = await clientOf(cluster, database);
  try {
    await client.query(fixed);
    await client.query("SELECT set_config('session_replication_role', 'origin', false)");
    const facts: Facts = new Map();
    for (const { sort, sql } of [...relationQuestions, ...objectQuestions]) {
      const { rows } = await client.query<{ name: string; fact: unknown }>(sql).catch((error: unknown) => {
        throw new Error(`the oracle's question about every ${sort} failed`, { cause: error });
      });
      for (const { name, fact } of rows) {
        let key = `${sort} ${name}`;
        while (facts.has(key)) key += ' again';
        facts.set(key, normal(fact));
      }
    }
    await readContents(client, facts);
    await readIndexAnswers(client, facts);
    return facts;
  } finally {
    await client.end();
  }
}

const castsAndForm = /::("(?:[^"]|"")+"|[\w.]+)(\."(?:[^"]|"")+"|\.\w+)?( varying| precision| with(?:out)? time zone)?(\(\d+(,\d+)?\))?(\[\])*|[\s()]+/g;

/**
 * PostgreSQL writes some expressions with more casts and parentheses after a restore than before (`CHECK (x IN (…))`);
 * what else differs in them is a difference.
 */
function normal(fact: unknown): unknown {
  if (typeof fact !== 'object' || fact === null || Array.isArray(fact)) return fact;
  return Object.fromEntries(Object.entries(fact).map(([key, value]) => [key, key.startsWith('~') && typeof value === 'string' ? value.replaceAll(castsAndForm, '') : value]));
}

export interface Difference {
  /** What it is about, e.g. `index public.i`. */
  readonly name: string;
  /** In which of its facts, and how. */
  readonly how: string;
}

/** What differs, by name. An index that disagreed with its heap and now agrees is not worse than before. */
export function differences(before: Picture, after: Picture): readonly Difference[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return names.flatMap((name): Difference[] => {
    const [was, is] = [before.get(name), after.get(name)];
    if (JSON.stringify(was) === JSON.stringify(is)) return [];
    if (!after.has(name)) return [{ name, how: 'is missing' }];
    if (!before.has(name)) return [{ name, how: 'is new' }];
    if (name.startsWith('answer of index ') && is === 'as the heap') return [];
    return [{ name, how: changes(was, is) }];
  });
}

function changes(was: unknown, is: unknown): string {
  if (!isRecord(was) || !isRecord(is)) return `${short(was)} -> ${short(is)}`;
  return Object.keys({ ...was, ...is })
    .filter((key) => JSON.stringify(was[key]) !== JSON.stringify(is[key]))
    .map((key) => `${key}: ${short(was[key])} -> ${short(is[key])}`)
    .join('; ');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
