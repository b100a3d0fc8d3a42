import { describe, expect, it } from 'vitest';
import { comparableEntries } from '../../../src/database/postgres/drift/comparable-entries.ts';
import { differencesBetween, sentenceOf } from '../../../src/database/postgres/drift/differences.ts';
import { keepsWhatBelongs } from '../../../src/database/postgres/drift/keeps-what-belongs.ts';
import { prismaPieces } from '../../../src/database/postgres/drift/prisma-pieces.ts';
import { reconcileScript } from '../../../src/database/postgres/drift/reconcile-script.ts';
import { additions, changes } from '../../../src/database/postgres/drift/tasks.ts';

/** An entry of a schema-only dump, as pg_dump prints it. */
const entry = (type: string, name: string, body: string, owner = 'app') =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: public; Owner: ${owner}\n--\n\n${body}\n\n\n`;
const side = (text: string, owner = 'app') => ({ text, owner, extensions: [] });
const differences = (is: string, should: string, again?: string) =>
  differencesBetween(side(is), side(should), again === undefined ? null : side(again));
const ways = (is: string, should: string) => {
  const found = differences(is, should);
  return [...changes(found), ...additions(found)].map((task) => task.ways);
};

const view = (body: string) => entry('VIEW', 'v', `CREATE VIEW public.v AS\n ${body};`);
const table = (lines: string) => entry('TABLE', 't', `CREATE TABLE public.t (\n${lines}\n);`);

describe('drift', () => {
  it('is none between equal schemas of different owners', () => {
    const owned = (owner: string) =>
      entry(
        'VIEW',
        'v',
        `CREATE VIEW public.v AS\n SELECT 1;\n\n\nALTER VIEW public.v OWNER TO ${owner};`,
        owner.replaceAll('"', ''),
      ) +
      entry(
        'ACL',
        'VIEW v',
        `REVOKE ALL ON TABLE public.v FROM ${owner};\nGRANT SELECT ON TABLE public.v TO ${owner};`,
        owner.replaceAll('"', ''),
      );
    expect(differencesBetween(side(owned('"App"'), 'root'), side(owned('ci'), 'ci'), null)).toEqual([]);
  });

  it('of default privileges is none when they are those of whoever runs the migrations', () => {
    const given = (owner: string, other = owner) =>
      entry(
        'TABLE',
        '_prisma_migrations',
        'CREATE TABLE public._prisma_migrations (\n    id text\n);',
        owner,
      ) +
      entry(
        'DEFAULT ACL',
        'DEFAULT PRIVILEGES FOR TABLES',
        `ALTER DEFAULT PRIVILEGES FOR ROLE ${other} IN SCHEMA public GRANT SELECT ON TABLES TO reader;`,
        other,
      );
    expect(differencesBetween(side(given('app'), 'root'), side(given('ci'), 'ci'), null)).toEqual([]);
    expect(
      differencesBetween(side(given('app', 'root'), 'root'), side(given('ci'), 'ci'), null),
    ).toHaveLength(1);
  });

  it('of a function’s body is seen in a line that looks like one of pg_dump’s', () => {
    const body = (owner: string) =>
      entry(
        'FUNCTION',
        'f()',
        `CREATE FUNCTION public.f() RETURNS void\n    LANGUAGE plpgsql\n    AS $$BEGIN\nALTER TABLE x OWNER TO ${owner};\nEND$$;\n\n\nALTER FUNCTION public.f() OWNER TO app;`,
      );
    expect(differences(body('a'), body('b')).map(sentenceOf)).toEqual([
      'FUNCTION public.f() is not as the migrations made it',
    ]);
    expect([...comparableEntries(side(body('a'))).values()][0]?.body).toMatch(/OWNER TO a;\nEND\$\$;$/);
  });

  it('is none where a text only prints differently after a restore', () => {
    expect(differences(view('SELECT (1)'), view('SELECT 1'))).toHaveLength(1);
    expect(differences(view('SELECT (1)'), view('SELECT 1'), view('SELECT (1)'))).toEqual([]);
  });

  it('is none where columns only stand in another order', () => {
    expect(differences(table('    a integer,\n    b text'), table('    b text,\n    a integer'))).toEqual([]);
  });

  it('leaves the migration history itself out', () => {
    const history = entry(
      'TABLE',
      '_prisma_migrations',
      'CREATE TABLE public._prisma_migrations (\n    id text\n);',
    );
    expect(differences(history, '')).toEqual([]);
  });
});

describe('what could be done about drift', () => {
  it('of a view: replaced where it stands, or dropped and made again', () => {
    expect(ways(view('SELECT 2'), view('SELECT 1'))).toEqual([
      [
        ['CREATE OR REPLACE VIEW public.v AS\n SELECT 1;'],
        ['DROP VIEW public.v;', 'CREATE VIEW public.v AS\n SELECT 1;'],
      ],
    ]);
  });

  it('of a function that nobody asked for: dropped with the types of its arguments', () => {
    const body =
      'CREATE FUNCTION public."F"(a integer, b text DEFAULT \'x\'::text) RETURNS integer\n    LANGUAGE sql\n    AS $$SELECT 1$$;';
    expect(ways(entry('FUNCTION', 'F(integer, text)', body), '')).toEqual([
      [['DROP FUNCTION public."F"(integer, text);']],
    ]);
  });

  it('of grants: taken back statement by statement', () => {
    const acl = (body: string) => entry('ACL', 'TABLE t', body);
    expect(
      ways(
        acl(
          'GRANT SELECT ON TABLE public.t TO reader;\nGRANT ALL ON TABLE public.t TO admin WITH GRANT OPTION;',
        ),
        acl('GRANT SELECT ON TABLE public.t TO reader;\nGRANT INSERT ON TABLE public.t TO writer;'),
      ),
    ).toEqual([[['REVOKE ALL ON TABLE public.t FROM admin;', 'GRANT INSERT ON TABLE public.t TO writer;']]]);
  });

  it('of a table: each of its columns, checks and settings for itself, and nothing that drops a column that holds data', () => {
    expect(
      ways(
        table(
          '    id integer NOT NULL,\n    g integer GENERATED ALWAYS AS ((id * 2)) STORED,\n    n integer DEFAULT 1,\n    CONSTRAINT small CHECK ((id < 5))',
        ),
        table(
          "    id integer,\n    g integer GENERATED ALWAYS AS ((id * 3)) STORED,\n    n text DEFAULT 'x'::text,\n    CONSTRAINT large CHECK ((id > 5))",
        ),
      ).flat(),
    ).toEqual([
      ['ALTER TABLE public.t DROP CONSTRAINT small;'],
      ['ALTER TABLE public.t ALTER COLUMN id DROP NOT NULL;'],
      ['ALTER TABLE public.t DROP COLUMN g, ADD COLUMN g integer GENERATED ALWAYS AS ((id * 3)) STORED;'],
      ['ALTER TABLE public.t ALTER COLUMN n TYPE text;'],
      ['ALTER TABLE public.t ALTER COLUMN n TYPE text USING n::text;'],
      [
        "ALTER TABLE public.t ALTER COLUMN n DROP DEFAULT, ALTER COLUMN n TYPE text USING n::text, ALTER COLUMN n SET DEFAULT 'x'::text;",
      ],
      ["ALTER TABLE public.t ALTER COLUMN n SET DEFAULT 'x'::text;"],
      ['ALTER TABLE public.t ADD CONSTRAINT large CHECK ((id > 5));'],
    ]);
    expect(ways(table('    g integer'), table('    g integer GENERATED ALWAYS AS ((1 * 3)) STORED'))).toEqual(
      [],
    );
  });

  it('of a sequence: altered, never made again', () => {
    const sequence = (step: number) =>
      entry('SEQUENCE', 's', `CREATE SEQUENCE public.s\n    START WITH 1\n    INCREMENT BY ${step};`);
    expect(ways(sequence(2), sequence(1))).toEqual([
      [['ALTER SEQUENCE public.s\n    START WITH 1\n    INCREMENT BY 1;']],
    ]);
  });

  it('of a kind of object that is not known here: nothing', () => {
    const operator = (body: string) => entry('OPERATOR', '+', body);
    expect(
      ways(operator('CREATE OPERATOR public.+ (a);'), operator('CREATE OPERATOR public.+ (b);')),
    ).toEqual([]);
  });
});

describe('Prisma’s script', () => {
  it('falls into statements with their comments; what stands between BEGIN and COMMIT stays together', () => {
    expect(
      prismaPieces(
        '-- DropIndex\nDROP INDEX "i;j";\n\n-- AlterEnum\nBEGIN;\nCREATE TYPE "a" AS ENUM (\'b\');\nDROP TYPE "c";\nCOMMIT;\n',
      ),
    ).toEqual([['-- DropIndex\nDROP INDEX "i;j";'], ['CREATE TYPE "a" AS ENUM (\'b\');', 'DROP TYPE "c";']]);
  });
});

describe('what Prisma proposes', () => {
  const expected = comparableEntries(side(table('    id integer NOT NULL,\n    "Kind" text')));
  it.each([
    ['DROP TABLE "t"', false],
    ['-- DropTable\nDROP TABLE "public"."t"', false],
    ['DROP TABLE "other"."t"', true],
    ['DROP TABLE "hand"', true],
    ['ALTER TABLE "t" DROP COLUMN "id",\nADD COLUMN     "id" TEXT', false],
    ['/*\n  Warnings:\n*/\n-- AlterTable\nALTER TABLE "t" DROP COLUMN "Kind"', false],
    ['ALTER TABLE "t" DROP COLUMN "hand"', true],
    ['ALTER TABLE "t" ALTER COLUMN "id" DROP NOT NULL', true],
  ])('%s: taken up %s, because the migrations have t with id and Kind', (statement, isTakenUp) => {
    expect(keepsWhatBelongs([statement], expected, 'public')).toBe(isTakenUp);
  });
});

describe('the script', () => {
  const parts = {
    untriedGrants: [],
    steps: [],
    schema: 'app',
    migrator: 'deploy',
    ownerOf: () => 'The Owner',
  };

  it('is empty when there is nothing to do', () => {
    expect(reconcileScript(parts)).toBe('');
  });

  it('names the owner in grants, fills materialized views, and keeps statements together that belong together', () => {
    const script = reconcileScript({
      ...parts,
      steps: [
        {
          statements: ['REVOKE ALL ON TABLE t FROM CURRENT_USER;'],
          about: { object: 'ACL TABLE t', type: 'ACL' },
        },
        {
          statements: [
            'DROP MATERIALIZED VIEW m;',
            'CREATE MATERIALIZED VIEW m AS\n SELECT 1\n  WITH NO DATA;',
          ],
          about: { object: 'MATERIALIZED VIEW m', type: 'MATERIALIZED VIEW' },
        },
        { statements: ['CREATE POLICY p ON t USING (u = CURRENT_USER );'], about: null },
      ],
    });
    expect(script).toContain('SET search_path TO "app";');
    expect(script).toContain('REVOKE ALL ON TABLE t FROM "The Owner";');
    expect(script).toContain(
      'BEGIN;\nDROP MATERIALIZED VIEW m;\nCREATE MATERIALIZED VIEW m AS\n SELECT 1;\nCOMMIT;',
    );
    expect(script).toContain('(u = CURRENT_USER )');
  });
});
