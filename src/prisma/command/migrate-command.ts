import { basename, join } from 'node:path';
import { z } from 'zod';
import { readInstalledText } from '../../system/checkout.ts';
import type { Problem } from '../../system/errors.ts';
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
/** Run every script that they are given. */
const scriptListers = new Set(['npm-run-all', 'run-s', 'run-p']);
const endsOfOptions = new Set(['exec', 'x', 'dlx', 'node', 'prisma', 'prisma7']);

type PackageScripts = Readonly<Record<string, string>>;

const manifest = z.object({ scripts: z.record(z.string(), z.string()).optional() });

/** The scripts of `directory`'s package.json; none where there is no readable one. */
export function readScripts(directory: string): PackageScripts {
  try {
    const text = readInstalledText(join(directory, 'package.json'));
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

/**
 * The script that a package manager is told to run, with those that run before and after it. Words behind it are its
 * arguments, and behind `exec` or Prisma's name no script is meant: `yarn prisma migrate deploy` runs none called `migrate`.
 */
function scriptsNamedBy(words: readonly string[], scripts: PackageScripts): readonly string[] {
  const lister = words.findIndex((word) => scriptListers.has(basename(word)));
  if (lister >= 0) return words.slice(lister + 1).flatMap((word) => withHooks(word, scripts));
  const manager = words.findIndex((word) => packageManagers.has(basename(word)));
  if (manager < 0) return [];
  for (const word of words.slice(manager + 1)) {
    if (Object.hasOwn(scripts, word)) return withHooks(word, scripts);
    if (endsOfOptions.has(basename(word))) return [];
  }
  return [];
}

function withHooks(name: string, scripts: PackageScripts): readonly string[] {
  return [name, `pre${name}`, `post${name}`].filter((each) => Object.hasOwn(scripts, each));
}
