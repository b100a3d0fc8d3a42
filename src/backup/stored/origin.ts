import type { Manifest } from '../manifest/manifest.ts';

/**
 * Whether a backup was made on another cluster than the one that `here` identifies: databases of one name (staging,
 * production) may share a storage. False where either is unknown; physical copies of a cluster have its identifier.
 */
export function isFromElsewhere({ server }: Pick<Manifest, 'server'>, here: string | null): boolean {
  return here !== null && server.systemIdentifier !== null && server.systemIdentifier !== here;
}

/** Where a backup comes from, for people. Host and port are among its details, which may be encrypted. */
export function originText({ server }: Pick<Manifest, 'server'>): string {
  const which = server.systemIdentifier === null ? '' : `, system identifier ${server.systemIdentifier}`;
  return `PostgreSQL ${server.version}${which}`;
}
