import type { Fallback } from '../../src/database/database.ts';
import { connectServer } from '../../src/database/postgres/connect/connect.ts';
import { parsePostgresUrl } from '../../src/database/postgres/server/url.ts';
import { SafeMigrateError } from '../../src/system/errors.ts';
import { prove, takeBackup } from '../integration/database/proving.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import type { Empty } from './grammar/build.ts';
import { quoted } from './grammar/names.ts';
import { type Difference, differences, readPicture } from './oracle/read.ts';
import { restoreByHand } from './restore-by-hand.ts';

export interface Judgement {
  /**
   * `equal`: the proof and the oracle agree. `told`: the oracle sees differences, and the proof has named each of them.
   * `refused`, `false refusal`: by whether even the best restore differs. `missed`: what must never be.
   */
  readonly outcome: 'equal' | 'told' | 'refused' | 'false refusal' | 'missed';
  /** Code and message of a refusal. */
  readonly refusal: string | null;
  readonly told: readonly string[];
  /** What the oracle sees and nobody has told; of a refusal, what makes it right. */
  readonly differences: readonly Difference[];
}

/** Lets the proof of the action judge a database, and the oracle the proof. */
export async function judgeProof(cluster: PostgresCluster, empty: Empty, tools: string): Promise<Judgement> {
  const before = await readPicture(cluster, empty.database);
  let fallback: Fallback & { readonly told?: readonly string[] };
  try {
    const { target } = parsePostgresUrl(
      cluster.url({ database: empty.database, user: empty.user, password: empty.password }),
    );
    if (target === null) throw new Error('no target');
    await using server = await connectServer(target, { folders: [tools] });
    await using backup = await takeBackup(server);
    fallback = await prove(server, backup, { run: 'proof' });
  } catch (error) {
    if (!(error instanceof SafeMigrateError)) throw error;
    return await judgeRefusal(`${error.code}: ${error.message}`, () =>
      restoreByHand(cluster, empty, tools, before),
    );
  }
  await cluster.psql('postgres', `ALTER DATABASE ${quoted(fallback.name)} ALLOW_CONNECTIONS true`);
  const after = await readPicture(cluster, fallback.name);
  // What the run writes on its copy until the swap.
  const isMark = ({ name, how }: Difference) =>
    name === 'database properties' &&
    /^comment: .* -> "safe-migrate \S*$/.test(how.replaceAll(/\s+(?=.*-> )/g, ' '));
  const judgement = judgeEquality(
    fallback.told ?? [],
    differences(before, after).filter((each) => !isMark(each)),
  );
  return judgement;
}

/** A refusal is right when no restore could have brought back what it names. */
export async function judgeRefusal(
  refusal: string,
  byHand: () => Promise<readonly Difference[]>,
): Promise<Judgement> {
  const found = await byHand();
  const isRight = found.some((each) => each.name === 'restore' || isAbout(refusal, each));
  return { outcome: isRight ? 'refused' : 'false refusal', refusal, told: [], differences: found };
}

/** What was told must have been told by its name. */
export function judgeEquality(told: readonly string[], found: readonly Difference[]): Judgement {
  const untold = found.filter((difference) => !told.some((sentence) => isAbout(sentence, difference)));
  if (untold.length > 0) return { outcome: 'missed', refusal: null, told, differences: untold };
  return { outcome: found.length > 0 ? 'told' : 'equal', refusal: null, told, differences: found };
}

const word = '(?:"(?:[^"]|"")+"|[\\w$]+)';
const qualified = new RegExp(`${word}\\.${word}`);
const last = new RegExp(`${word}$`);

/** Whether the sentence names the object, in whatever quotes. */
function isAbout(sentence: string, { name }: Difference): boolean {
  const plain = (text: string) => text.replaceAll('"', '').replaceAll(/\s+/g, ' ');
  const object = plain((qualified.exec(name) ?? last.exec(name))?.[0] ?? name);
  const text = plain(sentence);
  for (let at = text.indexOf(object); at >= 0; at = text.indexOf(object, at + 1)) {
    // `public.t` is not named by what is said of `public.t1`.
    if (!/\w/.test(text[at + object.length] ?? '')) return true;
  }
  return false;
}
