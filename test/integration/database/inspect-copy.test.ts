import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { connectServer } from '../../../src/database/postgres/connect/connect.ts';
import { inspect } from '../../../src/database/postgres/inspect/inspect.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

/** What the owner of a database, and nothing more, cannot make again in a restored copy of it. */
const postgres = await sharedPostgres();

async function look(database: string, user?: string) {
  const { target } = parsePostgresUrl(postgres.url({ database, ...(user === undefined ? {} : { user }) }));
  if (target === null) throw new Error('no target');
  const server = await connectServer(target);
  await using session = await server.connect(database);
  return await inspect(session, server.version);
}

async function roleName(): Promise<string> {
  const name = `role_${randomBytes(4).toString('hex')}`;
  await postgres.createRole(name, { attributes: '' });
  return name;
}

test.each([
  ['table', 'create table x (id int)', 'table public.x'],
  ['view', 'create view x as select 1', 'view public.x'],
  ['function', 'create function x() returns int language sql return 1', 'function public.x()'],
  ['schema', 'create schema x', 'schema x'],
  ['enum', "create type x as enum ('a')", 'type public.x'],
  ['domain', 'create domain x as int', 'type public.x'],
  ['composite type', 'create type x as (a int)', 'type public.x'],
  ['operator', 'create operator === (leftarg = int, rightarg = int, function = int4eq)', 'operator'],
  [
    'text search configuration',
    'create text search configuration x (copy = simple)',
    'text search configuration',
  ],
  ['collation', "create collation x (locale = 'C')", 'collation public.x'],
  ['large object', 'select lo_create(90210)', 'large object 90210'],
])('a %s of somebody else, by its name', async (_, sql, name) => {
  const { database, user } = await postgres.createOwnedDatabase('foreign');
  const other = await roleName();
  await postgres.psql(
    database,
    `grant create on schema public to "${other}"; grant create on database "${database}" to "${other}";
     set role "${other}"; ${sql};
     reset role; grant select on all tables in schema public to "${user}"; ${name.startsWith('large') ? `grant select on large object 90210 to "${user}"` : ''}`,
  );
  const { obstacles } = await look(database, user);
  expect(obstacles).toMatchObject([{ code: 'SM_FOREIGN_OWNER', closes: ['swap'] }]);
  expect(obstacles[0]?.message).toContain(name);
  expect(obstacles[0]?.hint).toContain(`GRANT ${other} TO "${user}"`);

  await postgres.psql('postgres', `grant "${other}" to "${user}"`);
  expect((await look(database, user)).obstacles).toEqual([]);
});

test.each([
  ['an extension that is not trusted', 'create extension dblink', 'SM_UNTRUSTED_EXTENSION', 'dblink'],
  [
    'a publication of all tables',
    'create publication everything for all tables',
    'SM_PUBLICATION_OF_ALL',
    'everything',
  ],
  [
    'a publication of a schema',
    'create publication part for tables in schema public',
    'SM_PUBLICATION_OF_ALL',
    'part',
  ],
  [
    'an event trigger',
    `create function watch() returns event_trigger language plpgsql as 'begin end'; create event trigger watcher on sql_drop execute function watch()`,
    'SM_EVENT_TRIGGER',
    'watcher',
  ],
])(
  '%s closes the swap for an owner, is a doubt on a managed platform, and is nothing to a superuser',
  async (_, sql, code, name) => {
    const { database, user } = await postgres.createOwnedDatabase('super');
    await postgres.psql(database, sql);
    // Their owner is the superuser, who is no member of anybody: only the one obstacle counts here.
    const ofCode = async (as?: string) =>
      (await look(database, as)).obstacles.filter((each) => each.code === code);
    expect(await ofCode(user)).toMatchObject([{ closes: ['swap'], message: expect.stringContaining(name) }]);
    expect((await ofCode(user))[0]?.isDoubt).toBeUndefined();
    expect(await ofCode()).toEqual([]);

    await postgres.psql(
      'postgres',
      `do $$ begin create role rds_superuser; exception when duplicate_object or unique_violation then null; end $$;
     grant rds_superuser to "${user}"`,
    );
    expect(await ofCode(user)).toMatchObject([{ closes: ['swap'], isDoubt: true }]);
  },
);

