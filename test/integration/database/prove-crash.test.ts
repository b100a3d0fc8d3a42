import { expect, test } from 'vitest';
import { fingerprintDatabase } from '../../../src/database/postgres/fingerprint/fingerprint.ts';
import { startPostgres } from '../../support/postgres.ts';
import { prove, serverOf, takeBackup } from './proving.ts';

test('a copy that was proved a moment before the server crashed is whole', async () => {
  // Commits that nobody waits for stay in memory for as long as the server likes.
  await using cluster = await startPostgres({
    settings: ['synchronous_commit = on', 'wal_writer_delay = 10s', 'wal_writer_flush_after = 1GB'],
  });
  const { database, user, url } = await cluster.createOwnedDatabase('crash');
  await cluster.psql(
    database,
    'CREATE TABLE t (id serial PRIMARY KEY, a text); INSERT INTO t (a) SELECT n FROM generate_series(1, 1000) n',
    { user },
  );
  const server = await serverOf(url);
  await using backup = await takeBackup(server);
  const fallback = await prove(server, backup);
  await cluster.stop('immediate');
  await cluster.start();

  await cluster.psql('postgres', `ALTER DATABASE "${fallback.name}" ALLOW_CONNECTIONS true`);
  const { signal } = new AbortController();
  const again = await fingerprintDatabase(server, fallback.name, { jobs: 1, signal });
  expect(again.fingerprint).toEqual(fallback.fingerprint);
});
