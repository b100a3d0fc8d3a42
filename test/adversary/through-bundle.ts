import type { Ceph } from '../support/ceph.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import { createWorld } from '../support/world.ts';
import { fillIn, hostileScript } from './grammar.ts';
import type { Judged } from './let-loose.ts';
import { differences, readArenaState } from './oracle.ts';
import { seedSql } from './seed.ts';

const friend = 'adversary_friend';

/** Scripts number `from` to `to` of a seed through the bundle and the project's real Prisma. */
export async function throughBundle(
  servers: { readonly cluster: PostgresCluster; readonly ceph: Ceph },
  { seed, from, to }: { readonly seed: string; readonly from: number; readonly to: number },
  tell: (judged: Judged) => void = () => {},
): Promise<readonly Judged[]> {
  const { cluster } = servers;
  const judged: Judged[] = [];
  await cluster.psql('postgres', `CREATE ROLE ${friend}`);
  for (let index = from; index < to; index += 1) {
    const hostile = hostileScript(seed, index);
    // Every fifth as Prisma up to 7.3 sends it.
    const mode = index % 5 === 0 ? 'one-query' : 'by-statement';
    await using world = await createWorld({
      ...servers,
      manyAlike: true,
      applied: { '20260101_init': seedSql(friend) },
      rows: 'SELECT 1;',
      engineMode: mode === 'one-query' ? 'whole-script' : 'by-statement',
    });
    const rights = hostile.asSuperuser ? `ALTER ROLE "${world.user}" SUPERUSER` : 'SELECT 1';
    await cluster.psql('postgres', `GRANT ${friend} TO "${world.user}"; ${rights}`);
    const script = fillIn(hostile.script, cluster, { database: world.database, friend });
    await world.project.writeMigration('20260102_hostile', script);
    const url = cluster.url({ database: world.database });
    const before = await readArenaState(url);
    await using run = await world.migrate({ inputs: { 'migration-timeout-minutes': '0.5' } });
    const { outputs, log } = run.result;
    const result = (outputs.result ?? '') as Judged['result'];
    const changed = differences(before, await readArenaState(url));
    const isTrue =
      result === 'migrated'
        ? log.includes('All migrations have been successfully applied.')
        : ['restored', 'untouched'].includes(result) && changed.length === 0;
    const each: Judged = {
      ...hostile,
      script,
      index,
      mode,
      result,
      method: (outputs['recovery-method'] ?? null) as Judged['method'],
      wrong: isTrue ? null : `called ${result}; not as before: ${changed.join(', ')}\n${log}`,
    };
    judged.push(each);
    tell(each);
  }
  return judged;
}
