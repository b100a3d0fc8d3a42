import type { ServerRole } from '../database/database.ts';
import type { RoleChange } from '../report/report.ts';

/** What became of the server's roles between two looks, by name: no recovery of a database takes that back. */
export function roleChanges(
  before: readonly ServerRole[],
  after: readonly ServerRole[],
): readonly RoleChange[] {
  const digests = new Map(before.map(({ name, digest }) => [name, digest]));
  const left = new Set(after.map(({ name }) => name));
  return [
    ...after
      .filter(({ name }) => !digests.has(name))
      .map(({ name }) => ({ role: name, change: 'created' as const })),
    ...before
      .filter(({ name }) => !left.has(name))
      .map(({ name }) => ({ role: name, change: 'dropped' as const })),
    ...after
      .filter(({ name, digest }) => digests.has(name) && digests.get(name) !== digest)
      .map(({ name }) => ({ role: name, change: 'changed' as const })),
  ];
}
