import type { ServerVersion } from '../../database.ts';

/** Who we are in the target, as the questions about rights need it. */
export interface TargetRole {
  readonly name: string;
  readonly isSuperuser: boolean;
  readonly mayCreateDatabases: boolean;
}

/** What pg_has_role() calls the right to SET ROLE: told apart from mere membership since 16. */
export function rightToBecome(version: ServerVersion): 'SET' | 'MEMBER' {
  return version.major >= 16 ? 'SET' : 'MEMBER';
}
