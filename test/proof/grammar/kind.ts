import type { Place } from './place.ts';

/** A kind of statement, or of a few that only make sense together. */
export interface Kind {
  readonly name: string;
  /** SQL for what is there so far; several texts run one by one, and one that is accepted is enough. */
  readonly make: (place: Place) => Promise<string | readonly string[]> | string | readonly string[];
  /** Oldest server that knows it. */
  readonly from?: number;
  /** First server that no longer accepts it. */
  readonly until?: number;
  /** `superuser`: run by one, in databases that a superuser proves. */
  readonly by?: 'superuser';
  /**
   * Made by a superuser in a database whose ordinary owner proves it. A restore by that owner cannot bring it back, so that a
   * refusal is right; at most one of them in a database, and in few.
   */
  readonly foreign?: true;
  /**
   * No restore brings it back, or not by an ordinary role, or not without more than PostgreSQL's own tools: a refusal is right,
   * and says nothing about the rest. Few databases have it.
   */
  readonly rare?: true;
  /** How often, compared with others. */
  readonly weight?: number;
}

/** There is nothing yet that the statement could be about. */
export class NothingYet extends Error {}

type More = Partial<Omit<Kind, 'name' | 'make'>>;

export function kind(name: string, make: Kind['make'], more: More = {}): Kind {
  return { name, make, ...more };
}
