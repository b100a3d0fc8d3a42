import { createHash } from 'node:crypto';

/** Kinds of databases that runs make beside a target. */
export const copyKinds = ['fallback', 'rehearsal', 'failed', 'scratch'] as const;
export type CopyKind = (typeof copyKinds)[number];

/** PostgreSQL cuts longer names silently (NAMEDATALEN - 1). */
const nameLimitBytes = 63;

/**
 * Name of a copy beside `target`: `<target>__<kind>_<run>`. Always fits PostgreSQL's 63 bytes: the stem is cut
 * where it must be and a short hash of it added, so that two long targets never share a copy's name.
 */
export function copyName(target: string, kind: CopyKind, run: string): string {
  return withSuffix(target, `__${kind}_${run}`);
}

/** Name of the coordination database of `target`: `<target>__safe_migrate`. */
export function coordinationName(target: string): string {
  return withSuffix(target, '__safe_migrate');
}

function withSuffix(target: string, suffix: string): string {
  const whole = target + suffix;
  if (Buffer.byteLength(whole) <= nameLimitBytes) return whole;
  const hash = createHash('sha256').update(target).digest('hex').slice(0, 8);
  const stemBytes = nameLimitBytes - Buffer.byteLength(suffix) - hash.length - 1;
  if (stemBytes < 1) throw new RangeError(`no database name fits before ${suffix}`);
  return `${cutToBytes(target, stemBytes)}_${hash}${suffix}`;
}

/** The longest prefix of whole characters that fits. */
function cutToBytes(text: string, limitBytes: number): string {
  let cut = '';
  let sizeBytes = 0;
  for (const character of text) {
    sizeBytes += Buffer.byteLength(character);
    if (sizeBytes > limitBytes) break;
    cut += character;
  }
  return cut;
}
