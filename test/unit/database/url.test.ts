import { describe, expect, test } from 'vitest';
import {
  type ConnectionTarget,
  parsePostgresUrl,
  type UrlContext,
} from '../../../src/database/postgres/server/url.ts';

function target(url: string, context?: UrlContext): ConnectionTarget {
  const parsed = parsePostgresUrl(url, context);
  if (parsed.target === null) throw new Error(JSON.stringify(parsed.problems));
  return parsed.target;
}

function environment(url: string, context?: UrlContext): Record<string, string> {
  const { environment: variables, address } = target(url, context);
  return variables(address.database);
}

function codes(url: string): string[] {
  return parsePostgresUrl(url).problems.map((problem) => problem.code);
}

describe('a plain URL', () => {
  test('gives address, password, schema and the variables for libpq', () => {
    const parsed = target('postgresql://app:pw@db.example.com:5433/erp?schema=sales');
    expect(parsed.address).toEqual({ host: 'db.example.com', port: 5433, user: 'app', database: 'erp' });
    expect(parsed.password?.reveal()).toBe('pw');
    expect(parsed.schema).toBe('sales');
    expect(parsed.environment('other')).toEqual({
      PGHOST: 'db.example.com',
      PGPORT: '5433',
      PGUSER: 'app',
      PGPASSWORD: 'pw',
      PGDATABASE: 'other',
      PGCONNECT_TIMEOUT: '10',
    });
  });

  test('has the defaults of Prisma: port 5432, schema public', () => {
    const parsed = target('postgres://app@localhost/erp');
    expect(parsed.address).toMatchObject({ host: 'localhost', port: 5432 });
    expect(parsed.schema).toBe('public');
    expect(parsed.password).toBeNull();
    expect(parsed.environment('erp')).not.toHaveProperty('PGPASSWORD');
  });

  test('may have white space around it, as secrets do', () => {
    expect(target(' postgresql://app@h/erp\n').address.database).toBe('erp');
  });
});

describe('percent-encoding', () => {
  test.each([`@:/%' "$ü`, '?#[]&=+', 'plain', '100% sure', '\\back\\slash', '日本語', '%41'])(
    'brings user, password and database name %j back exactly',
    (text) => {
      const encoded = encodeURIComponent(text);
      const parsed = target(`postgresql://${encoded}:${encoded}@h/${encoded}`);
      expect(parsed.address).toMatchObject({ user: text, database: text });
      expect(parsed.environment(text)).toMatchObject({ PGUSER: text, PGPASSWORD: text, PGDATABASE: text });
    },
  );

  test('brings every printable character and any mixture of them back exactly', () => {
    // A small linear congruential generator: the same sequence every time.
    let seed = 1;
    const next = (limit: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % limit;
    };
    for (let round = 0; round < 300; round += 1) {
      const text = Array.from({ length: 1 + next(20) }, () => String.fromCodePoint(33 + next(400))).join('');
      const parsed = target(`postgresql://u:${encodeURIComponent(text)}@h/d`);
      expect(parsed.password?.reveal()).toBe(text);
    }
  });

  test('leaves a stray % as it is, as Prisma does', () => {
    expect(target('postgresql://u:100%@h/d').password?.reveal()).toBe('100%');
  });

  test('refuses what is not UTF-8 and what holds NUL', () => {
    expect(codes('postgresql://u:%ff%fe@h/d')).toEqual(['SM_URL_INVALID']);
    expect(codes('postgresql://u:a%00b@h/d')).toEqual(['SM_URL_INVALID']);
  });
});

describe('the server', () => {
  test('may be a socket directory in the host parameter', () => {
    const parsed = target('postgresql://app@localhost/erp?host=/var/run/postgresql');
    expect(parsed.address).toMatchObject({ host: '/var/run/postgresql', port: 5432 });
  });

  test('may be a percent-encoded socket directory as host', () => {
    expect(target('postgresql://app@%2Fvar%2Frun%2Fpostgresql/erp').address.host).toBe('/var/run/postgresql');
  });

  test('may be an IPv6 address in brackets', () => {
    expect(target('postgresql://app@[::1]:5433/erp').address).toMatchObject({ host: '::1', port: 5433 });
  });

  test('is one server, not a list', () => {
    expect(codes('postgresql://app@h/erp?host=a,b')).toEqual(['SM_URL_INVALID']);
    expect(codes('postgresql://app@a:1,b:2/erp')).toEqual(['SM_URL_INVALID']);
  });
});

describe('parameters', () => {
  test('of libpq pass, those of Prisma do not', () => {
    const query = [
      'connection_limit=5&pool_timeout=2&statement_cache_size=0&socket_timeout=3&schema=s&single_use_connections=true',
      'sslmode=require&channel_binding=require&target_session_attrs=read-write&options=-c%20lock_timeout%3D1',
      'host=&service=prod&passfile=/etc/passwd&hostaddr=10.0.0.1&dbname=other',
    ].join('&');
    expect(environment(`postgresql://u@h/d?${query}`)).toEqual({
      PGHOST: 'h',
      PGPORT: '5432',
      PGUSER: 'u',
      PGDATABASE: 'd',
      PGSSLMODE: 'require',
      PGCHANNELBINDING: 'require',
      PGTARGETSESSIONATTRS: 'read-write',
      PGOPTIONS: '-c lock_timeout=1',
      PGCONNECT_TIMEOUT: '10',
    });
  });

  test.each([
    ['connect_timeout=30', '30'],
    ['connect_timeout=0', '300'],
    ['connect_timeout=1', '2'],
    ['connect_timeout=soon', '10'],
  ])('%s waits %s seconds: never for ever', (query, seconds) => {
    expect(environment(`postgresql://u@h/d?${query}`)).toMatchObject({ PGCONNECT_TIMEOUT: seconds });
  });
});

