import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 50;
/** How long a group that got SIGKILL is waited for. */
const killedGraceMs = 5000;

/**
 * Sends a signal to every process of the group that `pid` leads.
 * Returns false when there is no such group (any more).
 */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  // kill(-1) reaches every process of the user, kill(0) our own group: neither may happen by a wrong number.
  if (!Number.isInteger(pid) || pid <= 1) throw new RangeError(`not the id of a process group: ${pid}`);
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    // EPERM: there are processes, but none of them is ours.
    if (error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))
      return false;
    throw error;
  }
}

/**
 * Ends a process group: SIGTERM, and SIGKILL after `graceMs` milliseconds (0: at once).
 * Returns whether nothing of it runs any more.
 */
export async function endGroup(pid: number, graceMs = 5000): Promise<boolean> {
  if (graceMs > 0) {
    if (!signalGroup(pid, 'SIGTERM')) return true;
    if (await groupEnds(pid, graceMs)) return true;
  }
  if (!signalGroup(pid, 'SIGKILL')) return true;
  return groupEnds(pid, killedGraceMs);
}

async function groupEnds(pid: number, timeoutMs: number): Promise<boolean> {
  const deadlineMs = Date.now() + timeoutMs;
  while (await groupRuns(pid)) {
    if (Date.now() >= deadlineMs) return false;
    await sleep(pollMs);
  }
  return true;
}

async function groupRuns(pid: number): Promise<boolean> {
  if (!signalGroup(pid, 0)) return false;
  if (process.platform !== 'linux') return true;
  // In a container whose first process collects no orphans, ended members stay as zombies for ever.
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const members = await Promise.all(ids.map((id) => isRunningMember(id, pid)));
  return members.includes(true);
}

async function isRunningMember(id: string, group: number): Promise<boolean> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${id}/stat`, 'utf8');
  } catch {
    return false; // It ended while we looked.
  }
  const { state, groupId } = parseStat(stat);
  return groupId === group && state !== 'Z' && state !== 'X';
}

/** What `/proc/<id>/stat` says: `pid (name) state ppid pgrp …`; the name may hold spaces and parentheses. */
export function parseStat(stat: string): { readonly state: string; readonly groupId: number } {
  const [state = '', , groupId] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state, groupId: Number(groupId) };
}
