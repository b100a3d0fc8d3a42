import { z } from 'zod';
import { isUserSchema } from '../fingerprint/table-content.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';

/** Words by which a function leaves its database: other databases, other machines, files, programs. */
const reaching = String.raw`\m(dblink\w*|pg_notify|notify|http_(get|post|put|delete)|net\.http_\w+|pg_background_\w+|lo_export|pg_file_write|aws_(lambda|s3)\.\w+)\M|\mcopy\M[^;]*\mprogram\M`;

/**
 * Triggers whose function seems to act outside of the database, as warnings: what they have done there while a migration
 * changed rows, no recovery takes back. Changes nothing and closes nothing.
 */
export async function outsideReach(session: SqlSession): Promise<readonly string[]> {
  const rows = await session.query(
    `select distinct format('%I on %I.%I', t.tgname, n.nspname, c.relname) as "name"
       from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
            join pg_proc p on p.oid = t.tgfoid
      where not t.tgisinternal and t.tgenabled <> 'D' and ${isUserSchema('n')} and p.prosrc ~* '${reaching}'
      union
     select distinct format('%I on %I.%I', t.tgname, n.nspname, c.relname)
       from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
            join pg_proc p on p.oid = t.tgfoid join pg_class f on f.relkind = 'f'
      where not t.tgisinternal and t.tgenabled <> 'D' and ${isUserSchema('n')}
        and p.prosrc ~ ('\\m' || regexp_replace(f.relname, '\\W', '.', 'g') || '\\M')
      order by 1`,
    z.object({ name: z.string() }),
  );
  const names = rows.map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    `${namedSome(names, 'the trigger', 'the triggers')} may act outside of the database; what a migration makes it do there is not taken back by any recovery`,
  ];
}
