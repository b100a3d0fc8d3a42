import { SafeMigrateError } from '../../system/errors.ts';
import type { DatabaseAddress, ServerVersion, Unreachable } from '../database.ts';
import { chooseHome, type Home } from './choose-home.ts';
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
  options: {
    readonly folders?: readonly string[];
    /** For a rollback: a target that is gone or cannot be connected to is no reason to reject. */
    readonly evenWithoutTarget?: boolean;
  } = {},
): Promise<PostgresServer> {
  const installations = await findInstallations(options.folders ?? (await searchFolders()));
  const [newest] = installations;
  if (newest === undefined) throw noTools(null);
  const home = await chooseHome(target, options.evenWithoutTarget === true, (database) =>
    readServerVersion(target, newest, database),
  );
  const version = home.value;
  if (version.major < oldestMajor) {
    throw new SafeMigrateError({
      code: 'SM_SERVER_TOO_OLD',
      message: `The server is PostgreSQL ${version.text}; safe-migrate works with PostgreSQL ${oldestMajor} and later.`,
      hint: `Upgrade the server; PostgreSQL ${version.major} gets no security fixes any more.`,
      docs: 'postgresql.md',
    });
  }
  const tools = new MachineTools(chooseTools(installations, version), target);
  return new MachineServer(target, version, tools, home);
}

async function readServerVersion(
  target: ConnectionTarget,
  installation: ToolInstallation,
  database: string,
): Promise<ServerVersion> {
  const tools = new MachineTools({ installation, warnings: [] }, target);
  const { session, serverVersionNumber } = await openSession(tools, target.address, database);
  await session[Symbol.asyncDispose]();
  return versionFromNumber(serverVersionNumber);
}

class MachineServer implements PostgresServer {
  readonly address: DatabaseAddress;
  readonly version: ServerVersion;
  readonly tools: Tools;
  readonly home: string;
  readonly unreachable: Unreachable | null;

  constructor(
    target: ConnectionTarget,
    version: ServerVersion,
    tools: Tools,
    home: Pick<Home<unknown>, 'database' | 'unreachable'>,
  ) {
    this.address = target.address;
    this.version = version;
    this.tools = tools;
    this.home = home.database;
    this.unreachable = home.unreachable;
  }

  async connect(database: string, options: { readonly applicationName?: string } = {}): Promise<SqlSession> {
    const { session } = await openSession(this.tools, this.address, database, options);
    return session;
  }
}
