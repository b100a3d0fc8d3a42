import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { parsePostgresUrl } from '../database/postgres/server/url.ts';
import { migrateCommandProblems, readScripts } from '../prisma/command/migrate-command.ts';
import { parseStorageUrl, type StorageUrl } from '../storage/port/storage-url.ts';
import { type Problem, problemsOf } from '../system/errors.ts';
import { Secret } from '../system/secret.ts';
import { shortened } from '../system/temporary-folder.ts';

/** Longest text of a user that a message repeats. */
const maximumShownLength = 100;

/** One of a few words; those in `later` are refused as not built yet. */
export function choice<const Allowed extends string>(
  allowed: readonly Allowed[],
  later: readonly string[] = [],
) {
  return z.string().transform((given, context): Allowed => {
    const found = allowed.find((word) => word === given);
    if (found !== undefined) return found;
    if (later.includes(given)) {
      return refuse(context, {
        code: 'SM_NOT_YET',
        message: `"${given}" arrives with a later version of safe-migrate`,
        hint: `Allowed now: ${allowed.join(', ')}.`,
      });
    }
    return refuse(context, {
      code: 'SM_INPUT',
      message: `${shown(given)} is unknown`,
      hint: `Allowed: ${allowed.join(', ')}.`,
    });
  });
}

/** A whole number within limits, both included. */
export function wholeNumber(minimum: number, maximum: number) {
  return z.string().transform((given, context): number => {
    const number = /^\d{1,6}$/.test(given) ? Number(given) : Number.NaN;
    if (number >= minimum && number <= maximum) return number;
    return refuse(context, {
      code: 'SM_INPUT',
      message: `${shown(given)} is not a whole number from ${minimum} to ${maximum}`,
      hint: `Allowed: ${minimum} to ${maximum}.`,
    });
  });
}

/** A time in minutes, as milliseconds; parts of a minute are allowed. */
export function minutes(maximum: number) {
  return z.string().transform((given, context): number => {
    const number = /^\d{1,5}(\.\d{1,3})?$/.test(given) ? Number(given) : Number.NaN;
    if (number > 0 && number <= maximum) return number * 60_000;
    return refuse(context, {
      code: 'SM_INPUT',
      message: `${shown(given)} is not a number of minutes up to ${maximum}`,
      hint: `Allowed: more than 0 and at most ${maximum}.`,
    });
  });
}

/** The last part of a backup's id: it becomes part of file names and object keys. */
export function backupLabel() {
  return z.string().transform((given, context): string => {
    if (/^[a-z0-9_-]{1,60}$/.test(given)) return given;
    return refuse(context, {
      code: 'SM_INPUT',
      message: `${shown(given)} cannot be part of a backup's id`,
      hint: 'Allowed: 1 to 60 characters of a-z, 0-9, _ and -.',
    });
  });
}

/** Anything that is not empty. */
export function anyText() {
  return z.string();
}

/** `latest`, or a backup's id: it becomes part of object keys and paths. */
export function backupChoice() {
  return z.string().transform((given, context): string => {
    if (/^[A-Za-z0-9_.-]+$/.test(given) && !/^\.+$/.test(given)) return given;
    return refuse(context, {
      code: 'SM_INPUT',
      message: `${shown(given)} is no backup's id`,
      hint: 'Give `latest`, or an id as reports and outputs name it: backup_YYYYMMDD_HHMMSSZ_label.',
    });
  });
}

/** A container as docker names them; it becomes an argument of docker, so it may not look like an option. */
export function containerName() {
  return z.string().transform((given, context): string => {
    if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(given)) return given;
    return refuse(context, {
      code: 'SM_INPUT',
      message: `${shown(given)} cannot be the name of a container`,
      hint: 'Give the name or id of a running container, or the name of a service of a compose file.',
    });
  });
}

