import { SafeMigrateError } from '../../../system/errors.ts';
import type { DatabaseAddress, ServerVersion, Unreachable } from '../../database.ts';
import type { PostgresServer, SqlSession, Tools } from '../server/server.ts';
import type { ConnectionTarget } from '../server/url.ts';
import { openSession } from '../session/session.ts';
import { chooseClientImage } from './client-image.ts';
import { openContainer } from './connect-container.ts';
import { MachineTools } from './machine-tools.ts';
import { type ChosenTools, orEnd, probeServer } from './probe-server.ts';
import { chooseTools, noTools } from './tool-choice.ts';
import { findInstallations, searchFolders } from './tool-installations.ts';

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

export interface ConnectOptions extends Partial<ToolPlaces> {
  /** Where tools of this machine are looked for; default: searchFolders(). */
  readonly folders?: readonly string[];
  /** For a rollback: a target that is gone or cannot be connected to is no reason to reject. */
  readonly evenWithoutTarget?: boolean;
  /**
   * The session that asked the server for its version stays open, and is what `connect` gives for the home database when it
   * is first asked for one without a name: every start of psql in a container takes half a second.
   */
  readonly keepsFirstSession?: boolean;
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
  options: ConnectOptions = {},
): Promise<PostgresServer> {
  const chosen =
    typeof options.container === 'string'
      ? await openContainer(target, options.container, {
          directory: options.directory ?? process.cwd(),
          evenWithoutTarget: options.evenWithoutTarget === true,
        })
      : await openTools(target, options);
  try {
    await orEnd(chosen, () => refuseOldServer(chosen.version));
    if (options.keepsFirstSession === true) return new ReachedServer(target.address, chosen, chosen.session);
    await chosen.session[Symbol.asyncDispose]();
  } catch (error) {
    await chosen.tools[Symbol.asyncDispose]();
    throw error;
  }
  return new ReachedServer(target.address, chosen, null);
}

async function openTools(target: ConnectionTarget, options: ConnectOptions): Promise<ChosenTools> {
  const evenWithoutTarget = options.evenWithoutTarget === true;
  const installations = await findInstallations(options.folders ?? (await searchFolders()));
  const [newest] = installations;
  const probed =
    newest === undefined
      ? null
      : await probeServer(
          new MachineTools({ installation: newest, warnings: [] }, target),
          target,
          evenWithoutTarget,
        );
  if (probed !== null && installations.some(({ version }) => version.major === probed.version.major)) {
    const choice = await orEnd(probed, () => chooseTools(installations, probed.version));
    return { ...probed, tools: new MachineTools(choice, target) };
  }
  const askImage = () =>
    chooseClientImage(target, probed, { image: options.clientImage ?? null, evenWithoutTarget });
  const image = await (probed === null ? askImage() : orEnd(probed, askImage));
  if (image.opened !== null) {
    await probed?.session[Symbol.asyncDispose]();
    return image.opened;
  }
  if (probed === null) throw noTools(null, image.because);
  const choice = await orEnd(probed, () => chooseTools(installations, probed.version, image.because));
  return { ...probed, tools: new MachineTools(choice, target) };
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
  readonly home: string;
  readonly unreachable: Unreachable | null;
  /** Not given to anybody yet. */
  #first: SqlSession | null;

  constructor(address: DatabaseAddress, chosen: ChosenTools, first: SqlSession | null) {
    this.address = address;
    this.version = chosen.version;
    this.tools = chosen.tools;
    this.home = chosen.home;
    this.unreachable = chosen.unreachable;
    this.#first = first;
  }

  async connect(database: string, options: { readonly applicationName?: string } = {}): Promise<SqlSession> {
    const first = this.#first;
    if (first !== null && database === first.database && options.applicationName === undefined) {
      this.#first = null;
      return first;
    }
    const { session } = await openSession(this.tools, this.address, database, options);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#first?.[Symbol.asyncDispose]();
    await this.tools[Symbol.asyncDispose]();
  }
}
