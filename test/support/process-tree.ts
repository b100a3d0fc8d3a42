import { readdir, readFile } from 'node:fs/promises';

/** A process as /proc shows it. */
export interface ProcessSight {
  readonly pid: number;
  /** Its arguments, joined by spaces. */
  readonly commandLine: string;
  /** Names of its environment variables; empty when they may not be read. */
  readonly variables: readonly string[];
}

/** Process ids of all descendants of `pid`, parents first (Linux). */
export async function descendantsOf(pid: number): Promise<number[]> {
  const children = new Map<number, number[]>();
  for (const candidate of await processIds()) {
    const parent = await parentOf(candidate);
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), candidate]);
  }
  const found: number[] = [];
  const queue = [pid];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const below = children.get(next) ?? [];
    found.push(...below);
    queue.push(...below);
  }
  return found;
}

/** What a process shows to everybody who can read /proc; null when it is gone. */
export async function lookAt(pid: number): Promise<ProcessSight | null> {
  const commandLine = await readProc(pid, 'cmdline');
  if (commandLine === null || commandLine === '') return null;
  const environment = (await readProc(pid, 'environ')) ?? '';
  return {
    pid,
    commandLine: commandLine.split('\0').join(' ').trim(),
    variables: environment
      .split('\0')
      .map((entry) => entry.split('=', 1)[0] ?? '')
      .filter((name) => name !== ''),
  };
}

/** Processes whose environment holds `NAME=value`: how the runner finds what a job left behind. */
export async function processesWith(variable: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await processIds()) {
    const environment = await readProc(pid, 'environ');
    if (environment?.split('\0').includes(variable)) found.push(pid);
  }
  return found;
}

/** Sends a signal to one process; false when it is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function processIds(): Promise<number[]> {
  return (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
}

async function parentOf(pid: number): Promise<number | null> {
  // The second field is the name in parentheses and may hold anything; the fourth is the parent.
  const fields = (await readProc(pid, 'stat'))?.split(') ').at(-1)?.split(' ');
  return fields === undefined ? null : Number(fields[1]);
}

async function readProc(pid: number, file: string): Promise<string | null> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => null);
}
