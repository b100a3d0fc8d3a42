import { type FoundContainer, findContainer } from '../../../docker/find-container.ts';
import { type Watchman, watchContainer } from '../../../docker/watchman.ts';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { ConnectionTarget } from '../server/url.ts';
import { findInstallationsIn } from './container-installations.ts';
import { ContainerTools, type ToolContainer } from './container-tools.ts';
import { type ChosenTools, orEnd, type ProbedServer, probeServer } from './probe-server.ts';
import { chooseTools } from './tool-choice.ts';
import type { ToolInstallation } from './tool-installations.ts';

/** The port on which PostgreSQL listens in a container, whatever port it is published on. */
const insidePort = 5432;

/** Parameters of the URL that speak of the way from this machine, not of the one inside of the container. */
const outsideOnly = /^PG(HOST|PORT|SSL.*|CHANNELBINDING|GSSENCMODE|KRBSRVNAME)$/;

interface Route {
  /** For people. */
  readonly name: string;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Reaches the server from inside of its own container, with the URL's user, password and database: by the socket or on
 * the container's loopback, on the URL's port (a container in the machine's network has it too) or on 5432.
 * Rejects as findContainer does; with SM_CLIENT_MISSING when the container has no tools; with the most telling error of
 * all routes when none leads to the database.
 */
export async function openContainer(
  target: ConnectionTarget,
  wanted: string,
  options: {
    readonly directory: string;
    /** As for connectServer. */
    readonly evenWithoutTarget: boolean;
  },
): Promise<ChosenTools> {
  const found = await findContainer(wanted, options.directory);
  const place = `container ${found.name}`;
  const installations = await findInstallationsIn(found.id);
  const [newest] = installations;
  if (newest === undefined) throw noToolsIn(found);
  const watchman = await watchContainer(found.id, found.name);
  try {
    const { container, probed } = await findRoute(target, found, newest, watchman, options.evenWithoutTarget);
    const choice = await orEnd(probed, () => chooseTools(installations, probed.version, null, place));
    return { ...probed, tools: new ContainerTools(choice, container) };
  } catch (error) {
    await watchman[Symbol.asyncDispose]();
    throw error;
  }
}

async function findRoute(
  target: ConnectionTarget,
  found: FoundContainer,
  installation: ToolInstallation,
  watchman: Watchman,
  evenWithoutTarget: boolean,
): Promise<{ readonly container: ToolContainer; readonly probed: ProbedServer }> {
  const failures: { readonly route: Route; readonly error: SafeMigrateError }[] = [];
  for (const route of routesTo(target)) {
    const container: ToolContainer = {
      id: found.id,
      place: `container ${found.name}`,
      watchman,
      serverName: `in container ${found.name} (${route.name})`,
      environment: (database) => ({ ...insideVariables(target.environment(database)), ...route.variables }),
    };
    const tools = new ContainerTools({ installation, warnings: [] }, container);
    try {
      return { container, probed: await probeServer(tools, target, evenWithoutTarget) };
    } catch (error) {
      if (!(error instanceof SafeMigrateError)) throw error;
      failures.push({ route, error });
    }
  }
  throw mostTelling(found, failures);
}

function routesTo(target: ConnectionTarget): readonly Route[] {
  const ports = [...new Set([target.address.port, insidePort])].map(String);
  return ports.flatMap((port) => [
    { name: `socket, port ${port}`, variables: { PGPORT: port } },
    { name: `127.0.0.1:${port}`, variables: { PGHOST: '127.0.0.1', PGPORT: port } },
  ]);
}

function insideVariables(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !outsideOnly.test(name)));
}

/** Where a server answered, its answer says more than a door that is not there. */
const tellingOrder: readonly string[] = ['SM_NO_DATABASE', 'SM_AUTH', 'SM_CONNECTION', 'SM_UNREACHABLE'];

function mostTelling(
  found: FoundContainer,
  failures: readonly { readonly error: SafeMigrateError }[],
): SafeMigrateError {
  const rank = ({ code }: SafeMigrateError): number => {
    const at = tellingOrder.indexOf(code);
    return at === -1 ? tellingOrder.length : at;
  };
  const [first] = failures.map(({ error }) => error).sort((a, b) => rank(a) - rank(b));
  if (first === undefined) throw new TypeError('a container without a route');
  if (first.code !== 'SM_UNREACHABLE') return first;
  return new SafeMigrateError({
    code: 'SM_UNREACHABLE',
    message: `No PostgreSQL server answers in container ${found.name}, neither on its socket nor on its loopback.`,
    hint: `Is it the container in which the server itself runs? \`docker logs ${found.name}\` says what it does.`,
    docs: 'docker.md',
    cause: first,
  });
}

function noToolsIn(found: FoundContainer): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_CLIENT_MISSING',
    message: `psql, pg_dump and pg_restore were not found in container ${found.name}.`,
    hint: 'Name the container in which PostgreSQL runs; without container the tools of the machine, or of an image, reach the server by the URL.',
    docs: 'docker.md',
  });
}
