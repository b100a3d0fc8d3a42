import { basename } from 'node:path';
import { simpleCommands } from './shell-words.ts';

/** How a migrate-command is asked where it connects to. */
export interface ScriptCommand {
  /** Shell text that runs a script from stdin where the migrate-command runs `migrate deploy`. */
  readonly text: string;
  /**
   * Shell text that ends the container which `text` makes; null: it makes none. Only with a new container something
   * else than Prisma runs, the entrypoint of its image, and ending the client alone would leave it running.
   */
  readonly endContainer: string | null;
}

type Words = readonly string[];

const packageRunners = new Set(['npx', 'npm', 'pnpm', 'pnpx', 'yarn', 'bun', 'bunx', 'corepack']);
/** What may stand between a package runner and Prisma. Not `run`: that is a script, which may do anything. */
const runnerWords = new Set([...packageRunners, 'exec', 'x', 'dlx', 'workspace', '--']);
const shells = new Set(['sh', 'bash', 'dash', 'ash']);
/** Set variables, from a file or a vault, and run what follows `--`. */
const environmentTools = new Set(['dotenv', 'dotenvx', 'doppler', 'infisical', 'op', 'aws-vault', 'chamber']);
/** Run what follows, after assignments. */
const prefixes = new Set(['env', 'exec', 'command', 'time', 'cross-env']);
const engines = new Set(['docker', 'podman', 'nerdctl', 'docker-compose']);
/** Options of their `exec` that take the next word. */
const valueOptions = new Set(
  ['-e', '--env', '--env-file', '-u', '--user', '-w', '--workdir', '--index'].concat('--detach-keys'),
);
const detaching = new Set(['-d', '--detach']);

/**
 * null where it cannot be said, or where something else may run that nobody can stop for certain: that must not happen
 * before there is a backup. `schema` is for Prisma up to 6, which wants to be told in `db execute` where it gets its URL
 * from: what the command says itself, else `usual`. `left-out`: no such option at all.
 */
