import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { DatabaseProperties } from '../../database.ts';
import { literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';

const propertiesRow: z.ZodType<Omit<DatabaseProperties, 'settings'>> = z.object({
  owner: z.string(),
  encoding: z.string(),
  collate: z.string(),
  ctype: z.string(),
  localeProvider: z.string(),
  icuLocale: z.string().nullable(),
  icuRules: z.string().nullable(),
  tablespace: z.string(),
  connectionLimit: z.number().int(),
  comment: z.string().nullable(),
  acl: z.array(z.string()).nullable(),
});

const settingsRow = z.object({ role: z.string().nullable(), config: z.array(z.string()) });

/**
 * Reads what belongs to database `name` itself; any role may read all of it, from any database of the server.
 * pg_database is read through JSON because its columns differ: datlocprovider and daticulocale came with 15,
 * daticurules with 16, and 17 renamed daticulocale to datlocale (which the builtin provider uses, too).
 * Rejects with SM_NO_DATABASE.
 */
export async function readProperties(session: SqlSession, name: string): Promise<DatabaseProperties> {
  const [properties] = await session.query(
    `select pg_get_userbyid(d.datdba) as "owner",
            pg_encoding_to_char(d.encoding) as "encoding",
            d.datcollate::text as "collate",
            d.datctype::text as "ctype",
            coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') as "localeProvider",
            coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') as "icuLocale",
            to_jsonb(d) ->> 'daticurules' as "icuRules",
            t.spcname::text as "tablespace",
            d.datconnlimit as "connectionLimit",
            shobj_description(d.oid, 'pg_database') as "comment",
            -- An empty ACL (everything revoked) is not the default one, which is null, also where it is written out.
            nullif(case when d.datacl is not null then
              array(select item::text from unnest(d.datacl) as item order by item::text collate "C") end,
              array(select item::text from unnest(acldefault('d', d.datdba)) as item order by item::text collate "C")) as "acl"
       from pg_database d join pg_tablespace t on t.oid = d.dattablespace
      where d.datname = ${literal(name)}`,
    propertiesRow,
  );
  if (properties === undefined) {
    throw new SafeMigrateError({
      code: 'SM_NO_DATABASE',
      message: `The server has no database ${name}.`,
      hint: 'Check the name; somebody may have renamed or dropped the database during the run.',
      docs: 'postgresql.md',
    });
  }
  // setrole 0 is ALTER DATABASE … SET; otherwise ALTER ROLE … IN DATABASE … SET.
  const settings = await session.query(
    `select case when s.setrole <> 0 then pg_get_userbyid(s.setrole) end as "role",
            -- In the order in which a session takes them: search_path decides which configuration a later name means.
            s.setconfig as "config"
       from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
      where d.datname = ${literal(name)} and s.setconfig is not null
      order by s.setrole <> 0, 1`,
    settingsRow,
  );
  return { ...properties, settings };
}
