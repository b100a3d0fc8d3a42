import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { parseStat } from './process-group.ts';

/** How many looks later a process that was no member is looked at again: its number may be another process's by then. */
const looksPerRound = 20;

/**
 * Watches which local TCP ports the processes of one group use, as the server sees them in `client_port`. Read from /proc:
 * nothing where there is none (macOS), and for processes of other users.
 *
 * It looks many times a second for as long as a migration lasts, on a machine that may run hundreds of other processes: so it
 * reads without waiting (/proc answers from memory), and does not look at every stranger every time.
 */
export class LocalPorts {
  readonly #groupId: number;
  readonly #strangers = new Set<string>();
  /** Sockets that need no second look. The kernel walks its whole table for each reading of /proc/net/tcp. */
  readonly #known = new Set<string>();
  #looks = 0;
  /** All that were seen since the beginning. */
  readonly seen = new Set<number>();

  constructor(groupId: number) {
    this.#groupId = groupId;
  }

  look(): void {
    if (process.platform !== 'linux') return;
    if (this.#looks % looksPerRound === 0) this.#strangers.clear();
    this.#looks += 1;
    const tables = new Map<string, ReadonlyMap<string, number>>();
    for (const id of this.#members()) {
      const inodes = socketInodes(id).filter((inode) => !this.#known.has(inode));
      if (inodes.length === 0) continue;
      // The process's own view: it may be in another network namespace than the others of its group.
      const space = orElse(() => readlinkSync(`/proc/${id}/ns/net`), id);
      const table = tables.get(space) ?? portsByInode(id);
      tables.set(space, table);
      for (const inode of inodes) {
        const port = table.get(inode);
        if (port === undefined) continue;
        this.seen.add(port);
        this.#known.add(inode);
      }
      // Pipes between processes never get a port. What is left may be a TCP socket that has none yet.
      for (const inode of inodes.every((inode) => table.has(inode)) ? [] : unixInodes(id))
        this.#known.add(inode);
    }
  }

  #members(): readonly string[] {
    return readdirSync('/proc').filter((id) => {
      if (!/^\d+$/.test(id) || this.#strangers.has(id)) return false;
      const stat = orElse(() => readFileSync(`/proc/${id}/stat`, 'utf8'), '');
      const isMember = parseStat(stat).groupId === this.#groupId;
      if (!isMember) this.#strangers.add(id);
      return isMember;
    });
  }
}

/** What has ended since it was listed, or belongs to somebody else, has nothing to read. */
function orElse<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function socketInodes(id: string): readonly string[] {
  return orElse(() => readdirSync(`/proc/${id}/fd`), []).flatMap((descriptor) => {
    const target = orElse(() => readlinkSync(`/proc/${id}/fd/${descriptor}`), '');
    return /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [];
  });
}

/** Lines of /proc/net/unix: `Num RefCount Protocol Flags Type St Inode Path`. */
function unixInodes(id: string): readonly string[] {
  return orElse(() => readFileSync(`/proc/${id}/net/unix`, 'utf8'), '')
    .split('\n')
    .slice(1)
    .flatMap((line) => line.trim().split(/\s+/)[6] ?? []);
}

/** Lines of /proc/net/tcp: `sl local_address rem_address st … inode`, addresses as `HEX:PORT`. */
function portsByInode(id: string): ReadonlyMap<string, number> {
  const lines = ['tcp', 'tcp6'].flatMap((table) =>
    orElse(() => readFileSync(`/proc/${id}/net/${table}`, 'utf8'), '')
      .split('\n')
      .slice(1),
  );
  const ports = new Map<string, number>();
  for (const line of lines) {
    const [, local, , , , , , , , inode] = line.trim().split(/\s+/);
    const port = Number.parseInt(local?.split(':')[1] ?? '', 16);
    if (inode !== undefined && inode !== '0' && !Number.isNaN(port)) ports.set(inode, port);
  }
  return ports;
}
