import { describe, expect, test } from 'vitest';
import { describeToolFailure, isConnectionLoss } from '../../../src/database/postgres/server/tool-failure.ts';

const exit = (stderr: string, exitCode: number | null = 1, signal: NodeJS.Signals | null = null) => ({
  exitCode,
  signal,
  stderr,
});

describe('what tools say when they fail', () => {
  test('pg_dump: the table that it may not read', () => {
    const failure = describeToolFailure(
      'pg_dump',
      exit(
        'pg_dump: error: query failed: ERROR:  permission denied for table salaries\npg_dump: detail: Query was: LOCK TABLE public.salaries IN ACCESS SHARE MODE\n',
      ),
    );
    expect(failure).toEqual({
      message: 'query failed: ERROR:  permission denied for table salaries',
      object: null,
    });
  });

  test("pg_dump: the server's words stand on a line of detail", () => {
    const failure = describeToolFailure(
      'pg_dump',
      exit(
        'pg_dump: error: Dumping the contents of table "big" failed: PQgetResult() failed.\npg_dump: detail: Error message from server: FATAL:  terminating connection\npg_dump: detail: Command was: COPY public.big (a) TO stdout;\n',
      ),
    );
    expect(failure).toEqual({
      message:
        'Dumping the contents of table "big" failed: PQgetResult() failed. FATAL:  terminating connection',
      object: 'TABLE DATA big',
    });
  });

  test('pg_restore: the entry is named, values of rows are left out', () => {
    const failure = describeToolFailure(
      'pg_restore',
      exit(
        [
          'pg_restore: while PROCESSING TOC:',
          'pg_restore: from TOC entry 3316; 0 16387 TABLE DATA bad the_owner',
          'pg_restore: error: COPY failed for table "bad": ERROR:  function helper(text) does not exist',
          'HINT:  No function matches',
          'QUERY:  SELECT helper(value)',
          'CONTEXT:  COPY bad, line 1: "4111 1111 1111 1111"',
        ].join('\n'),
      ),
    );
    expect(failure.object).toBe('TABLE DATA bad');
    expect(failure.message).toBe('COPY failed for table "bad": ERROR:  function helper(text) does not exist');
  });

  test.each([
    ['REFRESH MATERIALIZED VIEW public.best;', 'MATERIALIZED VIEW public.best'],
    ['CREATE UNIQUE INDEX "a ""b" ON public.t USING btree (a);', 'INDEX "a ""b"'],
    ['ALTER TABLE ONLY public."My Table"', 'TABLE public."My Table"'],
    ['CREATE FUNCTION public.f(value text) RETURNS boolean', 'FUNCTION public.f'],
    ["SELECT pg_catalog.setval('public.s', 42, true);", null],
  ])('pg_restore: a parallel worker names the command only: %s', (command, object) => {
    const failure = describeToolFailure(
      'pg_restore',
      exit(
        `pg_restore: error: could not execute query: ERROR:  no\nQUERY:  SELECT 'secret'\nCommand was: ${command}\n\n`,
      ),
    );
    expect(failure).toEqual({ message: 'could not execute query: ERROR:  no', object });
  });

  test('psql: the first error of a script', () => {
    const failure = describeToolFailure(
      'psql',
      exit('psql:<stdin>:12: ERROR:  type "x" does not exist\nLINE 1: …\n', 3),
    );
    expect(failure.message).toBe('ERROR:  type "x" does not exist');
  });

  test('a tool that was killed says so', () => {
    expect(describeToolFailure('pg_dump', exit('', null, 'SIGKILL')).message).toBe(
      'pg_dump ended with signal SIGKILL and said nothing',
    );
  });
});

test.each([
  [true, 'pg_dump: error: query failed: server closed the connection unexpectedly'],
  [true, 'pg_dump: error: query failed: FATAL:  terminating connection due to administrator command'],
  [true, 'pg_dump: error: connection to server at "127.0.0.1", port 5432 failed: Connection refused'],
  [true, 'pg_dump: error: connection to server failed: FATAL:  the database system is starting up'],
  [false, 'pg_dump: error: connection to server failed: FATAL:  password authentication failed for user "x"'],
  [false, 'pg_dump: error: query failed: ERROR:  permission denied for table connections'],
])('that the server went away (%s): %s', (isLost, stderr) => {
  expect(isConnectionLoss({ stderr })).toBe(isLost);
});
