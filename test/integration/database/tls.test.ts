import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { connectServer } from '../../../src/database/postgres/connect/connect.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import { startPostgres, type ThrowawayCluster } from '../../support/postgres.ts';

let folder: string;
let cluster: ThrowawayCluster;

/** Makes a self-signed certificate for a host name; both files can be read by the server's user. */
async function makeCertificate(name: string, host: string): Promise<void> {
  const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
    ...['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-keyout', key, '-out', certificate],
  ]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safe-migrate-tls-'));
  await chmod(folder, 0o755);
  await makeCertificate('server', 'localhost');
  await makeCertificate('other', 'localhost');
  cluster = await startPostgres();
  const { dataDirectory } = cluster.info;
  // Copied by the server itself, so that the key is its own whoever runs this test.
  await chmod(join(folder, 'server.key'), 0o644);
  await cluster.psql(
    'postgres',
    `copy (select 1) to program 'install -m 600 ${folder}/server.key ${dataDirectory}/server.key';
     copy (select 1) to program 'install -m 600 ${folder}/server.pem ${dataDirectory}/server.crt';
     alter system set ssl = on`,
  );
  await cluster.stop('fast');
  await cluster.start();
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function usesTls(query: string, host = 'localhost'): Promise<boolean | undefined> {
  const url = cluster.url({ query }).replace('127.0.0.1', host);
  const parsed = parsePostgresUrl(url, { directory: folder });
  if (parsed.target === null) throw new Error(JSON.stringify(parsed.problems));
  const server = await connectServer(parsed.target);
  await using session = await server.connect('postgres');
  const [row] = await session.query(
    'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
    z.object({ ssl: z.boolean() }),
  );
  return row?.ssl;
}

describe('the connection', () => {
  test.each([
    ['', true],
    ['sslmode=disable', false],
    ['sslmode=require', true],
    ['sslmode=require&sslcert=server.pem&sslaccept=strict', true],
    ['sslmode=verify-full&sslcert=server.pem', true],
    ['sslmode=require&sslcert=other.pem&sslaccept=accept_invalid_certs', true],
  ])('with "%s": encrypted %s', async (query, encrypted) => {
    expect(await usesTls(query)).toBe(encrypted);
  });

  test('is refused with another certificate than the server has', async () => {
    await expect(usesTls('sslaccept=strict&sslcert=other.pem')).rejects.toMatchObject({ code: 'SM_TLS' });
    await expect(usesTls('sslaccept=strict')).rejects.toMatchObject({ code: 'SM_TLS' });
  });

  test('is refused under another host name than the certificate is for', async () => {
    await expect(usesTls('sslaccept=strict&sslcert=server.pem', '127.0.0.1')).rejects.toMatchObject({
      code: 'SM_TLS',
    });
    expect(await usesTls('sslmode=verify-ca&sslcert=server.pem', '127.0.0.1')).toBe(true);
  });
});
