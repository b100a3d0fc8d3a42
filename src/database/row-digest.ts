import type { Fingerprint } from './fingerprint.ts';

/**
 * How rows were hashed. `columns`: each value by itself, then the hashes of a row together. `row`: the text of the whole row,
 * as versions before 1.0 did, which takes five times as long for long texts.
 */
export type DigestForm = 'columns' | 'row';

/** Stands before the digests of the form `columns`; one without a mark is of the form `row`. */
const mark = '2:';

export function markedDigest(form: DigestForm, sum: string): string {
  return form === 'columns' ? `${mark}${sum}` : sum;
}

export function formOfDigest(digest: string): DigestForm {
  return digest.startsWith(mark) ? 'columns' : 'row';
}

/** The number that a digest is, to be added to others of its form. */
export function sumOfDigest(digest: string): bigint {
  return BigInt(formOfDigest(digest) === 'columns' ? digest.slice(mark.length) : digest);
}

/** The form in which a database has to be read to be compared with what this fingerprint holds. */
export function formOfFingerprint(
  fingerprint: Pick<Fingerprint, 'tables' | 'materializedViews'>,
): DigestForm {
  const digests = [...fingerprint.tables, ...fingerprint.materializedViews].map(({ digest }) => digest);
  return digests.some((digest) => digest !== null && formOfDigest(digest) === 'row') ? 'row' : 'columns';
}
