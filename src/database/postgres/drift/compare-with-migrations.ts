import type { DriftReport } from '../../../report/check-report.ts';
import { identifier } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import {
  type ComparableEntry,
  comparableEntries,
  isOfGrants,
  migratorOf,
  type SchemaSide,
} from './comparable-entries.ts';
import { type Difference, differencesBetween, sentenceOf } from './differences.ts';
import { reconcileGrants } from './grant-statements.ts';
import { keepsWhatBelongs } from './keeps-what-belongs.ts';
import { type Lost, loadEntries, tryStatements } from './load-entries.ts';
import { createStatement, dropStatement } from './object-statements.ts';
import { prismaPieces } from './prisma-pieces.ts';
import { type Reconciliation, reconcile, type Step } from './reconcile.ts';
import { reconcileScript } from './reconcile-script.ts';
import { tableLines } from './table-statements.ts';

/** An empty database of this run, to try things in. */
export interface Copy {
  readonly session: SqlSession;
  /** What it holds now. */
  read(): Promise<SchemaSide>;
}

/**
 * How the target differs from what its migrations made, and the SQL that takes it back. That SQL is not guessed: it is
 * found by working on a copy of the target's schema until nothing differs, so what stays by hand is known as well.
 * `makeCopy` makes an empty database on the scratch server.
 */
export async function compareWithMigrations(request: {
  readonly actual: SchemaSide;
  readonly expected: SchemaSide;
  /** Schema of the target's URL. */
  readonly schema: string;
  readonly prismaScript: string;
  readonly makeCopy: () => Promise<Copy>;
}): Promise<DriftReport> {
  const { actual, expected, makeCopy } = request;
  const none: DriftReport = { differences: [], reconcileSql: '', byHand: [] };
  if (differencesBetween(actual, expected, null).length === 0) return none;
  const restored = await makeCopy();
  await loadEntries(restored.session, comparableEntries(expected).values());
  const again = await restored.read();
  const differences = differencesBetween(actual, expected, again);
  if (differences.length === 0) return none;

  const copy = await makeCopy();
  const is = comparableEntries(actual);
  const lost = (await loadEntries(copy.session, is.values())).filter(({ entry }) => !isOfGrants(entry));
  const given = new Set(lost.map(({ entry }) => entry.object));
  const should = comparableEntries(expected);
  await standIn(copy.session, should, given);
  const untriedGrants = await settleGrants(copy, differences);
  await copy.session.execute(`SET search_path TO ${identifier(request.schema)}`);
  const proposed = prismaPieces(request.prismaScript).filter((piece) =>
    keepsWhatBelongs(piece, should, request.schema),
  );
  const { steps, left } = await reconcile(copy.session, proposed, async () =>
    differencesBetween(await copy.read(), expected, again).filter(({ object }) => !given.has(object)),
  );
  const migrator = migratorOf(actual);
  return {
    differences: differences.map(sentenceOf),
    reconcileSql: reconcileScript({
      untriedGrants,
      steps,
      schema: request.schema,
      migrator,
      ownerOf(object) {
        const entry = is.get(object);
        return entry?.type === 'ACL' ? (entry.owner ?? migrator) : migrator;
      },
    }),
    byHand: [...left.map(remaining), ...untried(lost, differences)],
  };
}

/**
 * Differences in grants that the copy cannot show, because their role is not on this server or owns the copy. They are
 * taken back statement by statement, and the copy is brought to where the target is afterwards.
 */
async function settleGrants(copy: Copy, differences: readonly Difference[]): Promise<readonly Step[]> {
  const grants = differences.filter(({ is, wanted }) =>
    [is, wanted].some((each) => each !== null && isOfGrants(each)),
  );
  if (grants.length === 0) return [];
  const held = comparableEntries(await copy.read());
  const steps: Step[] = [];
  for (const { object, is, wanted } of grants) {
    const shown = held.get(object)?.body ?? '';
    if (shown === (is?.body ?? '')) continue;
    const type = (is ?? wanted)?.type ?? 'ACL';
    const { statements } = reconcileGrants(is?.body ?? '', wanted?.body ?? '');
    steps.push({ statements, about: { object, type } });
    const onCopy = reconcileGrants(shown, wanted?.body ?? '').statements;
    if (onCopy.length > 0) await tryStatements(copy.session, onCopy);
  }
  return steps;
}

/** What the copy could not be given is there in the target: what is built on it has to find something. */
async function standIn(
  session: SqlSession,
  expected: ReadonlyMap<string, ComparableEntry>,
  objects: ReadonlySet<string>,
): Promise<void> {
  await loadEntries(
    session,
    [...objects].flatMap((object) => expected.get(object) ?? []),
  );
}

function remaining({ difference, reason }: Reconciliation['left'][number]): string {
  const said = reason === null ? '' : ` (${reason})`;
  return `${sentenceOf(difference)}${said}${adviceOn(difference)}`;
}

function adviceOn({ is, wanted }: Difference): string {
  if (wanted === null) return ': drop it, or put it into a migration';
  if (is !== null && wanted.type === 'TABLE') return `: ${tableLines(is.body, wanted.body).join('; ')}`;
  return `; by the migrations it is:\n${createStatement(wanted)}`;
}

/** Differences in what the copy could not be given, so no SQL for them was tried. */
function untried(lost: readonly Lost[], differences: readonly Difference[]): readonly string[] {
  return lost.flatMap(({ entry, reason }) => {
    const difference = differences.find(({ object }) => object === entry.object);
    if (difference === undefined) return [];
    const because = `not tried, because the shadow server could not hold it (${reason})`;
    const drop = difference.wanted === null ? dropStatement(entry) : null;
    return [`${sentenceOf(difference)}, ${because}${drop === null ? adviceOn(difference) : `: ${drop}`}`];
  });
}
