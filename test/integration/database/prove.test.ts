import { Client } from 'pg';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseCopyMark } from '../../../src/database/postgres/copy/copy-mark.ts';
import { dropCopy } from '../../../src/database/postgres/copy/drop-copy.ts';
import { fingerprintDatabase } from '../../../src/database/postgres/fingerprint/fingerprint.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import { nastySchema } from '../../support/nasty-schema.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { propertiesOf, prove, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

interface Application extends AsyncDisposable {
  /** Transactions committed so far. */
  readonly committed: () => number;
}

/** Sessions that insert, update and delete until the scope ends. */
async function writingApplication(url: string, writers: number): Promise<Application> {
  let isStopping = false;
  let committed = 0;
  const clients = await Promise.all(
    Array.from({ length: writers }, async () => {
      const client = new Client({ connectionString: url });
      await client.connect();
      return client;
    }),
  );
  const loops = clients.map(async (client, writer) => {
    while (!isStopping) {
      await client.query('BEGIN');
      await client.query(`INSERT INTO public.invoices (status, kind) VALUES ('sent', 'b')`);
      await client.query(`UPDATE public.invoices SET total = total + 1 WHERE id = ${1 + writer * 7}`);
      await client.query(
        `DELETE FROM public.invoices WHERE id = (SELECT max(id) FROM public.invoices) - ${writer}`,
      );
      await client.query(`INSERT INTO public.events (at, what) VALUES ('2026-03-04', 'written')`);
      await client.query(`SELECT nextval('public.countdown')`);
      await client.query('COMMIT');
      committed += 1;
    }
    await client.end();
  });
  return {
    committed: () => committed,
    async [Symbol.asyncDispose]() {
      isStopping = true;
      await Promise.all(loops);
    },
  };
}

describe('a database with everything in it', () => {
  let server: PostgresServer;
  let url: string;

  beforeAll(async () => {
    const created = await cluster.createOwnedDatabase('nasty');
    url = created.url;
    const reader = `nasty_reader_${created.database}`;
    await cluster.createRole(reader, { attributes: 'NOSUPERUSER' });
    await cluster.psql(created.database, nastySchema(15, reader), { user: created.user });
    server = await serverOf(url);
  });

  afterEach(async () => {
    await using admin = await server.connect(server.address.database);
    await dropCopy(admin, server.address.database, `${server.address.database}__fallback_r1`);
  });

  test('is proved equal while an application writes, and the copy is closed', async () => {
    await using application = await writingApplication(url, 4);
    await using backup = await takeBackup(server);
    const before = application.committed();
    const fallback = await prove(server, backup);
    expect(application.committed()).toBeGreaterThan(before);

    expect(fallback.name).toBe(`${server.address.database}__fallback_r1`);
    expect(fallback.fingerprint.tables).toEqual(backup.fingerprint.tables);
    expect(fallback.fingerprint.largeObjects).toEqual(backup.fingerprint.largeObjects);
    expect(fallback.fingerprint.extensions).toContainEqual({
      name: 'citext',
      version: '1.5',
      schema: 'extensions',
      owner: server.address.user,
    });
    const tables = new Map(fallback.fingerprint.tables.map((table) => [table.table, table.rows]));
    expect(tables.get('no_columns')).toBe(2);
    expect(tables.get('t')).toBe(2);
    expect(tables.get('scratchpad')).toBe(1);
    expect(fallback.fingerprint.largeObjects.count).toBe(3);

    const row = await cluster.psql(
      'postgres',
      `SELECT d.oid, datallowconn, shobj_description(d.oid, 'pg_database'),
              (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid)
         FROM pg_database d WHERE datname = '${fallback.name}'`,
    );
    const [oid, allowsConnections, comment, sessions] = row.split('|');
    expect(Number(oid)).toBe(fallback.oid);
    expect(allowsConnections).toBe('f');
    expect(sessions).toBe('0');
    expect(parseCopyMark(comment ?? null)).toEqual({
      kind: 'fallback',
      target: server.address.database,
      run: 'r1',
    });
    expect((await cluster.databases()).filter((name) => name.includes('__scratch_'))).toEqual([]);
  });

  test('a second round through a copy of the copy has the same schema digest', async () => {
    await using backup = await takeBackup(server);
    const fallback = await prove(server, backup);
    await cluster.psql('postgres', `ALTER DATABASE "${fallback.name}" ALLOW_CONNECTIONS true`);
    const { signal } = new AbortController();
    const again = await fingerprintDatabase(server, fallback.name, { jobs: 1, signal });
    expect(again.fingerprint).toEqual(fallback.fingerprint);
  });

  test('an idle database restores with exactly its sequences', async () => {
    await using backup = await takeBackup(server);
    const fallback = await prove(server, backup);
    expect(fallback.fingerprint.sequences).toEqual(backup.fingerprint.sequences);
    expect(fallback.fingerprint.sequences).toContainEqual({
      schema: 'public',
      name: 'never_used',
      lastValue: '7',
      isCalled: false,
      extension: null,
    });
  });

  test('properties of the database are those of the target afterwards', async () => {
    const { database } = server.address;
    const role = `reader_${database}`;
    await cluster.createRole(role, { attributes: 'NOSUPERUSER' });
    await cluster.psql(
      'postgres',
      `REVOKE CONNECT, TEMPORARY ON DATABASE "${database}" FROM PUBLIC;
       GRANT CONNECT ON DATABASE "${database}" TO "${role}";
       GRANT CREATE ON DATABASE "${database}" TO "${role}" WITH GRANT OPTION;
       ALTER DATABASE "${database}" CONNECTION LIMIT 77;
       ALTER DATABASE "${database}" SET search_path TO "$user", 'Sales & Co.', public;
       ALTER DATABASE "${database}" SET statement_timeout TO '100ms';
       ALTER DATABASE "${database}" SET default_transaction_read_only TO on;
       GRANT SET ON PARAMETER app.tenant TO "${server.address.user}";
       ALTER DATABASE "${database}" SET "app.tenant" TO 'it''s = \\ é';
       ALTER DATABASE "${database}" SET DateStyle TO 'SQL, DMY';
       ALTER ROLE "${server.address.user}" IN DATABASE "${database}" SET work_mem TO '5MB';
       COMMENT ON DATABASE "${database}" IS 'the ERP';`,
    );
    await using backup = await takeBackup(server);
    const fallback = await prove(server, backup);
    const [before, after] = [backup.properties, await propertiesOf(server, fallback.name)];
    expect(before.acl).toHaveLength(2);
    expect(before.settings).toHaveLength(2);
    expect({ ...after, comment: null }).toEqual({ ...before, comment: null });
    expect(parseCopyMark(after.comment)).not.toBeNull();
    expect((await propertiesOf(server, database)).comment).toBe('the ERP');
  });
});
