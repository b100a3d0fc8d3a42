import { isUtf8 } from 'node:buffer';

/** Why PostgreSQL could not run a script as it is written, and what to do; message goes on after the file's name. */
export interface ScriptFlaw {
  readonly message: string;
  readonly hint: string;
}

const saveAgain = 'Save it as UTF-8 without a byte-order mark.';

/**
 * What is wrong with the bytes of a migration.sql. Prisma reads any as UTF-8: it hands a byte-order mark on, which PostgreSQL takes
 * for a letter, and puts U+FFFD in the place of letters in another encoding, which would then stand in the database.
 */
export function flawOf(bytes: Buffer): ScriptFlaw | null {
  if (/^(fffe|feff)/.test(bytes.toString('hex', 0, 2)) || zeroesIn(bytes) > bytes.length / 4) {
    return {
      message: 'is written in UTF-16',
      hint: `${saveAgain} (iconv -f UTF-16 -t UTF-8.) The > of Windows PowerShell writes such files: give prisma migrate diff --output instead.`,
    };
  }
  if (zeroesIn(bytes) > 0) {
    return {
      message:
        'holds a NUL character, at which a script ends for PostgreSQL: what stands after it would not run',
      hint: 'Remove it (tr -d "\\000").',
    };
  }
  if (bytes.toString('hex', 0, 3) === 'efbbbf') {
    return {
      message: 'begins with a byte-order mark, which PostgreSQL takes for a part of the first word',
      hint: saveAgain,
    };
  }
  if (!isUtf8(bytes)) {
    return {
      message: 'is not written in UTF-8: Prisma would put U+FFFD in the place of its letters',
      hint: `${saveAgain} (iconv -f WINDOWS-1252 -t UTF-8, if that is what it is in.)`,
    };
  }
  return null;
}

function zeroesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0); at !== -1; at = bytes.indexOf(0, at + 1)) count += 1;
  return count;
}
