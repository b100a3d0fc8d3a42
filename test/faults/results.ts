import { appendFile, readFile } from 'node:fs/promises';
import { z } from 'zod';

const seen = z.object({
  /** Phase, or place, in which it really hit. */
  where: z.string(),
  /** In words: what was hit, and what came of it. */
  seen: z.string(),
  /** State of the database at the end. `none`: the fault never came. */
  end: z.enum(['before', 'after', 'other', 'none']),
  /** `itself`: the run lived, and had its post as every run has. */
  finishedBy: z.enum(['itself', 'post', 'next', 'commands']),
  lostRows: z.int(),
  /** What must not be; null when all is well. */
  exception: z.string().nullable(),
});

/** What a trial ended with. `logs` are for the person who looks into an exception, and are not kept. */
export type Seen = z.infer<typeof seen> & { readonly logs?: readonly string[] };

const trialLine = seen.extend({
  kind: z.enum(['kill', 'fault']),
  /** Name of the trial, unique within a seed: a later line replaces an earlier one. */
  id: z.string(),
  seed: z.int(),
  fault: z.string(),
  way: z.string(),
  /** What was planned, enough to do it again. */
  plan: z.string(),
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

const line = z.discriminatedUnion('kind', [
  trialLine.extend({ kind: z.literal('kill') }),
  trialLine.extend({ kind: z.literal('fault') }),
  sessionLine,
]);

export type ResultLine = z.infer<typeof line>;
export type TrialLine = Extract<ResultLine, { id: string }>;
export type SessionLine = z.infer<typeof sessionLine>;

/** Everything that was ever appended; none where there is no such file. A line that was cut off by a kill does not count. */
export async function readResults(file: string): Promise<readonly ResultLine[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return parseResults(text);
}

export function parseResults(text: string): readonly ResultLine[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((each) => each.startsWith('{') && each.endsWith('}'))
    .map((each) => line.parse(JSON.parse(each)));
}

/** One line, written at once: whoever is killed loses the trial that was under way and no other. */
export async function appendResult(file: string, result: ResultLine): Promise<void> {
  await appendFile(file, `${JSON.stringify(line.parse(result))}\n`);
}

/** The last word on every trial of a seed. */
export function latestTrials(results: readonly ResultLine[], seed: number): ReadonlyMap<string, TrialLine> {
  const trials = results.filter((each) => each.kind !== 'session').filter((each) => each.seed === seed);
  return new Map(trials.map((trial) => [trial.id, trial]));
}

/** A line that was cut off by a kill must not take the next one along. */
export async function endWithNewline(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text !== '' && !text.endsWith('\n')) await appendFile(file, '\n');
}
