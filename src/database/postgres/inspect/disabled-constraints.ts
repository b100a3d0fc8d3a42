import { z } from 'zod';
import type { Obstacle } from '../../database.ts';
import { isUserSchema } from '../fingerprint/table-content.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';

/**
 * Constraints whose own triggers somebody disabled (ALTER TABLE … DISABLE TRIGGER ALL), or lets fire otherwise. No dump
 * says so: in a restored copy they would be enforced again.
 */
export async function disabledConstraints(session: SqlSession): Promise<Obstacle[]> {
  const rows = await session.query(
    `select distinct c.conname::text as "constraint", format('%I.%I', n.nspname, r.relname) as "table"
       from pg_trigger t join pg_constraint c on c.oid = t.tgconstraint and c.contype in ('f', 'u', 'p', 'x')
            join pg_class r on r.oid = t.tgrelid join pg_namespace n on n.oid = r.relnamespace
      where t.tgisinternal and t.tgenabled <> 'O' and ${isUserSchema('n')} order by 2, 1`,
    z.object({ constraint: z.string(), table: z.string() }),
  );
  if (rows.length === 0) return [];
  const names = rows.map(({ constraint, table }) => `${constraint} at ${table}`);
  const commands = [...new Set(rows.map(({ table }) => `ALTER TABLE ${table} ENABLE TRIGGER ALL;`))];
  return [
    {
      code: 'SM_DISABLED_CONSTRAINT',
      message: `The triggers of ${namedSome(names, 'the constraint', 'constraints')} are disabled or fire otherwise than usual, which no dump says: a restored copy would enforce what the target does not.`,
      hint: `Let a superuser run: ${commands.slice(0, 10).join(' ')} That also enables triggers of users which were disabled. Rows that were written meanwhile may break the constraint.`,
      closes: ['swap'],
      ofCopy: true,
    },
  ];
}
