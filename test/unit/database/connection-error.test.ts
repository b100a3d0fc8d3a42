import { describe, expect, test } from 'vitest';
import { connectionError } from '../../../src/database/postgres/session/sql-errors.ts';

const address = { host: 'db.example', port: 5433, user: 'app', database: 'erp' };
const to = 'connection to server at "db.example" (10.0.0.7), port 5433 failed:';

describe('a connection that does not come about', () => {
  test.each([
    [
      'SM_UNREACHABLE',
      `psql: error: ${to} Connection refused\n\tIs the server running on that host?\n`,
      'Connection refused',
    ],
    ['SM_UNREACHABLE', `psql: error: ${to} timeout expired\n`, 'timeout expired'],
    [
      'SM_UNREACHABLE',
      'psql: error: could not translate host name "db.example" to address: Name or service not known\n',
      'could not translate host name',
    ],
    [
      'SM_UNREACHABLE',
      'psql: could not connect to server: Connection refused\n\tIs the server running?\n',
      'Connection refused',
    ],
    [
      'SM_UNREACHABLE',
      'psql: error: connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory\n\tIs the server running locally?\n',
      'No such file',
    ],
    [
      'SM_AUTH',
      `psql: error: ${to} FATAL:  password authentication failed for user "app"\n`,
      'password authentication failed',
    ],
    ['SM_AUTH', `psql: error: ${to} fe_sendauth: no password supplied\n`, 'no password supplied'],
    [
      'SM_AUTH',
      `psql: error: ${to} FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "app", database "erp", no encryption\n`,
      'pg_hba.conf',
    ],
    [
      'SM_NO_DATABASE',
      `psql: error: connection to server at "localhost" (::1), port 5433 failed: Connection refused\n\tIs it?\n${to} FATAL:  database "erp" does not exist\n`,
      'database "erp" does not exist',
    ],
    ['SM_TLS', `psql: error: ${to} server does not support SSL, but SSL was required\n`, 'SSL was required'],
    ['SM_TLS', `psql: error: ${to} SSL error: certificate verify failed\n`, 'certificate verify failed'],
    ['SM_CONNECTION', `psql: error: ${to} FATAL:  sorry, too many clients already\n`, 'too many clients'],
    ['SM_CONNECTION', `psql: error: ${to} FATAL:  the database system is starting up\n`, 'starting up'],
    ['SM_CONNECTION', '', ''],
  ])('is %s for %j', (code, stderr, said) => {
    const error = connectionError(address, 'erp', stderr);
    expect(error.code).toBe(code);
    expect(error.message).toContain('db.example:5433');
    expect(error.message).toContain(said);
    expect(error.message).not.toContain('\n');
    expect(error.hint).not.toBe('');
  });
});
