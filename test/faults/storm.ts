import { insertsOnly } from '../support/erp-work.ts';
import { type ClientLedger, startWriters } from '../support/writers.ts';
import type { Fault } from './fault.ts';
import { createFaultWorld, type FaultWorld, type Ground } from './ground.ts';
import { leftovers } from './leftovers.ts';
import type { Seen } from './results.ts';
import { ways } from './ways.ts';

const clients = 30;

/** Clients that write 50 transactions a second each and come back at once when they are thrown out. */
async function storm(ground: Ground): Promise<Seen> {
  await using world = await createFaultWorld(ground, ways.swap, { storage: 'file' });
  const before = await world.state();
  await using writers = await startWriters({ url: world.url, work: insertsOnly, clients });
  await using run = await world.startMigrate();
  const result = await run.finished;
  await writers.untilEachCommitted(10);
  const ledgers = await writers.stop();
  const post = await run.post();
  const now = await world.state();
  const committed = new Set(ledgers.flatMap((ledger) => [...ledger.committed.keys()]));
  const lost = committed.difference(await namesIn(world, result.outputs['failed-database'] ?? ''));
  const left = await leftovers(ground, world, [{ run, hadPost: true }]);
  const history = 'public._prisma_migrations';
  const problems = [
    ...(result.outputs.result === 'restored' ? [] : [`the run told ${result.outputs.result}`]),
    ...(lost.size === 0 ? [] : [`${lost.size} answered commits are in neither database`]),
    ...(now.schema === before.schema && now.properties === before.properties
      ? []
      : ['the schema is another one']),
    ...(now.tables[history] === before.tables[history] ? [] : ['the history is another one']),
    ...left.map((what) => `left behind: ${what}`),
  ];
  const sum = (of: (ledger: ClientLedger) => number) => ledgers.reduce((all, ledger) => all + of(ledger), 0);
  return {
    where: 'recover',
    seen: [
      `${committed.size} transactions of ${clients} clients`,
      `${sum(({ brokenSessions }) => brokenSessions)} sessions ended`,
      `longest pause of a client ${Math.round(Math.max(...ledgers.map(({ longestPauseMs }) => longestPauseMs)))} ms`,
      `run: ${result.outputs.result}`,
    ].join(', '),
    end: problems.length === 0 ? 'before' : 'other',
    finishedBy: 'itself',
    lostRows: lost.size,
    exception: problems.length === 0 ? null : problems.join('; '),
    ...(problems.length === 0 ? {} : { logs: [result.log, post.log] }),
  };
}

/** What the clients have written is a customer's name: in the target, or in the kept database. */
async function namesIn(world: FaultWorld, kept: string): Promise<ReadonlySet<string>> {
  const names: string[] = [];
  for (const database of [world.database, kept]) {
    if (database === '') continue;
    if (database === kept)
      await world.cluster.psql('postgres', `ALTER DATABASE "${kept}" ALLOW_CONNECTIONS true`);
    names.push(...(await world.cluster.psql(database, 'SELECT "name" FROM "Customer"')).split('\n'));
  }
  // The failed migration has written some of them in capitals.
  return new Set(names.map((name) => name.toLowerCase()));
}

export const stormFaults: readonly Fault[] = [
  {
    name: 'storm of clients',
    group: 'a storm of reconnecting clients during the swap',
    way: 'swap',
    story: `${clients} clients write all the time and reconnect at once`,
    go: storm,
  },
];
