import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { foreignCode } from '../../../src/database/postgres/archive/foreign-code.ts';
import { copyMark } from '../../../src/database/postgres/copy/copy-mark.ts';
import { copiesOf, foreignDatabases } from '../../../src/database/postgres/copy/kept-databases.ts';
import { openPrivately, readMaker } from '../../../src/database/postgres/copy/private-database.ts';
import { readConnectionRoom } from '../../../src/database/postgres/inspect/connection-room.ts';
import { coordinationMark } from '../../../src/database/postgres/lock/coordination-mark.ts';
import { openJournal } from '../../../src/database/postgres/lock/journal-comment.ts';
import type { SqlSession } from '../../../src/database/postgres/server/server.ts';
import { type PostgresCluster, startPostgres } from '../../support/postgres.ts';

/** Questions of one role, each by a psql of its own: this machine's tools need not fit the server's major for that. */
function sessionAs(cluster: PostgresCluster, database: string, user?: string): SqlSession {
  const by = user === undefined ? {} : { user };
  const unused = (): never => {
    throw new Error('not asked here');
  };
  return {
    database,
    backendPid: 0,
    isBusy: false,
    async query<T>(sql: string, row: z.ZodType<T>) {
      const text = await cluster.psql(database, `SELECT to_jsonb(q) FROM (${sql}) AS q`, by);
      return text.split('\n').flatMap((line) => (line === '' ? [] : [row.parse(JSON.parse(line))]));
    },
    execute: async (sql) => void (await cluster.psql(database, sql, by)),
    kill: unused,
    [Symbol.asyncDispose]: unused,
  };
}

describe.each([13, 18])('on PostgreSQL %i', (major) => {
  it('owners, members and functions are told apart as on the others', async () => {
    await using cluster = await startPostgres({ major });
    for (const role of ['app', 'member', 'mallory']) await cluster.createRole(role);
    await cluster.createDatabase('erp', 'app');
    await cluster.psql('postgres', 'GRANT app TO member');
    if (major >= 16) {
      // Has the owner's privileges and may not become him: what it makes, it cannot make his.
      await cluster.createRole('halfway');
      await cluster.psql('postgres', 'GRANT app TO halfway WITH SET FALSE, INHERIT TRUE');
      expect((await readMaker(sessionAs(cluster, 'postgres', 'halfway'), 'erp')).actsForOwner).toBe(false);
    }
    for (const role of ['app', 'member', undefined]) {
      expect(await readMaker(sessionAs(cluster, 'postgres', role), 'erp')).toEqual({
        owner: 'app',
        mayCreate: true,
        actsForOwner: true,
      });
    }
    expect((await readMaker(sessionAs(cluster, 'postgres', 'mallory'), 'erp')).actsForOwner).toBe(false);

    const make = async (name: string, owner: string, comment: string) => {
      await cluster.psql('postgres', `CREATE DATABASE "${name}" OWNER ${owner} TEMPLATE template0`);
      await cluster.psql('postgres', `COMMENT ON DATABASE "${name}" IS '${comment}'`);
    };
    const journal = coordinationMark('erp').replace(/}$/, ',"journal":{}}');
    await make('erp__safe_migrate', 'mallory', journal);
    await make('erp__failed_a', 'member', copyMark({ kind: 'failed', target: 'erp', run: 'a' }));
    await make('erp__failed_b', 'mallory', copyMark({ kind: 'failed', target: 'erp', run: 'b' }));
    for (const role of ['app', 'member', undefined]) {
      const session = sessionAs(cluster, 'postgres', role);
      expect(await openJournal(session, 'erp')).toBeNull();
      expect((await copiesOf(session, 'erp', ['failed'])).map(({ name }) => name)).toEqual(['erp__failed_a']);
      expect((await foreignDatabases(session, 'erp')).map(({ name }) => name)).toEqual([
        'erp__safe_migrate',
        'erp__failed_b',
      ]);
    }
    await cluster.psql('postgres', 'ALTER DATABASE erp__safe_migrate OWNER TO app');
    await expect(openJournal(sessionAs(cluster, 'postgres'), 'erp')).rejects.toMatchObject({
      code: 'SM_JOURNAL_UNREADABLE',
    });

    await cluster.psql('postgres', 'CREATE DATABASE closed OWNER app ALLOW_CONNECTIONS false');
    await openPrivately(sessionAs(cluster, 'postgres', 'member'), 'closed', 'app');
    for (const role of ['app', 'mallory']) {
      await expect(cluster.psql('closed', 'SELECT 1', { user: role })).rejects.toThrow(/permission denied/);
    }
    expect(await cluster.psql('closed', 'SELECT 1', { user: 'member' })).toBe('1');

    await cluster.psql(
      'erp',
      `CREATE SCHEMA app AUTHORIZATION app; SET ROLE app;
       CREATE FUNCTION app.is_fine(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
       CREATE TABLE app.t (id int CHECK (app.is_fine(id)), u int); CREATE INDEX ON app.t (app.is_fine(id))`,
    );
    expect(await foreignCode(sessionAs(cluster, 'erp', 'app'))).toBeNull();
    expect((await foreignCode(sessionAs(cluster, 'erp')))?.message).toContain(
      'function app.is_fine(integer) of app (used by table constraint',
    );
    const rooms = await readConnectionRoom(sessionAs(cluster, 'erp', 'app'));
    expect(rooms.map(({ of, limit }) => [of, limit])).toEqual([['server', 197]]);
  });
});
