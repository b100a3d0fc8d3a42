import { access } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { MigrationFailure } from '../report/report.ts';
import { failingLine } from './failing-line.ts';
import type { DeployResult, HistoryRow, MigrationFile } from './migrator.ts';
import { readableText } from './printed-text.ts';

/**
 * What is known about a failed migration, from the `logs` of its row (or, when the engine could not write them, from
 * what Prisma printed). Row values never get into it. `migration` null: it is not among the files.
 */
export async function describeFailure(given: {
  readonly row: HistoryRow;
  readonly deployed: DeployResult;
  readonly migration: MigrationFile | null;
}): Promise<MigrationFailure> {
  const { row, deployed, migration } = given;
  const text = errorText(row, deployed);
  const message = primaryMessage(text) ?? howItEnded(deployed);
  return {
    migration: row.migrationName,
    file: migration === null ? null : await pathInRepository(migration.path),
    line:
      migration === null || text === null
        ? null
        : failingLine(migration.script, {
            message,
            position: markedLine(text),
            table: /\btable: Some\("((?:[^"\\]|\\.)*)"\)/.exec(text)?.[1] ?? null,
          }),
    sqlState: sqlStateIn(text),
    message,
  };
}

/** SQLSTATE of the error in a text of the engine (a row's `logs`, or what Prisma printed), or null. */
export function sqlStateIn(text: string | null): string | null {
  return text === null ? null : (/^Database error code: ([0-9A-Z]{5})$/m.exec(text)?.[1] ?? null);
}

function errorText(row: HistoryRow, deployed: DeployResult): string | null {
  const logs = readableText(row.logs ?? '');
  if (logs.trim() !== '') return logs;
  const printed = readableText(deployed.output);
  const start = printed.indexOf(`Migration name: ${row.migrationName}\n`);
  return start < 0 ? null : printed.slice(start);
}

/** The first line of the database's message: what follows it may hold row values. */
function primaryMessage(text: string | null): string | null {
  if (text === null) return null;
  const afterHeading = /^Database error:\s*\n(.*)$/m.exec(text)?.[1] ?? text.trim().split('\n')[0] ?? '';
  const message = afterHeading.replace(/^(?:db error: )?(ERROR|FATAL|PANIC):\s*/, '').trim();
  return message === '' ? null : message;
}

function howItEnded(deployed: DeployResult): string {
  const code = deployed.errorCode === null ? '' : ` with ${deployed.errorCode}`;
  return deployed.signal === null
    ? `prisma ended${code} (exit code ${deployed.exitCode ?? 'unknown'}) before the migration was finished`
    : `prisma was ended by ${deployed.signal} before the migration was finished`;
}

/** The last of the numbered lines after `Position:`; the engine prints up to five lines before it. */
function markedLine(text: string): { readonly line: number; readonly text: string } | null {
  const block = /^Position:\n((?:[ \t]*\d+(?: .*)?\n?)+)/m.exec(text)?.[1];
  const marked = /^\s*(\d+)(?: (.*))?$/.exec(block?.trimEnd().split('\n').at(-1) ?? '');
  return marked === null ? null : { line: Number(marked[1]), text: marked[2] ?? '' };
}

/**
 * The path as annotations want it: relative to the root of the repository, or to the current folder (which is the
 * workspace) where there is none; null when it is outside of both.
 */
async function pathInRepository(path: string): Promise<string | null> {
  let directory = dirname(path);
  while (!(await exists(join(directory, '.git')))) {
    const parent = dirname(directory);
    if (parent === directory) {
      directory = process.cwd();
      break;
    }
    directory = parent;
  }
  const inside = relative(directory, path).split(sep).join('/');
  return inside.startsWith('../') ? null : inside;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
