import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { DatabaseAddress } from '../../database.ts';
import type { Tools } from '../server/server.ts';

/**
 * Whether everybody who uses the same host and port on this machine reaches the same server as the tools do: they
 * connect from here, to one network address. `localhost` mostly is two (IPv6 and IPv4), and behind each of them may
 * be another server.
 */
export async function isOneRoute(
  tools: Pick<Tools, 'goesByUrl'>,
  { host }: Pick<DatabaseAddress, 'host'>,
): Promise<boolean> {
  if (!tools.goesByUrl || host.startsWith('/')) return false;
  if (isIP(host) !== 0) return true;
  // What cannot be resolved here is not known to be one place; who connects will say more.
  const found = await lookup(host, { all: true }).catch(() => []);
  return new Set(found.map(({ address }) => address)).size === 1;
}
