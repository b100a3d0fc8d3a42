import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { beforeAll, expect, it } from 'vitest';
import { takeLock } from '../../src/database/postgres/lock/lock.ts';
import { propertiesOf, prove, serverOf, takeBackup } from '../integration/database/proving.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared-servers.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

/** Tries to get into databases all the time, as several roles at once, until it is stopped. */
function knock(roles: readonly string[], databases: readonly string[]) {
  const stop = new AbortController();
  const tally = { tries: 0, closed: 0, denied: 0, entered: new Set<string>() };
  const tryAll = async (role: string): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const database of databases) {
        const client = new pg.Client({ connectionString: cluster.url({ database, user: role }) });
        client.on('error', () => {});
        tally.tries += 1;
        try {
          await client.connect();
          tally.entered.add(`${role} in ${database.replace(/^.*__/, '')}`);
          await client.end();
        } catch (error) {
          const code = error instanceof Error && 'code' in error ? error.code : null;
          if (code === '55000') tally.closed += 1;
          if (code === '42501') tally.denied += 1;
        }
      }
      await sleep(10);
    }
  };
  const trying = Promise.all(roles.map(tryAll));
  return {
    async stop() {
      stop.abort();
      await trying;
      return tally;
    },
  };
}

it('nobody but the run gets into what it makes, while it is filled and after it', async () => {
  const { database, user: owner } = await cluster.createOwnedDatabase('private');
  const role = (name: string) => `${owner}_${name}`;
  for (const name of ['stranger', 'reader', 'member', 'migrator']) {
    await cluster.createRole(role(name), { attributes: name === 'reader' ? '' : 'CREATEDB' });
  }
  await cluster.psql(
    'postgres',
    `GRANT "${owner}" TO "${role('member')}", "${role('migrator')}"; GRANT CONNECT ON DATABASE "${database}" TO "${role('reader')}"`,
  );
  await cluster.psql(
    database,
    // The check is written otherwise after one restore, so that a scratch database is made as well.
    `CREATE TABLE salaries (id int PRIMARY KEY, kind text CHECK (kind IN ('a', 'b')));
       INSERT INTO salaries SELECT g, 'a' FROM generate_series(1, 40000) g; REVOKE ALL ON salaries FROM PUBLIC;
       CREATE FUNCTION peek() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM public.salaries';
       REVOKE ALL ON FUNCTION peek() FROM PUBLIC`,
    { user: owner },
  );
  const everybody = ['stranger', 'reader', 'member'].map(role);
  const runs = [
    // The second one restores a target whose privileges are the default ones.
    { run: 'r1', url: cluster.url({ database }), roles: [owner, ...everybody] },
    { run: 'r2', url: cluster.url({ database, user: role('migrator') }), roles: [owner, ...everybody] },
    // A member of the owner is the owner, and comes in as he does.
    { run: 'r3', url: cluster.url({ database, user: owner }), roles: ['stranger', 'reader'].map(role) },
  ];
  for (const { run, url, roles } of runs) {
    const change = run === 'r2' ? 'GRANT CONNECT ON DATABASE % TO' : 'REVOKE CONNECT ON DATABASE % FROM';
    await cluster.psql('postgres', `${change.replace('%', `"${database}"`)} PUBLIC`);
    const server = await serverOf(url);
    await using backup = await takeBackup(server);
    const kinds = [`__fallback_${run}`, `__scratch_${run}`, '__safe_migrate'];
    // Those whom the owner's privileges let in find the coordination database open; nothing is in it.
    const strangers = knock(
      roles,
      kinds.slice(0, 2).map((kind) => `${database}${kind}`),
    );
    const others = knock(['stranger', 'reader'].map(role), [`${database}__safe_migrate`]);
    const lock = await takeLock(server, { run, description: 'test', startedAt: '2026-11-22T14:25:00Z' });
    const fallback = await prove(server, backup, { run });
    await sleep(50);
    const [knocked, knockedOthers] = [await strangers.stop(), await others.stop()];
    await lock[Symbol.asyncDispose]();
    expect([...knocked.entered, ...knockedOthers.entered], run).toEqual([]);
    expect(knocked.denied, 'while it was open to the run').toBeGreaterThan(0);
    expect(knocked.closed, 'before and after').toBeGreaterThan(0);
    expect(knockedOthers.denied).toBeGreaterThan(0);
    // Then it is as the target is, but closed.
    expect(await propertiesOf(server, fallback.name)).toMatchObject({
      owner,
      acl: backup.properties.acl,
    });
    await cluster.psql('postgres', `DROP DATABASE "${fallback.name}"`);
  }
});
