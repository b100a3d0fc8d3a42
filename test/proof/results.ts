import { appendFile, readFile } from 'node:fs/promises';
import { z } from 'zod';

export const ways = ['proof', 'swap', 'rollback'] as const;
export const outcomes = ['equal', 'told', 'refused', 'false refusal', 'missed'] as const;

const databaseLine = z.object({
  kind: z.literal('database'),
  /** Seed, number and major: the same text makes the same database. */
  id: z.string(),
  seed: z.int(),
  major: z.int(),
  superuser: z.boolean(),
  way: z.enum(ways),
  outcome: z.enum(outcomes),
  /** Code and beginning of the message of a refusal. */
  refusal: z.string().nullable(),
  /** How many differences the proof told by name. */
  told: z.int(),
  /** The first of them: of an exception, what nobody told; of a refusal, what makes it right. */
  differences: z.array(z.string()),
  statements: z.int(),
  seconds: z.number(),
  at: z.iso.datetime(),
  commit: z.string(),
});

const sessionLine = z.object({
  kind: z.literal('session'),
  seed: z.int(),
  at: z.iso.datetime(),
  commit: z.string(),
  machine: z.string(),
  versions: z.record(z.string(), z.string()),
});

const line = z.discriminatedUnion('kind', [databaseLine, sessionLine]);

export type ResultLine = z.infer<typeof line>;
export type DatabaseLine = z.infer<typeof databaseLine>;
export type SessionLine = z.infer<typeof sessionLine>;

/** Everything that was ever appended; none where there is no such file. A line that was cut off by a kill does not count. */
export async function readResults(file: string): Promise<readonly ResultLine[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text
    .split('\n')
    .filter((each) => each.startsWith('{') && each.endsWith('}'))
    .map((each) => line.parse(JSON.parse(each)));
}

export async function appendResult(file: string, result: ResultLine): Promise<void> {
  await appendFile(file, `${JSON.stringify(line.parse(result))}\n`);
}

/** The last word on every database and way. */
export function latest(results: readonly ResultLine[]): readonly DatabaseLine[] {
  const databases = results.filter((each) => each.kind === 'database');
  return [...new Map(databases.map((each) => [`${each.id} ${each.way}`, each])).values()];
}
