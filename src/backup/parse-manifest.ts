import { type Manifest, manifestSchema } from './manifest.ts';

/** What a stored manifest turned out to be; `problem` continues the sentence "its manifest …". */
export type ParsedManifest =
  | { readonly manifest: Manifest; readonly problem: null }
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
  if (typeof json !== 'object' || json === null || !('formatVersion' in json)) {
    return refuse('is damaged: it has no format version');
  }
  const known = manifestSchema.shape.formatVersion.safeParse(json.formatVersion);
  if (!known.success) {
    return refuse(`has the format version ${shown(json.formatVersion)}, which this version cannot read`);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(`is damaged: ${issue?.path.join('.') || 'it'} is not as it should be`);
  }
  const manifest = parsed.data;
  if (manifest.id !== of.id) return refuse(`is that of another backup, ${shown(manifest.id)}`);
  if (manifest.database.name !== of.database) {
    return refuse(`is that of another database, ${shown(manifest.database.name)}`);
  }
  if (Number.isNaN(Date.parse(manifest.createdAt))) return refuse('is damaged: createdAt is no time');
  return { manifest, problem: null };
}

function refuse(problem: string): ParsedManifest {
  return { manifest: null, problem };
}

/** Whatever stands there, cut: it may be anything. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
