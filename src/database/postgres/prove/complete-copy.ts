import { z } from 'zod';
import type { Fingerprint } from '../../database.ts';
import { identifier, literal, qualified } from '../../sql-text.ts';
import { readSequences, sequenceKey } from '../fingerprint/sequences.ts';
import { type InventoryObject, objectsOf } from '../inventory/inventory.ts';
import { readInventory } from '../inventory/read-inventory.ts';
import type { SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';

/**
 * Gives a restored copy what its dump cannot hold, as far as the role may: where sequences of extensions stand, and
 * privileges that were granted on what is made by something else (by an extension, with a range type). `session` is in the
 * copy. What stays different is found by the comparison.
 */
export async function completeCopy(session: SqlSession, expected: Fingerprint): Promise<void> {
  if (expected.inventory === null) return;
  await advanceSequences(session, expected.sequences);
  const before = objectsOf(expected.inventory);
  await commentExtensions(session, before);
  if (!before.some(mayBeGrantedElsewhere)) return;
  const after = new Map(
    objectsOf(await readInventory(session)).map((object) => [`${object.kind} ${object.name}`, object]),
  );
  for (const object of before) {
    const other = after.get(`${object.kind} ${object.name}`);
    const grantable = other === undefined ? null : grantableOf(object);
    if (other === undefined || grantable === null) continue;
    const [wanted, present] = [object.facts[grantable.fact] ?? '', other.facts[grantable.fact] ?? ''];
    if (wanted !== present) await grantAgain(session, grantable.on, wanted, present);
  }
}

/** Extensions are not created from the dump, and their comments are not either. */
async function commentExtensions(session: SqlSession, objects: readonly InventoryObject[]): Promise<void> {
  const present = await session.query(
    `SELECT 'extension ' || pg_catalog.quote_ident(extname) AS "object", pg_catalog.obj_description(oid, 'pg_extension') AS "comment"
       FROM pg_catalog.pg_extension`,
    z.object({ object: z.string(), comment: z.string().nullable() }),
  );
  const comments = new Map(
    objects
      .filter(({ kind }) => kind === 'comment')
      .map(({ name, facts }) => [name, facts.description ?? null]),
  );
  for (const { object, comment } of present) {
    const wanted = comments.get(object) ?? null;
    if (wanted === comment) continue;
    await unlessRefused(
      session.execute(`COMMENT ON ${object} IS ${wanted === null ? 'NULL' : literal(wanted)}`),
    );
  }
}

/** Default privileges reach what nobody dumps; so does whoever grants something on a member of an extension. */
function mayBeGrantedElsewhere(object: InventoryObject): boolean {
  if (object.kind === 'default privileges') return true;
  const grantable = object.extension === null ? null : grantableOf(object);
  const items = grantable === null ? [] : (object.facts[grantable.fact] ?? '').split(' ');
  // `grantee=rights/grantor`; by default PUBLIC and the owner have them.
  return items.some((item) => {
    const [, grantee, grantor] = /^([^=]*)=.*\/(.*)$/.exec(item) ?? [];
    return grantee !== undefined && grantee !== '' && grantee !== grantor;
  });
}

async function advanceSequences(session: SqlSession, expected: Fingerprint['sequences']): Promise<void> {
  const ofExtensions = expected.filter(({ extension }) => extension !== null);
  if (ofExtensions.length === 0) return;
  const present = new Map((await readSequences(session)).map((each) => [sequenceKey(each), each]));
  for (const sequence of ofExtensions) {
    const now = present.get(sequenceKey(sequence));
    if (now === undefined || (now.lastValue === sequence.lastValue && now.isCalled === sequence.isCalled))
      continue;
    const { schema, name, lastValue, isCalled } = sequence;
    await unlessRefused(
      session.execute(
        `SELECT pg_catalog.setval(${literal(qualified(schema, name))}::regclass, ${BigInt(lastValue)}, ${isCalled})`,
      ),
    );
  }
}

/** What GRANT calls an object, and the fact that holds its privileges; null where there are none to grant. */
function grantableOf({ kind, name }: InventoryObject): { readonly on: string; readonly fact: string } | null {
  switch (kind) {
    case 'table':
    case 'partitioned table':
    case 'view':
    case 'materialized view':
    case 'foreign table':
      return { on: `TABLE ${name}`, fact: 'relacl' };
    case 'sequence':
      return { on: `SEQUENCE ${name}`, fact: 'relacl' };
    case 'function':
    case 'aggregate':
      return { on: `FUNCTION ${name}`, fact: 'proacl' };
    case 'procedure':
      return { on: `PROCEDURE ${name}`, fact: 'proacl' };
    case 'type':
    case 'domain':
    case 'enum':
    case 'range':
      return { on: `TYPE ${name}`, fact: 'typacl' };
    default:
      return null;
  }
}

const itemRow = z.object({
  grantee: z.string().nullable(),
  privilege: z.string(),
  grantable: z.boolean(),
  isWanted: z.boolean(),
});

/** Both lists as PostgreSQL prints them, items between blanks. */
async function grantAgain(session: SqlSession, on: string, wanted: string, present: string): Promise<void> {
  const exploded = (acl: string) => `(SELECT e.grantee, e.privilege_type, e.is_grantable
     FROM pg_catalog.aclexplode(${literal(`{${acl.split(' ').filter(Boolean).map(quotedItem).join(',')}}`)}::pg_catalog.aclitem[]) AS e)`;
  const items = await session
    .query(
      `SELECT CASE WHEN grantee <> 0 THEN pg_catalog.pg_get_userbyid(grantee) END AS "grantee",
              privilege_type AS "privilege", is_grantable AS "grantable", is_wanted AS "isWanted"
         FROM (SELECT *, false AS is_wanted FROM (${exploded(present)} EXCEPT ${exploded(wanted)}) AS gone(grantee, privilege_type, is_grantable)
               UNION ALL SELECT *, true FROM (${exploded(wanted)} EXCEPT ${exploded(present)}) AS missing(grantee, privilege_type, is_grantable)) AS all_items
        ORDER BY is_wanted`,
      itemRow,
    )
    .catch((error: unknown) => {
      // A role of the backup that this server does not have.
      if (!(error instanceof SqlError)) throw error;
      return [];
    });
  for (const { grantee, privilege, grantable, isWanted } of items) {
    const whom = grantee === null ? 'PUBLIC' : identifier(grantee);
    await unlessRefused(
      session.execute(
        isWanted
          ? `GRANT ${privilege} ON ${on} TO ${whom}${grantable ? ' WITH GRANT OPTION' : ''}`
          : `REVOKE ${privilege} ON ${on} FROM ${whom}`,
      ),
    );
  }
}

function quotedItem(item: string): string {
  return `"${item.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** An ordinary role may not do everything here; the comparison says what is missing. */
async function unlessRefused(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof SqlError)) throw error;
  });
}