export function scriptCommand(
  command: string,
  given: {
    readonly schema: 'left-out' | { readonly usual: string | null };
    readonly containerName: string;
  },
): ScriptCommand | null {
  const words = onlyCommand(command);
  if (words === null || /\$\(|[`|<>]/.test(command)) return null;
  if ([...command.matchAll(new RegExp(deploying, 'g'))].length !== 1) return null;
  const text = given.schema === 'left-out' ? withoutSchema(command) : withSchema(command, given.schema.usual);
  if (text === null) return null;
  if (isPrismaAlone(words)) {
    // Without it a container's standard input is empty; `docker compose` passes it on by itself.
    const listening = text.replace(/\b(docker|podman|nerdctl)((?:\s+container)?\s+exec)(?=\s)/, '$1$2 -i');
    return { text: listening, endContainer: null };
  }
  return inNewContainer(text, words, given.containerName);
}

const deploying = /(?<![\w-])migrate\s+deploy(?![\w-])/;
const schemaOption = /\s--schema(=|\s+)("[^"]*"|'[^']*'|[^\s"']+)/;

function withoutSchema(command: string): string {
  return command.replaceAll(new RegExp(schemaOption, 'g'), '').replace(deploying, () => 'db execute --stdin');
}

function withSchema(command: string, usual: string | null): string | null {
  if (schemaOption.test(command)) return command.replace(deploying, () => 'db execute --stdin');
  if (usual === null) return null;
  return command.replace(deploying, () => `db execute --stdin --schema ${quoted(usual)}`);
}

/** Nothing but changes of folder and environment stands around one command, in an `sh -c '…'` as well. */
function onlyCommand(text: string): Words | null {
  const [only, ...more] = simpleCommands(text).filter(([first]) => first !== 'cd' && first !== 'export');
  if (only === undefined || more.length > 0) return null;
  return only.every((word) => !/\s/.test(word) || onlyCommand(word) !== null) ? only : null;
}

/** Whether these words start Prisma and no program or script of the user's. */
function isPrismaAlone(given: Words): boolean {
  const [first, ...rest] = withoutAssignments(given);
  if (first === undefined) return false;
  if (isPrisma(first)) return true;
  const name = basename(first);
  if (prefixes.has(name)) return isPrismaAlone(rest);
  if (shells.has(name)) {
    const inner = /^-[a-z]*c$/.test(rest[0] ?? '') ? onlyCommand(rest[1] ?? '') : null;
    return inner !== null && isPrismaAlone(inner);
  }
  if (name === 'node') return isPrisma(rest.find((word) => !word.startsWith('-')) ?? '');
  if (environmentTools.has(name)) {
    return rest.includes('--') && isPrismaAlone(rest.slice(rest.indexOf('--') + 1));
  }
  if (engines.has(name)) return isPrismaAlone(insideRunningContainer(rest));
  if (!packageRunners.has(name)) return false;
  const prisma = rest.findIndex(isPrisma);
  return rest
    .slice(0, prisma < 0 ? rest.length : prisma)
    .every((word, index) => prisma >= 0 && (isOption(word) || isRunnerWord(word, rest[index - 1])));
}

function isRunnerWord(word: string, previous: string | undefined): boolean {
  if (runnerWords.has(word) || previous === 'workspace') return true;
  return previous !== undefined && isOption(previous) && previous !== '--' && !previous.includes('=');
}

/** The command of `docker exec …`, which runs no entrypoint; empty for anything else. */
function insideRunningContainer(words: Words): Words {
  const exec = words.indexOf('exec');
  if (exec < 0 || words.slice(0, exec).includes('run')) return [];
  let rest = words.slice(exec + 1);
  while (rest[0] !== undefined && isOption(rest[0])) {
    if (detaching.has(rest[0])) return [];
    rest = rest.slice(valueOptions.has(rest[0]) ? 2 : 1);
  }
  // The container or the service.
  return rest.slice(1);
}

/** `docker run` and `docker compose run`, under a name by which the container can be ended. */
function inNewContainer(text: string, given: Words, containerName: string): ScriptCommand | null {
  const words = withoutAssignments(given);
  const run = words.indexOf('run');
  const options = words.slice(run + 1);
  if (!engines.has(basename(words[0] ?? '')) || run < 0 || words.slice(0, run).includes('exec')) return null;
  if (options.some((word) => detaching.has(word))) return null;
  const engine = /\b(?:docker-compose|docker|podman|nerdctl)\s(?:[^\n;&]*?\s)??(?=run\s)/.exec(text);
  if (engine === null) return null;
  const before = text.slice(0, engine.index);
  const client = engine[0];
  const isCompose = /^docker-compose\s|\scompose\s/.test(client);
  const ownName = /(?:^|\s)--name(?:=|\s)(\S+)/.exec(options.join(' '))?.[1];
  const added = [
    ...(options.includes('--rm') ? [] : ['--rm']),
    // Compose passes its standard input on by itself. What the service depends on may migrate too, under other names.
    ...(isCompose ? ['--no-deps'] : ['-i']),
    ...(ownName === undefined ? ['--name', containerName] : []),
  ];
  const after = text.slice(engine.index + client.length + 'run'.length);
  const ender = client
    .replace(/^docker-compose\s.*$/s, 'docker ')
    .replace(/\s(?:compose|container)\s.*$/s, ' ');
  return {
    text: `${before}${client}${['run', ...added].join(' ')}${after}`,
    endContainer: `${before}${ender}kill ${quoted(ownName ?? containerName)}`,
  };
}

function withoutAssignments(words: Words): Words {
  const first = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  return first < 0 ? [] : words.slice(first);
}

function isPrisma(word: string): boolean {
  return (
    /^(prisma7?|@prisma\/prisma7)(@[^/]+)?$/.test(word) ||
    /\/(prisma7?|prisma7?\/build\/(index|prisma7)\.js)$/.test(word)
  );
}

function isOption(word: string): boolean {
  return word.startsWith('-');
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
