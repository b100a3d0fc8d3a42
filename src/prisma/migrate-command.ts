import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Problem } from '../system/errors.ts';
import { simpleCommands } from './shell-words.ts';

/** Subcommands of Prisma that change a database otherwise than by its migrations, or rewrite the history. */
const forbidden: Readonly<Record<string, readonly string[]>> = {
  migrate: ['dev', 'reset', 'resolve'],
  db: ['push'],
};
/** After one of these the subcommand is said, and what follows are its arguments. */
const harmless: Readonly<Record<string, readonly string[]>> = {
  migrate: ['deploy', 'status', 'diff'],
  db: ['execute', 'pull', 'seed'],
};
const forbiddenOptions = ['--force-reset', '--accept-data-loss'];
const packageManagers = new Set(['npm', 'pnpm', 'yarn', 'bun']);

export type PackageScripts = Readonly<Record<string, string>>;

const manifest = z.object({ scripts: z.record(z.string(), z.string()).optional() });

/** The scripts of `directory`'s package.json; none where there is no readable one. */
export function readScripts(directory: string): PackageScripts {
  try {
    const text = readFileSync(join(directory, 'package.json'), 'utf8');
    return manifest.parse(JSON.parse(text)).scripts ?? {};
  } catch {
    return {};
  }
}

/**
 * What `command` names that must never run against a database that matters; `scripts` of package.json that it names
 * are looked into as well. It guards against a slip: a script file of the user's is not read.
 */
export function migrateCommandProblems(command: string, scripts: PackageScripts): readonly Problem[] {
  return [...new Set(forbiddenIn(command, scripts, '', new Set()))].map((found) => ({
    code: 'SM_MIGRATE_COMMAND',
    message: `names ${found}, which must never run against a database that matters`,
    hint: 'Only `prisma migrate deploy` may migrate here; `migrate resolve` is for a person to decide, after looking at the database.',
    docs: 'prisma.md',
  }));
}

function forbiddenIn(text: string, scripts: PackageScripts, from: string, seen: Set<string>): string[] {
  return simpleCommands(text).flatMap((words) => [
    ...namedBy(words).map((found) => `\`${found}\`${from}`),
    // `sh -c "…"` and its like.
    ...words.filter((word) => /\s/.test(word)).flatMap((word) => forbiddenIn(word, scripts, from, seen)),
    ...scriptsNamedBy(words, scripts).flatMap((name) => {
      if (seen.has(name)) return [];
      seen.add(name);
      return forbiddenIn(scripts[name] ?? '', scripts, ` (in the package.json script ${name})`, seen);
    }),
  ]);
}

function namedBy(words: readonly string[]): string[] {
  const found = words.flatMap((word, index) => {
    const command = basename(word);
    const bad = forbidden[command] ?? [];
    const fine = harmless[command] ?? [];
    const said = words.slice(index + 1).find((each) => bad.includes(each) || fine.includes(each));
    return said !== undefined && bad.includes(said) ? [`${command} ${said}`] : [];
  });
  const options = words.flatMap((word) =>
    forbiddenOptions.filter((option) => word === option || word.startsWith(`${option}=`)),
  );
  return [...found, ...options];
}

/** With the scripts that package managers run before and after them. */
function scriptsNamedBy(words: readonly string[], scripts: PackageScripts): readonly string[] {
  const manager = words.findIndex((word) => packageManagers.has(basename(word)));
  if (manager < 0) return [];
  return words
    .slice(manager + 1)
    .flatMap((word) => [word, `pre${word}`, `post${word}`])
    .filter((name) => Object.hasOwn(scripts, name));
}

/**
 * The command that runs a script from stdin where `command` runs `migrate deploy`; null where that cannot be said or
 * where it does more than that one thing, which must not happen before the backup. `schemaPath` is for Prisma up to 6,
 * which wants to be told in `db execute` where it gets its URL from; null leaves such an option out altogether.
 */
export function asScriptCommand(command: string, schemaPath: string | null): string | null {
  if (!isOneCommand(command) || /\$\(|[`|<>]/.test(command)) return null;
  const said = [...command.matchAll(/(?<![\w-])migrate\s+deploy(?![\w-])/g)];
  if (said.length !== 1) return null;
  const schema = schemaPath === null ? '' : ` --schema ${quoted(schemaPath)}`;
  return (
    command
      .replaceAll(/\s--schema(=|\s+)("[^"]*"|'[^']*'|[^\s"']+)/g, '')
      .replace(/(?<![\w-])migrate\s+deploy(?![\w-])/, () => `db execute --stdin${schema}`)
      // Without it a container's standard input is empty; `docker compose` passes it on by itself.
      .replace(/\b(docker|podman|nerdctl)((?:\s+container)?\s+(?:run|exec))(?=\s)/, '$1$2 --interactive')
  );
}

/** Whether nothing but changes of folder and environment stands around one command, in an `sh -c '…'` as well. */
function isOneCommand(text: string): boolean {
  const [only, ...more] = simpleCommands(text).filter(([first]) => first !== 'cd' && first !== 'export');
  return (
    only !== undefined && more.length === 0 && only.every((word) => !/\s/.test(word) || isOneCommand(word))
  );
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
