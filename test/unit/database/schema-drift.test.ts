import { describe, expect, it } from 'vitest';
import { schemaDrift } from '../../../src/database/postgres/schema-drift.ts';

/** An entry of a schema-only dump, as pg_dump prints it. */
const entry = (type: string, name: string, body: string, owner = 'app') =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: public; Owner: ${owner}\n--\n\n${body}\n\n\n`;
const side = (text: string, extensions: readonly string[] = [], owner = 'app') => ({
  text,
  owner,
  extensions,
});
const drift = (is: string, should: string, options: { again?: string; prisma?: string } = {}) =>
  schemaDrift(side(is), side(should), options.again ?? null, options.prisma ?? '');

const view = (body: string) => entry('VIEW', 'v', `CREATE VIEW public.v AS\n ${body};`);

describe('drift', () => {
  it('is none between equal schemas of different owners', () => {
    const owned = (owner: string) =>
      entry(
        'VIEW',
        'v',
        `CREATE VIEW public.v AS\n SELECT 1;\n\n\nALTER VIEW public.v OWNER TO ${owner};`,
        owner,
      ) +
      entry(
        'ACL',
        'VIEW v',
        `REVOKE ALL ON TABLE public.v FROM ${owner};\nGRANT SELECT ON TABLE public.v TO ${owner};`,
        owner,
      );
    const { differences } = schemaDrift(
      side(owned('"App"'), [], 'App'),
      side(owned('ci'), [], 'ci'),
      null,
      '',
    );
    expect(differences).toEqual([]);
  });

  it('is none where a text only prints differently after a restore', () => {
    expect(drift(view('SELECT (1)'), view('SELECT 1')).differences).toHaveLength(1);
    expect(drift(view('SELECT (1)'), view('SELECT 1'), { again: view('SELECT (1)') }).differences).toEqual(
      [],
    );
  });

  it('of a view is dropped before the tables change and made again after', () => {
    expect(drift(view('SELECT 2'), view('SELECT 1'))).toMatchObject({
      before: ['DROP VIEW public.v;'],
      after: ['CREATE VIEW public.v AS\n SELECT 1;'],
      byHand: [],
    });
  });

  it('of a function that nobody asked for is dropped with the types of its arguments', () => {
    const body =
      'CREATE FUNCTION public."F"(a integer, b text DEFAULT \'x\'::text) RETURNS integer\n    LANGUAGE sql\n    AS $$SELECT 1$$;';
    expect(drift(entry('FUNCTION', 'F(integer, text)', body), '').after).toEqual([
      'DROP FUNCTION public."F"(integer, text);',
    ]);
  });

  it('of grants is taken back statement by statement', () => {
    const acl = (body: string) => entry('ACL', 'TABLE t', body);
    const { after } = drift(
      acl(
        'GRANT SELECT ON TABLE public.t TO reader;\nGRANT ALL ON TABLE public.t TO admin WITH GRANT OPTION;',
      ),
      acl('GRANT SELECT ON TABLE public.t TO reader;\nGRANT INSERT ON TABLE public.t TO writer;'),
    );
    expect(after).toEqual([
      'REVOKE ALL ON TABLE public.t FROM admin;',
      'GRANT INSERT ON TABLE public.t TO writer;',
    ]);
  });

  it('that Prisma scripts already is not scripted twice', () => {
    const index = entry(
      'INDEX',
      'User_name',
      'CREATE INDEX "User_name" ON public."User" USING btree (name);',
    );
    expect(drift(index, '').after).toEqual(['DROP INDEX public."User_name";']);
    expect(drift(index, '', { prisma: 'DROP INDEX "User_name";' })).toMatchObject({
      differences: ['INDEX public.User_name is not in the migrations'],
      after: [],
      byHand: [],
    });
  });

  it('of checks in a table is scripted, and of what neither Prisma nor we can script it is said so', () => {
    const table = (lines: string) =>
      entry('TABLE', 't', `CREATE TABLE public.t (\n    id integer NOT NULL,\n${lines}\n);`);
    const found = drift(
      table('    g integer GENERATED ALWAYS AS ((id * 2)) STORED,\n    CONSTRAINT small CHECK ((id < 5))'),
      table('    g integer GENERATED ALWAYS AS ((id * 3)) STORED,\n    CONSTRAINT large CHECK ((id > 5))'),
    );
    expect(found.after).toEqual([
      'ALTER TABLE public.t DROP CONSTRAINT small;',
      'ALTER TABLE public.t ADD CONSTRAINT large CHECK ((id > 5));',
    ]);
    expect(found.byHand).toEqual([expect.stringContaining('GENERATED ALWAYS AS ((id * 2)) STORED')]);
  });

  it('of a kind of object that is not known here is told with its definition', () => {
    const operator = (body: string) => entry('OPERATOR', '+', body);
    const { byHand } = drift(
      operator('CREATE OPERATOR public.+ (a);'),
      operator('CREATE OPERATOR public.+ (b);'),
    );
    expect(byHand).toEqual([
      'make OPERATOR public.+ again as the migrations define it:\nCREATE OPERATOR public.+ (b);',
    ]);
  });

  it('of extensions: what is missing is made first, what is too much is dropped last', () => {
    const { before, after } = schemaDrift(side('', ['citext']), side('', ['pg_trgm']), null, '');
    expect({ before, after }).toEqual({
      before: ['CREATE EXTENSION "pg_trgm";'],
      after: ['DROP EXTENSION "citext";'],
    });
  });

  it('leaves the migration history itself out', () => {
    expect(
      drift(
        entry('TABLE', '_prisma_migrations', 'CREATE TABLE public._prisma_migrations (\n    id text\n);'),
        '',
      ).differences,
    ).toEqual([]);
  });
});
