import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

const form = /^\.safe-migrate-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.partial$/;

/** A file of this age that nobody on this machine can vouch for belongs to a run that is dead. */
const abandonedAfterMs = 7 * 24 * 60 * 60 * 1000;

/** Name of a file that is being written: hidden, unique, and saying which process writes it. */
export function temporaryName(): string {
  return `.safe-migrate-${processSpace()}-${process.pid}-${randomBytes(6).toString('hex')}.partial`;
}

export function isTemporaryName(name: string): boolean {
  return form.test(name);
}

/**
 * Whether the process that wrote such a file is gone. A folder may be shared by several machines and
 * containers, so a process id means something only where it was given; elsewhere only age tells.
 */
export function isAbandoned(name: string, modifiedAt: Date, now: Date = new Date()): boolean {
  const [, space, pid] = form.exec(name) ?? [];
  if (space === undefined) return false;
  if (space === processSpace()) return !isAlive(Number(pid));
  return now.getTime() - modifiedAt.getTime() > abandonedAfterMs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and is somebody else's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** Machine and, on Linux, process id namespace: two containers may share a host name, not this. */
function processSpace(): string {
  return createHash('sha256').update(`${hostname()} ${processNamespace()}`).digest('hex').slice(0, 8);
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux: there process ids belong to the machine.
    return '';
  }
}
