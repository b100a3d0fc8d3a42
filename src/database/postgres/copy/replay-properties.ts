import { z } from 'zod';
import type { DatabaseProperties } from '../../database.ts';
import { identifier, literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';
import { comparableSetting } from './database-settings.ts';
import { readProperties } from './properties.ts';
import { propertyError } from './property-error.ts';
import { replaySettings, resetSettings } from './replay-settings.ts';

/**
 * Gives database `name`, which was made with the right owner, the ACL, settings (its own and per role) and connection
 * limit of `properties`, then reads everything back: neither a dump nor TEMPLATE carries them, and a lost REVOKE is a
 * security hole. The comment is left alone, it holds the mark. `admin` is a session in another database.
 * Rejects with SM_PROPERTY, naming what cannot be carried over.
 */
export async function replayProperties(
  admin: SqlSession,
  name: string,
  properties: DatabaseProperties,
): Promise<void> {
  const database = identifier(name);
  const apply = async (what: string, statements: string): Promise<void> => {
    try {
      await admin.execute(statements);
    } catch (cause) {
      if (!(cause instanceof SqlError)) throw cause;
      throw propertyError(`${what} cannot be carried over to ${name}: ${cause.primaryMessage}`, cause);
    }
  };

  await replayAcl(admin, name, properties.owner, properties.acl, apply);
  // What was in force only while it was filled goes.
  await resetSettings(admin, name);
  await replaySettings(admin, name, properties.settings);
  await apply(
    'the connection limit',
    `ALTER DATABASE ${database} CONNECTION LIMIT ${properties.connectionLimit}`,
  );

  const differences = compareProperties(properties, await readProperties(admin, name));
  if (differences.length > 0) {
    throw propertyError(`${name} could not be given all properties of the target: ${differences.join('; ')}`);
  }
}

/** What differs between two databases' properties, their comments aside. Empty when they are alike. */
export function compareProperties(
  expected: DatabaseProperties,
  actual: DatabaseProperties,
): readonly string[] {
  const differences: string[] = [];
  const expect = (what: string, before: string | number | null, after: string | number | null): void => {
    if (before !== after)
      differences.push(`${what} is ${after ?? 'not set'} instead of ${before ?? 'not set'}`);
  };
  expect('the owner', expected.owner, actual.owner);
  expect('the encoding', expected.encoding, actual.encoding);
  expect('LC_COLLATE', expected.collate, actual.collate);
  expect('LC_CTYPE', expected.ctype, actual.ctype);
  expect('the locale provider', expected.localeProvider, actual.localeProvider);
  expect('the ICU locale', expected.icuLocale, actual.icuLocale);
  expect('the ICU rules', expected.icuRules, actual.icuRules);
  expect('the tablespace', expected.tablespace, actual.tablespace);
  expect('the connection limit', expected.connectionLimit, actual.connectionLimit);
  expect('the ACL', aclText(expected), aclText(actual));
  const [before, after] = [settingsByRole(expected), settingsByRole(actual)];
  for (const role of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(role) === after.get(role)) continue;
    differences.push(role === '' ? 'its settings differ' : `its settings for role ${role} differ`);
  }
  return differences;
}

const grantRow = z.object({
  grantor: z.string(),
  /** null is PUBLIC. */
  grantee: z.string().nullable(),
  privilege: z.string(),
  grantable: z.boolean(),
});

/**
 * Takes away what a new database gives by default and what the run needed to fill it, then grants each item again as the role
 * that had granted it. `acl` null is the default one.
 */
async function replayAcl(
  admin: SqlSession,
  name: string,
  owner: string,
  acl: readonly string[] | null,
  apply: (what: string, statements: string) => Promise<void>,
): Promise<void> {
  const database = identifier(name);
  await apply(
    'its ACL',
    `REVOKE ALL ON DATABASE ${database} FROM PUBLIC, ${identifier(owner)}, CURRENT_USER`,
  );
  const grants = await admin.query(
    `SELECT pg_catalog.pg_get_userbyid(g.grantor) AS "grantor",
            CASE WHEN g.grantee <> 0 THEN pg_catalog.pg_get_userbyid(g.grantee) END AS "grantee",
            g.privilege_type AS "privilege", g.is_grantable AS "grantable"
       FROM pg_catalog.aclexplode(${
         acl === null
           ? `pg_catalog.acldefault('d', ${literal(identifier(owner))}::pg_catalog.regrole::oid)`
           : `ARRAY[${acl.map(literal).join(', ')}]::pg_catalog.aclitem[]`
       }) AS g`,
    grantRow,
  );
  // What the owner granted comes first: others can only pass on what they have.
  const ownersFirst = grants.toSorted((a, b) => Number(a.grantor !== owner) - Number(b.grantor !== owner));
  for (const { grantor, grantee, privilege, grantable } of ownersFirst) {
    const to = grantee === null ? 'PUBLIC' : identifier(grantee);
    const grant = `GRANT ${privilege} ON DATABASE ${database} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''}`;
    const label = `the privilege ${privilege} of ${grantee ?? 'PUBLIC'}`;
    if (grantor === owner) await apply(label, grant);
    else await applyAs(admin, grantor, (statements) => apply(label, statements), grant);
  }
}

async function applyAs(
  admin: SqlSession,
  role: string,
  apply: (statements: string) => Promise<void>,
  statement: string,
): Promise<void> {
  try {
    await apply(`BEGIN; SET LOCAL ROLE ${identifier(role)}; ${statement}; COMMIT`);
  } catch (error) {
    await admin.execute('ROLLBACK');
    throw error;
  }
}

/** An ACL that was changed and changed back says what the default one says. */
function aclText({ acl, owner }: DatabaseProperties): string {
  const name = /^\w+$/.test(owner) ? owner : `"${owner.replaceAll('"', '""')}"`;
  const items = acl ?? [`=Tc/${name}`, `${name}=CTc/${name}`];
  return `{${items.toSorted().join(',')}}`;
}

function settingsByRole(properties: DatabaseProperties): ReadonlyMap<string, string> {
  return new Map(
    properties.settings.map(({ role, config }) => [role ?? '', config.map(comparableSetting).join('\n')]),
  );
}