/** An image as docker names them: registry, path, tag, digest. */
export function imageName() {
  return z.string().transform((given, context): string => {
    if (/^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,254}$/.test(given)) return given;
    return refuse(context, {
      code: 'SM_INPUT',
      message: `${shown(given)} cannot be the name of an image`,
      hint: 'Give it as to docker run, e.g. postgres:17 or registry.example.com/postgres:17.',
    });
  });
}

/** A shell command that migrates, and names nothing that must never run; `directory` holds the package.json it may use. */
export function migrateCommand(directory: string) {
  return z.string().transform((given, context): string => {
    const problems = migrateCommandProblems(given, readScripts(directory));
    for (const problem of problems) addIssue(context, problem);
    return given;
  });
}

/** A URL that the database's own parser accepts. Its text is never repeated. */
export function databaseUrl(directory: string) {
  return z.string().transform((given, context): Secret => {
    for (const problem of parsePostgresUrl(given, { directory }).problems) addIssue(context, problem);
    return new Secret(given);
  });
}

/**
 * A path that must exist, made absolute. `base` is where relative paths start; when that is no folder itself
 * (which is another input's problem), nothing is said here.
 */
export function existingPath(base: string, kind: 'file' | 'folder' | 'any') {
  return z.string().transform((given, context): string => {
    const path = resolve(base, given);
    if (kindOf(base) !== 'folder') return path;
    const found = kindOf(path);
    if (found !== null && (kind === 'any' || found === kind)) return path;
    const wanted = kind === 'any' ? 'file or folder' : kind;
    return refuse(context, {
      code: 'SM_INPUT',
      message: `${shown(given)} is no ${wanted} (looked for ${shortened(path)})`,
      hint: `Give the path of an existing ${wanted}, relative to ${shortened(base)}.`,
    });
  });
}

/** One storage URL per line, at least one, no two the same; on a hosted runner not only its own disk. */
export function storageUrls(hosted: boolean) {
  return z.string().transform((given, context): readonly [StorageUrl, ...StorageUrl[]] => {
    const problems: Problem[] = [];
    const urls: StorageUrl[] = [];
    const lines = linesOf(given);
    for (const [index, line] of lines.entries()) {
      try {
        const url = parseStorageUrl(line);
        if (urls.some((other) => isDeepStrictEqual(other, url))) {
          problems.push({
            code: 'SM_INPUT',
            message: `line ${index + 1} is a storage that was given before`,
            hint: 'Give every storage once.',
          });
        } else urls.push(url);
      } catch (error) {
        problems.push(...problemsOf(error));
      }
    }
    if (hosted && urls.length > 0 && urls.every((url) => url.kind === 'file')) {
      problems.push({
        code: 'SM_INPUT',
        message: 'file:// alone is refused on a GitHub-hosted runner: its disk is gone after the job',
        hint: 'Add a storage that outlives the job, e.g. artifact:// or s3://bucket/prefix, on its own line.',
      });
    }
    for (const problem of problems) addIssue(context, problem);
    const [first, ...rest] = urls;
    return first === undefined ? z.NEVER : [first, ...rest];
  });
}

/** What an issue carries beside its message. */
export type IssueParameters = Pick<Problem, 'code' | 'hint'>;

export function addIssue(context: z.core.$RefinementCtx, problem: Problem): void {
  const params: IssueParameters = { code: problem.code, hint: problem.hint };
  context.issues.push({ code: 'custom', message: problem.message, params, input: undefined });
}

/** Adds the issue and returns zod's stand-in for the value that there is none of. */
export function refuse(context: z.core.$RefinementCtx, problem: Problem): never {
  addIssue(context, problem);
  return z.NEVER;
}

export function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

export function shown(given: string): string {
  const cut = given.length > maximumShownLength ? `${given.slice(0, maximumShownLength)}…` : given;
  return JSON.stringify(cut);
}

function kindOf(path: string): 'file' | 'folder' | 'other' | null {
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch {
    // Too long for a path, links in a circle, a folder that may not be entered: there is nothing to be found there.
  }
  if (stats === undefined) return null;
  if (stats.isDirectory()) return 'folder';
  return stats.isFile() ? 'file' : 'other';
}
