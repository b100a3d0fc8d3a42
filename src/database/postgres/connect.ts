import { SafeMigrateError } from '../../system/errors.ts';
import type { DatabaseAddress, ServerVersion } from '../database.ts';
import { MachineTools } from './machine-tools.ts';
import type { PostgresServer, SqlSession, Tools } from './server.ts';
import { openSession } from './session.ts';
import { chooseTools, noTools } from './tool-choice.ts';
import {
  findInstallations,
  searchFolders,
  type ToolInstallation,
  versionFromNumber,
} from './tool-installations.ts';
import type { ConnectionTarget } from './url.ts';

/** Oldest server whose catalogs and settings this code was written for. */
const oldestMajor = 13;

/**
 * Finds the server of `target` and the tools of this machine that fit it.
 * Rejects when the server does not answer (see openSession), when no fitting tools are installed
 * (SM_CLIENT_MISSING, SM_CLIENT_TOO_OLD) and when the server is too old (SM_SERVER_TOO_OLD).
 */
export async function connectServer(
  target: ConnectionTarget,
  options: { readonly folders?: readonly string[] } = {},
): Promise<PostgresServer> {
  const installations = await findInstallations(options.folders ?? (await searchFolders()));
  const [newest] = installations;
  if (newest === undefined) throw noTools(null);
  const version = await readServerVersion(target, newest);
  if (version.major < oldestMajor) {
    throw new SafeMigrateError({
      code: 'SM_SERVER_TOO_OLD',
      message: `The server is PostgreSQL ${version.text}; safe-migrate works with PostgreSQL ${oldestMajor} and later.`,
      hint: `Upgrade the server; PostgreSQL ${version.major} gets no security fixes any more.`,
      docs: 'postgresql.md',
    });
  }
  return new MachineServer(target, version, new MachineTools(chooseTools(installations, version), target));
}

async function readServerVersion(
  target: ConnectionTarget,
  installation: ToolInstallation,
): Promise<ServerVersion> {
  const tools = new MachineTools({ installation, warnings: [] }, target);
  const { session, serverVersionNumber } = await openSession(tools, target.address, target.address.database);
  await session[Symbol.asyncDispose]();
  return versionFromNumber(serverVersionNumber);
}

class MachineServer implements PostgresServer {
  readonly address: DatabaseAddress;
  readonly version: ServerVersion;
  readonly tools: Tools;

  constructor(target: ConnectionTarget, version: ServerVersion, tools: Tools) {
    this.address = target.address;
    this.version = version;
    this.tools = tools;
  }

  async connect(database: string, options: { readonly applicationName?: string } = {}): Promise<SqlSession> {
    const { session } = await openSession(this.tools, this.address, database, options);
    return session;
  }
}
