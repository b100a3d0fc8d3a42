import type { ServerVersion, Unreachable } from '../../database.ts';
import { chooseHome } from '../server/choose-home.ts';
import type { SqlSession, Tools } from '../server/server.ts';
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
  /** The session that told it, in `home`: to be used on or to be ended. */
  readonly session: SqlSession;
}

/** What `choose` gives for a probed server; where it throws, the session is ended first. */
export async function orEnd<T>({ session }: ProbedServer, choose: () => T | Promise<T>): Promise<T> {
  try {
    return await choose();
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

/** A server, and the tools that were chosen for it. */
export interface ChosenTools extends ProbedServer {
  readonly tools: Tools;
}

/** Connects once, through `tools`; the session stays open. Rejects as openSession and chooseHome do. */
export async function probeServer(
  tools: Pick<Tools, 'start' | 'serverName'>,
  target: ConnectionTarget,
  evenWithoutTarget: boolean,
): Promise<ProbedServer> {
  const { database, unreachable, value } = await chooseHome(target, evenWithoutTarget, async (name) => {
    const { session, serverVersionNumber } = await openSession(tools, target.address, name);
    return { session, version: versionFromNumber(serverVersionNumber) };
  });
  return { ...value, home: database, unreachable };
}
