import { SafeMigrateError } from '../../system/errors.ts';
import type { DatabaseAddress, ServerVersion } from '../database.ts';
import { chooseClientImage, type ImageTools } from './client-image.ts';
import { openContainer } from './connect-container.ts';
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

/** Where the tools are to run, as the inputs of these names say. */
export interface ToolPlaces {
  /** Name or compose service of the container in which PostgreSQL runs; null: this machine, or an image. */
  readonly container: string | null;
  /** Image for a machine without fitting tools; null: PostgreSQL's own of the server's major. */
  readonly clientImage: string | null;
  /** Of the project: tells services of several compose files apart. */
  readonly directory: string;
}

/**
 * Finds the server of `target` and tools that fit it: in `container` where it is given, otherwise those of this
 * machine with the server's own major, those of an image where Docker answers, or the nearest newer ones.
 * Rejects when the server does not answer (see openSession), when no fitting tools can be had (SM_CLIENT_MISSING,
 * SM_CLIENT_TOO_OLD), when the container cannot be used (see findContainer) and when the server is too old
 * (SM_SERVER_TOO_OLD).
 */
export async function connectServer(
  target: ConnectionTarget,
  options: Partial<ToolPlaces> & { readonly folders?: readonly string[] } = {},
): Promise<PostgresServer> {
  const { tools, version } =
    typeof options.container === 'string'
      ? await openContainer(target, options.container, options.directory ?? process.cwd())
      : await openTools(target, options);
  try {
    refuseOldServer(version);
  } catch (error) {
    await tools[Symbol.asyncDispose]();
    throw error;
  }
  return new ReachedServer(target.address, version, tools);
}

async function openTools(
  target: ConnectionTarget,
  options: Partial<ToolPlaces> & { readonly folders?: readonly string[] },
): Promise<ImageTools> {
  const installations = await findInstallations(options.folders ?? (await searchFolders()));
  const [newest] = installations;
  const known = newest === undefined ? null : await readServerVersion(target, newest);
  if (known !== null && installations.some(({ version }) => version.major === known.major)) {
    return { tools: new MachineTools(chooseTools(installations, known), target), version: known };
  }
  const image = await chooseClientImage(target, known, options.clientImage ?? null);
  if (image.opened !== null) return image.opened;
  if (known === null) throw noTools(null, image.because);
  const choice = chooseTools(installations, known, image.because);
  return { tools: new MachineTools(choice, target), version: known };
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

function refuseOldServer(version: ServerVersion): void {
  if (version.major >= oldestMajor) return;
  throw new SafeMigrateError({
    code: 'SM_SERVER_TOO_OLD',
    message: `The server is PostgreSQL ${version.text}; safe-migrate works with PostgreSQL ${oldestMajor} and later.`,
    hint: `Upgrade the server; PostgreSQL ${version.major} gets no security fixes any more.`,
    docs: 'postgresql.md',
  });
}

class ReachedServer implements PostgresServer {
  readonly address: DatabaseAddress;
  readonly version: ServerVersion;
  readonly tools: Tools;

  constructor(address: DatabaseAddress, version: ServerVersion, tools: Tools) {
    this.address = address;
    this.version = version;
    this.tools = tools;
  }

  async connect(database: string, options: { readonly applicationName?: string } = {}): Promise<SqlSession> {
    const { session } = await openSession(this.tools, this.address, database, options);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tools[Symbol.asyncDispose]();
  }
}
