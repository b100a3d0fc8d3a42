import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import { type Journal, journalSchema } from '../../journal.ts';
import { copyName } from '../copy/copy-name.ts';

const prefix = 'safe-migrate ';
const content = z.looseObject({
  format: z.literal(1),
  kind: z.literal('coordination'),
  target: z.string(),
});

/**
 * The comment of a coordination database: `journal` is what stands in it, null when nothing is open. Comments on
 * databases are cluster-wide and transactional, so that the journal changes together with the renames.
 */
export function coordinationMark(target: string, journal: Journal | null = null): string {
  const idle = { format: 1, kind: 'coordination', target };
  return prefix + asciiJson(journal === null ? idle : { ...idle, journal });
}

/** A comment has no encoding: whoever reads it from a database with another one would see other letters. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * What a comment says about a coordination database of `target`: `idle` (ours, nothing open), `open` (ours, and it
 * says more than that: never to be dropped), or null (not ours).
 */
export function readCoordinationMark(target: string, comment: string | null): 'idle' | 'open' | null {
  if (comment === coordinationMark(target)) return 'idle';
  return contentOf(target, comment) === null ? null : 'open';
}

/**
 * The journal in such a comment; null when nothing is open or the comment is not ours. Throws SM_JOURNAL_UNREADABLE
 * when something is open that this version cannot read, and must therefore leave alone.
 */
export function readJournal(target: string, database: string, comment: string | null): Journal | null {
  if (readCoordinationMark(target, comment) !== 'open') return null;
  const parsed = journalSchema.safeParse(contentOf(target, comment)?.journal);
  if (parsed.success && namesItsOwnCopy(target, parsed.data)) return parsed.data;
  throw unreadable(target, database);
}

/** Whoever follows it renames that database: it is the one that its run has made, or none. */
function namesItsOwnCopy(target: string, { run, fallback }: Journal): boolean {
  return fallback === null || fallback.name === copyName(target, 'fallback', run);
}

export function unreadable(target: string, database: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_JOURNAL_UNREADABLE',
    message: `A run on ${target} is unfinished, and its journal, the comment of database ${database}, cannot be read by this version of safe-migrate.`,
    hint: 'A later version wrote it, or somebody changed it by hand. Use that version, or finish as the page describes.',
    docs: 'recovery.md',
  });
}

function contentOf(target: string, comment: string | null): z.infer<typeof content> | null {
  if (comment === null || !comment.startsWith(prefix)) return null;
  try {
    const parsed = content.safeParse(JSON.parse(comment.slice(prefix.length)));
    return parsed.success && parsed.data.target === target ? parsed.data : null;
  } catch {
    // Somebody's own text that happens to start with our name.
    return null;
  }
}