test('what came with an object of its own closes nothing: functions of a range, sequences of identities, array types', async () => {
  const { database, user } = await postgres.createOwnedDatabase('own');
  await postgres.psql(
    database,
    `grant create on schema public to "${user}"; set role "${user}";
     create type span as range (subtype = text); create table t (id int generated always as identity, s serial, spans span[]);
     create view v as select 1; create domain d as int check (value > 0);
     alter default privileges grant select on tables to public`,
  );
  expect((await look(database, user)).obstacles).toEqual([]);
});

test('a trusted extension, and what belongs to it, closes nothing', async () => {
  const { database, user } = await postgres.createOwnedDatabase('trusted');
  await postgres.psql(database, 'create extension hstore; create extension pg_trgm; create extension citext');
  expect((await look(database, user)).obstacles).toEqual([]);
});

test('triggers that act outside of the database are warned about, others not', async () => {
  const { database, user } = await postgres.createOwnedDatabase('reach');
  await postgres.psql(
    database,
    `grant create on schema public to "${user}"; set role "${user}";
     create table orders (id int); create table audit (id int);
     create function tell() returns trigger language plpgsql as $$ begin perform pg_notify('orders', new.id::text); return new; end $$;
     create function keep() returns trigger language plpgsql as $$ begin insert into audit values (new.id); return new; end $$;
     create trigger tell_others after insert on orders for each row execute function tell();
     create trigger keep_copy after insert on orders for each row execute function keep();
     create trigger silent after insert on audit for each row execute function tell();
     alter table audit disable trigger silent;`,
  );
  const { warnings, obstacles } = await look(database, user);
  expect(obstacles).toEqual([]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('the trigger tell_others on public.orders may act outside of the database');
});

test('an extension of a role that would lose it, unless either is a member of the other', async () => {
  const { database, user } = await postgres.createOwnedDatabase('extension');
  const keeper = await roleName();
  await postgres.psql(
    database,
    `create extension pg_trgm; grant create on database "${database}" to "${keeper}"; set role "${keeper}"; create extension citext`,
  );
  expect((await look(database, user)).obstacles).toMatchObject([
    {
      code: 'SM_EXTENSION_OWNER',
      closes: ['swap'],
      ofCopy: true,
      message: expect.stringContaining(`citext (${keeper})`),
    },
  ]);
  await postgres.psql('postgres', `grant "${user}" to "${keeper}"`);
  expect((await look(database, user)).obstacles).toEqual([]);
  await postgres.psql('postgres', `revoke "${user}" from "${keeper}"; grant "${keeper}" to "${user}"`);
  expect((await look(database, user)).obstacles).toEqual([]);
});

test('a foreign key whose triggers are disabled, also to a superuser, and the way out opens it', async () => {
  const { database, user } = await postgres.createOwnedDatabase('disabled');
  await postgres.psql(
    database,
    `set role "${user}"; create table a (id int primary key); create table "B b" (a int, constraint "to A" foreign key (a) references a);
     create function f() returns trigger language plpgsql as 'begin return new; end'; create trigger theirs before insert on a execute function f();
     alter table a disable trigger theirs; reset role; alter table "B b" disable trigger all`,
  );
  for (const role of [user, undefined]) {
    expect((await look(database, role)).obstacles).toMatchObject([
      {
        code: 'SM_DISABLED_CONSTRAINT',
        closes: ['swap'],
        ofCopy: true,
        message: expect.stringContaining('the constraint to A at public."B b" are disabled'),
        hint: expect.stringContaining('ALTER TABLE public."B b" ENABLE TRIGGER ALL;'),
      },
    ]);
  }
  await postgres.psql(database, 'alter table public."B b" enable trigger all');
  expect((await look(database, user)).obstacles).toEqual([]);
});
