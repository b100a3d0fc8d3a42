import { readdir, readFile, readlink } from 'node:fs/promises';

/**
 * Local TCP ports that the processes of group `groupId` use now, as the server sees them in `client_port`.
 * Read from /proc: empty where there is none (macOS), and for processes of other users.
 */
export async function localPortsOf(groupId: number): Promise<ReadonlySet<number>> {
  const ports = new Set<number>();
  if (process.platform !== 'linux') return ports;
  for (const id of await membersOf(groupId)) {
    const inodes = await socketInodes(id);
    if (inodes.size === 0) continue;
    // The process's own view: it may be in another network namespace than we are.
    for (const table of ['tcp', 'tcp6']) {
      for (const { inode, port } of await tcpSockets(`/proc/${id}/net/${table}`)) {
        if (inodes.has(inode)) ports.add(port);
      }
    }
  }
  return ports;
}

async function membersOf(groupId: number): Promise<readonly string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const members = await Promise.all(
    ids.map(async (id) => {
      // `pid (name) state ppid pgrp …`; the name may hold spaces and parentheses.
      const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '');
      const [, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(processGroup) === groupId ? [id] : [];
    }),
  );
  return members.flat();
}

async function socketInodes(id: string): Promise<ReadonlySet<string>> {
  const descriptors = await readdir(`/proc/${id}/fd`).catch(() => []);
  const targets = await Promise.all(
    descriptors.map((descriptor) => readlink(`/proc/${id}/fd/${descriptor}`).catch(() => '')),
  );
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}

/** Lines of /proc/net/tcp: `sl local_address rem_address st … inode`, addresses as `HEX:PORT`. */
async function tcpSockets(path: string): Promise<readonly { inode: string; port: number }[]> {
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, local, , , , , , , , inode] = line.trim().split(/\s+/);
    const port = Number.parseInt(local?.split(':')[1] ?? '', 16);
    return inode === undefined || inode === '0' || Number.isNaN(port) ? [] : [{ inode, port }];
  });
}
