import type { PostgresCluster } from '../support/postgres.ts';
import { Arena, type Outcome } from './arena.ts';
import type { Mode } from './engine.ts';
import { type HostileScript, hostileScript, kinds } from './grammar.ts';
import { differences } from './oracle.ts';

/** One script, in one of the two ways in which a script is sent. */
export interface Trial extends HostileScript {
  readonly index: number;
  readonly mode: Mode;
}

export interface Judged extends Trial {
  readonly result: Outcome['result'] | 'recovery-failed';
  readonly method: Outcome['method'];
  /** What is wrong with it; null when all is well. */
  readonly wrong: string | null;
}

/** Lets scripts number `from` to `to` of a seed loose, each in both ways. */
export async function letLoose(
  cluster: PostgresCluster,
  { seed, from, to }: { readonly seed: string; readonly from: number; readonly to: number },
  tell: (judged: Judged) => void = () => {},
): Promise<readonly Judged[]> {
  const judged: Judged[] = [];
  await using ordinary = await Arena.open(cluster);
  await using privileged = await Arena.open(cluster, { asSuperuser: true });
  for (let index = from; index < to; index += 1) {
    const hostile = hostileScript(seed, index);
    const arena = hostile.asSuperuser ? privileged : ordinary;
    for (const mode of ['by-statement', 'one-query'] as const) {
      const trial = { ...hostile, script: arena.fill(hostile.script), index, mode };
      const each = { ...trial, ...(await judge(arena, trial)) };
      judged.push(each);
      tell(each);
    }
  }
  return judged;
}

async function judge(arena: Arena, trial: Trial): Promise<Pick<Judged, 'result' | 'method' | 'wrong'>> {
  try {
    const outcome = await arena.fight({ migrations: { '20260102_hostile': trial.script }, mode: trial.mode });
    return { result: outcome.result, method: outcome.method, wrong: whatIsWrong(outcome) };
  } catch (error) {
    return { result: 'recovery-failed', method: null, wrong: String(error) };
  }
}

/** The end state is that before, or the migrator itself said that all went well. */
export function whatIsWrong({ result, because, deployed, before, after }: Outcome): string | null {
  switch (result) {
    case 'migrated':
      return deployed.exitCode === 0 ? null : `called migrated, and the migrator said ${deployed.output}`;
    case 'stopped':
      return `left as it is: ${because}`;
    case 'untouched':
    case 'restored': {
      const found = differences(before, after);
      return found.length === 0 ? null : `called ${result}, and ${found.join(', ')} is not as before`;
    }
  }
}

export const kindCount = kinds.length;
