import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Obstacle, TargetFacts } from '../../../src/database/database.ts';
import { connectServer } from '../../../src/database/postgres/connect/connect.ts';
import { readProperties } from '../../../src/database/postgres/copy/properties.ts';
import { inspect } from '../../../src/database/postgres/inspect/inspect.ts';
import type { SqlSession } from '../../../src/database/postgres/server/server.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

let postgres: PostgresCluster;

beforeAll(async () => {
  postgres = await sharedPostgres();
});

async function sessionOf(url: string): Promise<{ session: SqlSession; look: () => Promise<TargetFacts> }> {
  const parsed = parsePostgresUrl(url);
  if (parsed.target === null) throw new Error(JSON.stringify(parsed.problems));
  const server = await connectServer(parsed.target);
  const session = await server.connect(parsed.target.address.database);
  return { session, look: () => inspect(session, server.version) };
}

/** What the owner, or another role, of the database is told about it. */
async function inspectAs(database: string, user: string): Promise<TargetFacts> {
  const { session, look } = await sessionOf(postgres.url({ database, user }));
  try {
    return await look();
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

function brief(obstacles: readonly Obstacle[]): unknown[] {
  return obstacles.map(({ code, closes }) => [code, closes]);
}

const swap = (code: string) => [code, ['swap']];

async function newRole(attributes = 'CREATEDB'): Promise<string> {
  const name = `role_${randomBytes(4).toString('hex')}`;
  await postgres.createRole(name, { attributes });
  return name;
}

describe('an ordinary owner with CREATEDB', () => {
  test('has every way of recovery open', async () => {
    const { database, user } = await postgres.createOwnedDatabase('inspect');
    await postgres.psql(
      database,
      `grant create on schema public to "${user}"; set role "${user}";
       create table a (id serial primary key); create table parts (k int) partition by list (k);
       create table part_1 partition of parts for values in (1); create view v as select 1`,
    );
    const facts = await inspectAs(database, user);
    expect(facts).toMatchObject({ mayCreateDatabases: true, tableCount: 2, obstacles: [], warnings: [] });
    expect(String(facts.oid)).toBe(
      await postgres.psql('postgres', `select oid from pg_database where datname = '${database}'`),
    );
    expect(facts.sizeBytes).toBeGreaterThan(5_000_000);
  });
});

test('an ACL from which everything was revoked is not the default ACL', async () => {
  const { database, user } = await postgres.createOwnedDatabase('revoked');
  expect((await inspectAs(database, user)).properties.acl).toBeNull();
  await postgres.psql('postgres', `revoke all on database "${database}" from public, "${user}"`);
  const { session } = await sessionOf(postgres.url({ database }));
  try {
    expect((await readProperties(session, database)).acl).toEqual([]);
  } finally {
    await session[Symbol.asyncDispose]();
  }
});

describe('what the role cannot read closes everything', () => {
  test('tables, partitioned tables, sequences and what lies in a closed schema, each by name', async () => {
    const { database, user } = await postgres.createOwnedDatabase('unreadable');
    await postgres.psql(
      database,
      `create table "Odd name" (id int); create sequence counter; create table parts (k int) partition by list (k);
       create schema closed; create table closed.seen (id int); grant select on closed.seen to "${user}";
       create table partly (a int, b int); grant select (a) on partly to "${user}";
       create extension hstore; create unlogged table shared (id int); grant select on shared to public`,
    );
    const { obstacles } = await inspectAs(database, user);
    expect(brief(obstacles)).toEqual([['SM_TABLE_UNREADABLE', 'all'], swap('SM_FOREIGN_OWNER')]);
    expect(obstacles[0]?.message).toBe(
      `Role ${user} cannot read 5 tables and sequences (closed.seen, public."Odd name", public.partly, public.parts, public.counter).`,
    );
    expect(obstacles[0]?.hint).toContain('GRANT SELECT');
  });

  test('of many only ten are named', async () => {
    const { database, user } = await postgres.createOwnedDatabase('many');
    await postgres.psql(
      database,
      "do $$ begin for i in 1..25 loop execute format('create table t%s (id int)', i); end loop; end $$",
    );
    const { obstacles } = await inspectAs(database, user);
    expect(obstacles[0]?.message).toMatch(
      /cannot read 25 tables and sequences \((public\.t\d+(, )?){10} and 15 more\)/,
    );
  });

  test('large objects of others', async () => {
    const { database, user } = await postgres.createOwnedDatabase('blobs');
    await postgres.psql(
      database,
      `select lo_create(70001), lo_create(70002), lo_create(70003); grant select on large object 70001 to public;
       grant select on large object 70002 to "${user}"`,
    );
    const { obstacles } = await inspectAs(database, user);
    expect(brief(obstacles)).toEqual([['SM_TABLE_UNREADABLE', 'all'], swap('SM_FOREIGN_OWNER')]);
    expect(obstacles[0]?.message).toContain('large object 70003');
  });

  test('rows that policies hide, from the owner too when they are forced', async () => {
    const { database, user } = await postgres.createOwnedDatabase('policies');
    await postgres.psql(
      database,
      `set role "${user}"; create schema own; create table own.forced (id int); create table own.plain (id int);
       alter table own.forced enable row level security, force row level security;
       alter table own.plain enable row level security; reset role;
       create table foreign_rows (id int); alter table foreign_rows enable row level security;
       grant select on foreign_rows to "${user}"`,
    );
    const { obstacles } = await inspectAs(database, user);
    expect(brief(obstacles)).toEqual([['SM_FORCE_RLS', 'all'], swap('SM_FOREIGN_OWNER')]);
    expect(obstacles[0]?.message).toContain('2 tables (own.forced, public.foreign_rows)');

    await postgres.psql('postgres', `alter role "${user}" bypassrls`);
    expect(brief((await inspectAs(database, user)).obstacles)).toEqual([swap('SM_FOREIGN_OWNER')]);
  });
});

describe('what closes the swap only', () => {
  test('a role that may not create databases', async () => {
    const { database, user } = await postgres.createOwnedDatabase('nocreatedb');
    await postgres.psql('postgres', `alter role "${user}" nocreatedb`);
    const facts = await inspectAs(database, user);
    expect(facts.mayCreateDatabases).toBe(false);
    expect(brief(facts.obstacles)).toEqual([swap('SM_NO_CREATEDB')]);
    expect(facts.obstacles[0]?.hint).toContain(`ALTER ROLE "${user}" CREATEDB`);
  });

  test('a role that does not own the database; a member of the owner does', async () => {
    const { database, user: owner } = await postgres.createOwnedDatabase('owned');
    const other = await newRole();
    const facts = await inspectAs(database, other);
    expect(brief(facts.obstacles)).toEqual([swap('SM_NOT_OWNER')]);
    expect(facts.obstacles[0]?.message).toContain(owner);

    await postgres.psql('postgres', `grant "${owner}" to "${other}"`);
    expect((await inspectAs(database, other)).obstacles).toEqual([]);
  });

  test('a prepared transaction', async () => {
    const { database, user } = await postgres.createOwnedDatabase('prepared');
    await postgres.psql(database, "begin; create table t (); prepare transaction 'order ''66'''");
    try {
      const { obstacles } = await inspectAs(database, user);
      expect(brief(obstacles)).toEqual([swap('SM_PREPARED_TRANSACTIONS')]);
      expect(obstacles[0]?.message).toContain("the prepared transaction 'order ''66'''");
    } finally {
      await postgres.psql(database, "rollback prepared 'order ''66'''");
    }
  });

  test('a logical replication slot, also an inactive one', async () => {
    const { database, user } = await postgres.createOwnedDatabase('slot');
    const slot = `slot_${randomBytes(4).toString('hex')}`;
    await postgres.psql(database, `select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    try {
      const { obstacles } = await inspectAs(database, user);
      expect(brief(obstacles)).toEqual([swap('SM_LOGICAL_SLOT')]);
      expect(obstacles[0]?.message).toContain(slot);
    } finally {
      await postgres.psql(database, `select pg_drop_replication_slot('${slot}')`);
    }
  });

  test('a subscription', async () => {
    const { database, user } = await postgres.createOwnedDatabase('subscribed');
    await postgres.psql(
      database,
      "create subscription sub connection 'dbname=x' publication p with (connect = false, slot_name = none)",
    );
    expect(brief((await inspectAs(database, user)).obstacles)).toEqual([swap('SM_SUBSCRIPTION')]);
  });

  test("a template, and the server's own database", async () => {
    const { database, user } = await postgres.createOwnedDatabase('template');
    await postgres.psql('postgres', `alter database "${database}" is_template true`);
    try {
      expect(brief((await inspectAs(database, user)).obstacles)).toEqual([swap('SM_TEMPLATE_DATABASE')]);
    } finally {
      await postgres.psql('postgres', `alter database "${database}" is_template false`);
    }
    const { obstacles } = await inspectAs('postgres', user);
    expect(brief(obstacles)).toContainEqual(swap('SM_MAINTENANCE_DATABASE'));
  });

  test('sessions that the role may not end, and no others', async () => {
    const { database, user } = await postgres.createOwnedDatabase('sessions');
    const [stranger, friend] = [await newRole(), await newRole()];
    await postgres.psql('postgres', `grant "${friend}" to "${user}"`);
    const open = await Promise.all(
      [{ user: stranger }, { user: friend }, { user }, {}].map((who) =>
        sessionOf(postgres.url({ database, ...who })),
      ),
    );
    try {
      const { obstacles } = await inspectAs(database, user);
      expect(brief(obstacles)).toEqual([swap('SM_FOREIGN_SESSIONS')]);
      expect(obstacles[0]?.message).toContain(`(postgres (superuser): 1, ${stranger}: 1)`);
      // Not membership in the stranger, who owns data.
      expect(obstacles[0]?.hint).toContain(`GRANT pg_signal_backend TO "${user}";`);
      expect(obstacles[0]?.hint).not.toContain(stranger);
      expect(obstacles[0]?.hint).toContain('Close the sessions of superusers (postgres)');

      await postgres.psql('postgres', `grant pg_signal_backend to "${user}"`);
      const after = await inspectAs(database, user);
      expect(after.obstacles[0]?.message).toContain('(postgres (superuser): 1)');
    } finally {
      await Promise.all(open.map(({ session }) => session[Symbol.asyncDispose]()));
    }
    await expect.poll(async () => brief((await inspectAs(database, user)).obstacles)).toEqual([]);
  });

  test('nothing, for a superuser in an ordinary database', async () => {
    const { database } = await postgres.createOwnedDatabase('super');
    await postgres.psql(
      database,
      'create table t (id int); alter table t enable row level security, force row level security',
    );
    const { session, look } = await sessionOf(postgres.url({ database }));
    await using _ = session;
    expect((await look()).obstacles).toEqual([]);
  });
});

describe('properties', () => {
  test('are those of the database, whichever database they are asked from', async () => {
    const { database, user } = await postgres.createOwnedDatabase('props');
    const reader = await newRole();
    await postgres.psql(
      'postgres',
      `comment on database "${database}" is 'it''s "ours"'; alter database "${database}" connection limit 17;
       revoke all on database "${database}" from public; grant connect on database "${database}" to "${reader}";
       alter database "${database}" set work_mem = '8MB'; alter database "${database}" set search_path = 'a', 'B c';
       alter role "${reader}" in database "${database}" set statement_timeout = '5s'`,
    );
    const { session } = await sessionOf(postgres.url({ user }));
    await using _ = session;
    expect(await readProperties(session, database)).toEqual({
      owner: user,
      encoding: 'UTF8',
      collate: 'C.UTF-8',
      ctype: 'C.UTF-8',
      localeProvider: 'c',
      icuLocale: null,
      icuRules: null,
      tablespace: 'pg_default',
      connectionLimit: 17,
      comment: `it's "ours"`,
      acl: [`${reader}=c/${user}`, `${user}=CTc/${user}`].toSorted(),
      settings: [
        { role: null, config: ['work_mem=8MB', 'search_path=a, "B c"'] },
        { role: reader, config: ['statement_timeout=5s'] },
      ],
    });
  });

  test('of a fresh database are the defaults', async () => {
    const { database, url } = await postgres.createOwnedDatabase('fresh');
    const { session } = await sessionOf(url);
    await using _ = session;
    expect(await readProperties(session, database)).toMatchObject({
      acl: null,
      settings: [],
      comment: null,
      connectionLimit: -1,
    });
  });

  test('of a database that is not there are an error', async () => {
    const { session } = await sessionOf(postgres.url());
    await using _ = session;
    await expect(readProperties(session, "it's gone")).rejects.toMatchObject({ code: 'SM_NO_DATABASE' });
  });
});

test('options of user mappings that PostgreSQL hides from the role are named, and to a superuser none', async () => {
  const { database, user } = await postgres.createOwnedDatabase('mappings');
  const other = await newRole();
  await postgres.psql(
    database,
    `create foreign data wrapper ours; create server mine foreign data wrapper ours; alter server mine owner to "${user}";
     create server theirs foreign data wrapper ours; grant usage on foreign server theirs to "${user}";
     create user mapping for public server mine options (password 'a'); create user mapping for "${user}" server mine options (password 'b');
     create user mapping for "${user}" server theirs options (password 'c');`,
  );
  const codes = async () =>
    (await inspectAs(database, user)).obstacles.filter(({ code }) => code === 'SM_USER_MAPPING_HIDDEN');
  expect(await codes()).toEqual([]);
  await postgres.psql(
    database,
    `create user mapping for "${other}" server mine options (password 'd'); create user mapping for public server theirs`,
  );
  expect(await codes()).toMatchObject([
    {
      closes: 'all',
      message: expect.stringContaining(
        `2 user mappings (for PUBLIC on server theirs, for ${other} on server mine)`,
      ),
    },
  ]);
  const { session, look } = await sessionOf(postgres.url({ database }));
  expect(brief((await look()).obstacles)).not.toContainEqual(['SM_USER_MAPPING_HIDDEN', 'all']);
  await session[Symbol.asyncDispose]();
});

test('collations whose rules the server has changed are told by name', async () => {
  const { database, user } = await postgres.createOwnedDatabase('collations');
  await postgres.psql(
    database,
    `create collation public.used (provider = icu, locale = 'de'); create collation public.unused (provider = icu, locale = 'de');
     create table t (a text collate public.used); create index on t (a); alter table t owner to "${user}";
     update pg_collation set collversion = '1' where collname in ('used', 'unused');
     update pg_database set datcollversion = '1' where datname = current_database()`,
  );
  const { warnings } = await inspectAs(database, user);
  expect(warnings).toEqual([
    expect.stringMatching(
      /^collation public\.used sorts by version 1 of its rules, and the server has version [\d.]+:/,
    ),
  ]);
});
