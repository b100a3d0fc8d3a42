import { z } from 'zod';

const prefix = 'safe-migrate ';
const content = z.looseObject({
  format: z.literal(1),
  kind: z.literal('coordination'),
  target: z.string(),
});

/**
 * The comment of a coordination database in which nothing is open. The journal of a run will stand in the same
 * place, as further members of the same object: comments on databases are cluster-wide and transactional.
 */
export function coordinationMark(target: string): string {
  return prefix + JSON.stringify({ format: 1, kind: 'coordination', target });
}

/**
 * What a comment says about a coordination database of `target`: `idle` (ours, nothing open), `open` (ours, and it
 * says more than that: never to be dropped), or null (not ours).
 */
export function readCoordinationMark(target: string, comment: string | null): 'idle' | 'open' | null {
  if (comment === null || !comment.startsWith(prefix)) return null;
  if (comment === coordinationMark(target)) return 'idle';
  try {
    const parsed = content.safeParse(JSON.parse(comment.slice(prefix.length)));
    return parsed.success && parsed.data.target === target ? 'open' : null;
  } catch {
    // Somebody's own text that happens to start with our name.
    return null;
  }
}
