import type { z } from 'zod';
import { detailsName } from './details.ts';
import { dumpName, type Manifest, manifestSchema } from './manifest.ts';
import { type ManifestVersion1, manifestOfVersion1, manifestVersion1Schema } from './manifest-version-1.ts';

/** What a stored manifest turned out to be; `problem` continues the sentence "its manifest …". */
type ParsedManifest =
  | {
      readonly manifest: Manifest;
      /** The manifest itself where it holds the details as well: one of format version 1. */
      readonly version1: ManifestVersion1 | null;
      readonly problem: null;
    }
  | { readonly manifest: null; readonly problem: string };

/**
 * Reads a stored manifest and makes sure that it is the one of the folder it lies in. Never throws: a damaged
 * one, or one that a later version wrote, must hide no other backup.
 */
export function parseManifest(
  text: string,
  of: { readonly id: string; readonly database: string },
): ParsedManifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse('is damaged: it is no JSON');
  }
  if (typeof json !== 'object' || json === null || !Object.hasOwn(json, 'formatVersion')) {
    return refuse('is damaged: it has no format version');
  }
  const { formatVersion } = json as { readonly formatVersion: unknown };
  const read = formatVersion === 2 ? readVersion2(json) : formatVersion === 1 ? readVersion1(json) : null;
  if (read === null) {
    return refuse(`has the format version ${shown(formatVersion)}, which this version cannot read`);
  }
  if (read.manifest === null) return read;
  const { manifest } = read;
  if (manifest.id !== of.id) return refuse(`is that of another backup, ${shown(manifest.id)}`);
  if (manifest.database.name !== of.database) {
    return refuse(`is that of another database, ${shown(manifest.database.name)}`);
  }
  if (Number.isNaN(Date.parse(manifest.createdAt))) return refuse('is damaged: createdAt is no time');
  return read;
}

function readVersion2(json: object): ParsedManifest {
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) return notAsItShouldBe(parsed.error);
  const { formatVersion: _, ...manifest } = parsed.data;
  const isPlain = manifest.encryption === null;
  // Whoever takes the encryption away must not be believed by halves.
  if (isPlain !== (manifest.file.name === dumpName)) return refuse(notAs('file'));
  if (isPlain !== (manifest.details.name === detailsName)) return refuse(notAs('details'));
  return { manifest, version1: null, problem: null };
}

function readVersion1(json: object): ParsedManifest {
  const parsed = manifestVersion1Schema.safeParse(json);
  if (!parsed.success) return notAsItShouldBe(parsed.error);
  return { manifest: manifestOfVersion1(parsed.data), version1: parsed.data, problem: null };
}

function notAsItShouldBe({ issues: [issue] }: z.ZodError): ParsedManifest {
  return refuse(notAs(issue?.path.join('.') || 'it'));
}

function notAs(member: string): string {
  return `is damaged: ${member} is not as it should be`;
}

function refuse(problem: string): ParsedManifest {
  return { manifest: null, problem };
}

/** What stands there, cut. It may be anything: lists in lists without end are not written out. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return '{…}';
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
