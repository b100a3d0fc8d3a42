import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { addQuotations } from '../support/erp.ts';
import { expectRefused } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

const pending = { '20260103000000_add_quotations': addQuotations };

interface MissingRight {
  readonly right: string;
  readonly code: string;
  /** Run by the superuser, in the target. */
  readonly takenAway: (world: World) => string;
  readonly closed: readonly string[];
  readonly reason: RegExp;
}

const everything = ['untouched', 'history', 'swap', 'in-place'];
const swapOnly = ['swap', 'in-place'];

const rights: readonly MissingRight[] = [
  {
    right: 'to create databases',
    code: 'SM_NO_CREATEDB',
    takenAway: ({ user }) => `ALTER ROLE "${user}" NOCREATEDB`,
    closed: swapOnly,
    reason: /may not create databases/,
  },
  {
    right: 'to rename the database',
    code: 'SM_NOT_OWNER',
    takenAway: ({ database, user }) =>
      `ALTER DATABASE "${database}" OWNER TO postgres; GRANT ALL ON DATABASE "${database}" TO "${user}"`,
    closed: swapOnly,
    reason: /does not own database/,
  },
  {
    right: 'to read a table',
    code: 'SM_TABLE_UNREADABLE',
    takenAway: ({ user }) => `REVOKE SELECT ON "Note" FROM "${user}"`,
    closed: everything,
    reason: /cannot read table or sequence public\."Note"/,
  },
  {
    right: 'to read a sequence',
    code: 'SM_TABLE_UNREADABLE',
    takenAway: ({ user }) => `REVOKE SELECT ON SEQUENCE "Note_id_seq" FROM "${user}"`,
    closed: everything,
    reason: /cannot read table or sequence public\."Note_id_seq"/,
  },
  {
    right: 'to enter a schema',
    code: 'SM_TABLE_UNREADABLE',
    takenAway: ({ user }) =>
      `CREATE SCHEMA closed AUTHORIZATION "${user}"; CREATE TABLE closed.t (id int); ALTER TABLE closed.t OWNER TO "${user}"; REVOKE USAGE ON SCHEMA closed FROM "${user}"`,
    closed: everything,
    reason: /cannot read table or sequence closed\.t/,
  },
  {
    right: 'to read a large object',
    code: 'SM_TABLE_UNREADABLE',
    takenAway: ({ user }) =>
      `SELECT lo_create(4711); ALTER LARGE OBJECT 4711 OWNER TO "${user}"; REVOKE ALL ON LARGE OBJECT 4711 FROM "${user}"; ALTER LARGE OBJECT 4711 OWNER TO postgres; CREATE ROLE "${user}_blobs"; ALTER LARGE OBJECT 4711 OWNER TO "${user}_blobs"; GRANT "${user}_blobs" TO "${user}"; ALTER ROLE "${user}" NOINHERIT`,
    closed: everything,
    reason: /cannot read large object 4711/,
  },
  {
    right: 'to see all rows',
    code: 'SM_FORCE_RLS',
    takenAway: () => 'ALTER TABLE "Note" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
    closed: everything,
    reason: /Row-level security hides rows of table public\."Note"/,
  },
  {
    right: 'to act for the owner of an object',
    code: 'SM_FOREIGN_OWNER',
    takenAway: ({ user }) => `CREATE TABLE theirs (id int); GRANT SELECT ON theirs TO "${user}"`,
    closed: swapOnly,
    reason: /cannot give a restored copy the owner of the object table public\.theirs \(postgres\)/,
  },
  {
    right: 'to create an extension',
    code: 'SM_UNTRUSTED_EXTENSION',
    takenAway: () => 'CREATE EXTENSION dblink',
    closed: swapOnly,
    reason: /Only a superuser may create the extension dblink/,
  },
  {
    right: 'to publish all tables',
    code: 'SM_PUBLICATION_OF_ALL',
    takenAway: () => 'CREATE PUBLICATION everything FOR ALL TABLES',
    closed: swapOnly,
    reason: /Only a superuser may create the publication everything/,
  },
];

describe('the table of ways of recovery says what is closed for want of the right', () => {
  it.each(rights)('$right', async ({ code, takenAway, closed, reason }) => {
    await using world = await createWorld({ pending });
    await world.cluster.psql(world.database, takenAway(world));
    const { report } = await expectRefused(world, {}, [code]);
    expect(report.recoveryWays.filter(({ open }) => !open).map(({ way }) => way)).toEqual(closed);
    expect(report.recoveryWays.find(({ way }) => way === 'swap')?.because.join()).toMatch(reason);
  });

  it.each([
    ['a role that it is no member of', 'stranger', (role: string) => new RegExp(`${role}: 1`)],
    ['a superuser', 'SUPERUSER', (role: string) => new RegExp(`${role} \\(superuser\\): 1`)],
  ])('to end the session of %s', async (_, attributes, reason) => {
    await using world = await createWorld({ pending });
    const role = `other_${world.database}`;
    await world.cluster.createRole(role, { attributes: attributes === 'SUPERUSER' ? 'SUPERUSER' : '' });
    const client = new pg.Client({
      connectionString: world.cluster.url({ database: world.database, user: role }),
    });
    client.on('error', () => {});
    await client.connect();
    try {
      const { report } = await expectRefused(world, {}, ['SM_FOREIGN_SESSIONS']);
      expect(report.recoveryWays.filter(({ open }) => !open).map(({ way }) => way)).toEqual(swapOnly);
      expect(report.recoveryWays.find(({ way }) => way === 'swap')?.because.join()).toMatch(reason(role));
    } finally {
      await client.end();
    }
  });
});
