import { allKinds } from './grammar/kinds.ts';
import { type DatabaseLine, latest, outcomes, type ResultLine, ways } from './results.ts';

const wayNames = {
  proof: 'dump, restore beside, compare',
  swap: 'the whole action: a migration destroys and fails, and is undone by swap',
  rollback: 'the whole action: `command: rollback` to the stored backup',
} as const satisfies Record<DatabaseLine['way'], string>;

/** The section on random databases, as the results make it. */
export function proofSection(results: readonly ResultLine[]): readonly string[] {
  const all = latest(results);
  const bad = all.filter(({ outcome }) => outcome === 'missed' || outcome === 'false refusal');
  return [
    '## Random databases',
    '',
    `Does the proof see everything? ${new Set(all.map(({ id }) => id)).size} databases were built out of a grammar of ${allKinds.length} kinds of statements, seeded, some 450 statements each,`,
    'with tables, types, partitions, indexes of all access methods, constraints, views, functions, triggers, policies, grants by several roles,',
    'large objects, foreign servers, publications, text search, collations, extensions with tables of their own, edited and not, and settings of',
    'the database and of its roles. What is compared is said by an oracle that shares no code with the action: SQL written from',
    "PostgreSQL's documentation reads all catalogs, every row, what every view answers, and whether every index answers what its table",
    `does. Differences that the proof called equal: ${count(all, 'missed')}. False refusals: ${count(all, 'false refusal')}.`,
    '',
    `| Way | PostgreSQL | Databases | ${outcomes.join(' | ')} |`,
    `|---|---|---|${outcomes.map(() => '---').join('|')}|`,
    ...ways.flatMap((way) =>
      [...new Set(all.map(({ major }) => major))].toSorted().map((major) => {
        const here = all.filter((each) => each.way === way && each.major === major);
        return `| ${wayNames[way]} | ${major} | ${here.length} | ${outcomes.map((outcome) => count(here, outcome)).join(' | ')} |`;
      }),
    ),
    '',
    '*equal*: the action said so and the oracle agrees. *told*: the oracle sees differences, and the report names each of them as not',
    'proved. *refused*: before anything was touched, by the name of what even the most careful restore by hand leaves different or cannot',
    'restore. *missed* and *false refusal* must not be:',
    '',
    ...(bad.length === 0
      ? ['None.']
      : bad.map(
          (each) =>
            `- ${each.id}, ${each.way}, ${each.outcome}: ${cell(each.refusal ?? each.differences[0] ?? '')}`,
        )),
    '',
    '### Why databases were refused',
    '',
    '| Refusal | Times |',
    '|---|---|',
    ...[
      ...Map.groupBy(
        all.filter(({ outcome }) => outcome === 'refused'),
        (each) => reason(each),
      ),
    ]
      .toSorted(([a, { length: x }], [b, { length: y }]) => y - x || (a < b ? -1 : 1))
      .map(([text, { length }]) => `| ${text} | ${length} |`),
    '',
    '### When they were judged',
    '',
    '| Day | Commit | Seed | Judged | Machine | Versions |',
    '|---|---|---|---|---|---|',
    ...sessions(results, all),
    '',
    '```sh',
    'npm run test:proof                                  # 64 databases over PostgreSQL 15 to 18; writes this section',
    'npm run test:proof -- --seed 2 --databases 1000     # others, more of them; goes on where it was stopped',
    'npm run test:proof -- --major 15 --minutes 20       # on one server, begins nothing new after 20 minutes',
    '```',
    '',
    'Three databases of fixed seeds are part of `npm test`.',
    '',
  ];
}

function count(lines: readonly DatabaseLine[], outcome: DatabaseLine['outcome']): number {
  return lines.filter((each) => each.outcome === outcome).length;
}

/** Names that chance gave are left out. */
function reason({ refusal }: DatabaseLine): string {
  const [code = '', ...rest] = (refusal ?? '').split(': ');
  return `\`${code}\` ${cell(
    rest
      .join(': ')
      .split(/[;:]/, 2)
      .join(':')
      .replaceAll(/\b(public|s\d+\w*|[a-z]+_\w+)\.\S+|"[^"]*"|proof_\w+/g, '…'),
  ).slice(0, 120)}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}

function sessions(results: readonly ResultLine[], all: readonly DatabaseLine[]): readonly string[] {
  const lines = results.filter((each) => each.kind === 'session');
  return [
    ...Map.groupBy(lines, ({ at, commit, seed }) => `${at.slice(0, 10)} | ${commit} | ${seed}`),
  ].flatMap(([key, [first]]) => {
    const here = all.filter(({ commit, seed }) => commit === first?.commit && seed === first.seed);
    const versions = Object.entries(first?.versions ?? {}).map(([name, version]) => `${name} ${version}`);
    return here.length === 0
      ? []
      : [`| ${key} | ${here.length} | ${first?.machine} | ${versions.join(', ')} |`];
  });
}
