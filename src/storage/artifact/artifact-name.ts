import { SafeMigrateError } from '../../system/errors.ts';
import { objectKey } from '../port/object-key.ts';

/** Before the run: tells our artifacts from those of other steps and actions. */
const mark = 'safe-migrate';
/** Neither a key's own character in its encoded form nor forbidden in names of artifacts and files. */
const separator = '~';
/** An artifact that is not archived is named by its file, and a file's name has at most 255 bytes. */
const maximumNameBytes = 255;

/**
 * The artifact that holds the object `key`: `safe-migrate~<run>-<attempt>~<key>`, the key's `/` written as `~` and
 * whatever is not surely harmless in a file's name as `=` and two hex digits. Names are unique within a run, all
 * of its attempts together, so the attempt is a part of them. Throws SM_STORAGE_KEY.
 */
export function artifactName(run: string, key: string): string {
  const encoded = objectKey('', key).split('/').map(encode).join(separator);
  const name = [mark, run, encoded].join(separator);
  if (name.length <= maximumNameBytes) return name;
  throw new SafeMigrateError({
    code: 'SM_STORAGE_KEY',
    message: `${JSON.stringify(key)} is too long for the name of an artifact (${name.length} of ${maximumNameBytes} characters)`,
    hint: 'Use a shorter label, or another storage for this database.',
    docs: 'storage.md',
  });
}

/** The key of the object that an artifact of this name holds; null when it is not one of ours. */
export function keyOfArtifact(name: string): string | null {
  const [found, run = '', ...parts] = name.split(separator);
  if (found !== mark || !/^\d+-\d+$/.test(run) || parts.length === 0) return null;
  const key = parts.map(decode).join('/');
  // Anything that would not be named so by us is somebody else's.
  try {
    return artifactName(run, key) === name ? key : null;
  } catch {
    return null;
  }
}

/** The workflow run whose id stands in the name of one of our artifacts; null for others. */
export function runOfArtifact(name: string): string | null {
  return /^safe-migrate~(\d+)-\d+~/.exec(name)?.[1] ?? null;
}

function encode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_.%-]/.test(character)
        ? character
        : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

function decode(text: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '=') {
      bytes.push(Number.parseInt(text.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(text.charCodeAt(at));
  }
  return Buffer.from(bytes).toString('utf8');
}
