import type { ServerVersion, Unreachable } from '../../database.ts';
import { chooseHome } from '../server/choose-home.ts';
import type { Tools } from '../server/server.ts';
import type { ConnectionTarget } from '../server/url.ts';
import { openSession } from '../session/session.ts';
import { versionFromNumber } from './tool-installations.ts';

/** What the first session with a server tells. */
export interface ProbedServer {
  readonly version: ServerVersion;
  /** The database in which statements about databases are run: the target, where it can be connected to. */
  readonly home: string;
  /** null when the target itself can be connected to. */
  readonly unreachable: Unreachable | null;
}

/** A server, and the tools that were chosen for it. */
export interface ChosenTools extends ProbedServer {
  readonly tools: Tools;
}

/** Connects once, through `tools`. Rejects as openSession and chooseHome do. */
export async function probeServer(
  tools: Pick<Tools, 'start' | 'serverName'>,
  target: ConnectionTarget,
  evenWithoutTarget: boolean,
): Promise<ProbedServer> {
  const { database, unreachable, value } = await chooseHome(target, evenWithoutTarget, async (name) => {
    const { session, serverVersionNumber } = await openSession(tools, target.address, name);
    await session[Symbol.asyncDispose]();
    return versionFromNumber(serverVersionNumber);
  });
  return { version: value, home: database, unreachable };
}
