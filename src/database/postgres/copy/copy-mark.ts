import { z } from 'zod';
import { type CopyKind, copyKinds, copyName } from './copy-name.ts';

/** Who made a copy, of what, and for which purpose. */
export interface CopyMark {
  readonly kind: CopyKind;
  /** Name of the target that it is a copy of. */
  readonly target: string;
  readonly run: string;
  /** Of a failed database: when it was swapped out, by the server's clock; ISO 8601. */
  readonly at?: string | undefined;
  /** Of a failed database: OID of the one that took its place. */
  readonly replacedBy?: number | undefined;
}

const prefix = 'safe-migrate ';
/** Longer ones are none of ours, and anybody who may create databases can write one of a gigabyte. */
export const markLimitBytes = 1000;

const markContent = z.strictObject({
  format: z.literal(1),
  kind: z.enum(copyKinds),
  target: z.string().min(1),
  run: z.string().min(1),
  at: z.iso.datetime().optional(),
  replacedBy: z.int().positive().optional(),
});

/**
 * The comment that a copy carries from its first moment: `safe-migrate {"format":1,"kind":…,"target":…,"run":…}`.
 * Without it no database is ever dropped. Comments on databases are cluster-wide and need no connection to it.
 */
export function copyMark({ kind, target, run, at, replacedBy }: CopyMark): string {
  return prefix + JSON.stringify({ format: 1, kind, target, run, at, replacedBy });
}

/** Reads a comment back; null when it is not a mark of ours (or none at all). */
export function parseCopyMark(comment: string | null): CopyMark | null {
  if (comment === null || !comment.startsWith(prefix)) return null;
  let content: unknown;
  try {
    content = JSON.parse(comment.slice(prefix.length));
  } catch {
    // Somebody's own text that happens to start with our name.
    return null;
  }
  const parsed = markContent.safeParse(content);
  if (!parsed.success) return null;
  const { format: _, ...mark } = parsed.data;
  return mark;
}

/**
 * The mark of database `name` when comment and name agree that a run of safe-migrate made it for `target`;
 * null otherwise. Both are needed: a comment alone travels with renames, a name alone anybody can choose. Neither says
 * who wrote it: see isTrustedOwner.
 */
export function provenCopy(target: string, name: string, comment: string | null): CopyMark | null {
  const mark = parseCopyMark(comment);
  if (mark === null || mark.target !== target || name === target) return null;
  try {
    return copyName(mark.target, mark.kind, mark.run) === name ? mark : null;
  } catch (error) {
    // No name has room for such a run's id.
    if (!(error instanceof RangeError)) throw error;
    return null;
  }
}