describe('TLS', () => {
  const context: UrlContext = {
    directory: '/app',
    fileExists: (path) => ['/app/prisma/ca.pem', '/etc/ssl/cert.pem', '/abs/ca.pem'].includes(path),
  };

  test.each([
    ['sslmode=verify-ca&sslcert=/abs/ca.pem', 'verify-ca', '/abs/ca.pem'],
    ['sslmode=require&sslaccept=strict&sslcert=ca.pem', 'verify-full', '/app/prisma/ca.pem'],
    ['sslaccept=strict', 'verify-full', '/etc/ssl/cert.pem'],
    ['sslmode=require&sslcert=/abs/ca.pem', 'require', '/abs/ca.pem'],
    ['sslmode=require&sslcert=/abs/ca.pem&sslaccept=accept_invalid_certs', 'require', undefined],
    ['sslmode=disable&sslaccept=strict', 'disable', undefined],
    ['ssl=true', 'require', undefined],
    ['schema=x', undefined, undefined],
  ])('%s becomes sslmode %s with root certificate %s', (query, mode, certificate) => {
    const variables = environment(`postgresql://u@h/d?${query}`, context);
    expect(variables.PGSSLMODE).toBe(mode);
    expect(variables.PGSSLROOTCERT).toBe(certificate);
  });

  test('refuses what cannot be kept: a PKCS#12 identity, an unknown mode, a missing certificate', () => {
    const { problems } = parsePostgresUrl(
      'postgresql://u@h/d?sslidentity=id.p12&sslmode=sometimes&sslcert=gone.pem',
      context,
    );
    expect(problems.map((problem) => problem.code)).toEqual([
      'SM_URL_SSLIDENTITY',
      'SM_URL_INVALID',
      'SM_URL_CERTIFICATE',
    ]);
  });
});

describe('a URL that cannot be used', () => {
  test.each([
    ['mysql://u:hush@h/d', 'SM_PROVIDER'],
    ['sqlserver://h;password=hush', 'SM_PROVIDER'],
    ['file:./dev.db', 'SM_PROVIDER'],
    ['mongodb+srv://u:hush@h/d', 'SM_PROVIDER'],
    ['prisma://accelerate.example/?api_key=hush', 'SM_URL_PRISMA_PROXY'],
    ['prisma+postgres://localhost:51213/?api_key=hush', 'SM_URL_PRISMA_PROXY'],
    ['postgresql://u:hush@h:6543/d', 'SM_URL_POOLER'],
    ['postgresql://u:hush@h/d?pgbouncer=true', 'SM_URL_POOLER'],
    ['postgresql://u:hush@ep-a-pooler.eu.example/d', 'SM_URL_POOLER'],
    ['', 'SM_URL_INVALID'],
    ['hush', 'SM_URL_INVALID'],
    ['"postgresql://u:hush@h/d"', 'SM_URL_INVALID'],
    ['postgresql://u:hu#sh@h/d', 'SM_URL_INVALID'],
    ['postgresql://u:12#hush@h/d', 'SM_URL_INVALID'],
    ['postgresql://u:hu/sh@h/d', 'SM_URL_INVALID'],
    ['postgresql://u:hush@h:port/d', 'SM_URL_INVALID'],
    ['postgresql://u:hush@h', 'SM_URL_INVALID'],
    ['postgresql://h/d', 'SM_URL_INVALID'],
    ['postgresql://u:hush@h/a/b', 'SM_URL_INVALID'],
    [`postgresql://u:hush@h/${'x'.repeat(64)}`, 'SM_URL_INVALID'],
  ])('%s is %s, and neither password nor URL is repeated', (url, code) => {
    const { problems } = parsePostgresUrl(url);
    expect(problems[0]?.code).toBe(code);
    const said = JSON.stringify(problems);
    expect(said).not.toContain('hush');
    if (url !== '') expect(said).not.toContain(url);
  });

  test('is told all that is wrong with it at once', () => {
    expect(codes('postgresql://h:6543/?sslmode=no&sslidentity=x')).toEqual([
      'SM_URL_INVALID',
      'SM_URL_INVALID',
      'SM_URL_POOLER',
      'SM_URL_SSLIDENTITY',
      'SM_URL_INVALID',
    ]);
  });

  test('through a pooler gets the direct URL as hint', () => {
    const [problem] = parsePostgresUrl('postgresql://u:p@ep-a-pooler.eu.example/d').problems;
    expect(problem?.hint).toContain('@ep-a.eu.example:5432/');
    const [other] = parsePostgresUrl('postgresql://u:p@db.example:6543/d').problems;
    expect(other?.hint).toContain('@db.example:5432/');
  });
});
