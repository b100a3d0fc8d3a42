import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { watchmanScript } from '../../../docker/container-scripts.ts';
import { docker, dockerProblem, saidByDocker } from '../../../docker/docker-client.ts';
import { startWatchman } from '../../../docker/watchman.ts';
import { messageOf, SafeMigrateError } from '../../../system/errors.ts';
import type { ConnectionTarget } from '../server/url.ts';
import { findInstallationsIn } from './container-installations.ts';
import { ContainerTools, type ToolContainer } from './container-tools.ts';
import { type ChosenTools, orEnd, type ProbedServer, probeServer } from './probe-server.ts';
import { chooseTools } from './tool-choice.ts';

/** Asked for the server's version when the machine has no tools at all. */
const newestMajor = 18;
const pullTimeoutMs = 10 * 60_000;

/**
 * Starts the tools of an image, in a container in the machine's network that ends with us: of `image`, or of
 * PostgreSQL's own with the server's major. `known` is null where nothing on the machine could ask the server for its
 * version. `opened` is null where that is not possible, and `because` then says why. An `image` that was asked for by
 * name and cannot be used is an error: SM_CLIENT_IMAGE. Rejects as openSession does when the server does not answer.
 */
export async function chooseClientImage(
  target: ConnectionTarget,
  known: Pick<ProbedServer, 'version'> | null,
  options: {
    readonly image: string | null;
    /** As for connectServer. */
    readonly evenWithoutTarget: boolean;
  },
): Promise<
  | { readonly opened: ChosenTools; readonly because: null }
  | { readonly opened: null; readonly because: string }
> {
  const { image } = options;
  const open = (name: string) => openImage(target, name, options.evenWithoutTarget);
  const problem = await dockerProblem();
  if (problem !== null) {
    if (image !== null) throw cannotUse(image, problem.message);
    return { opened: null, because: problem.message };
  }
  try {
    const first = await open(image ?? officialImage(known?.version.major ?? newestMajor));
    if (image !== null || known !== null || first.version.major === newestMajor) {
      return { opened: first, because: null };
    }
    // Now that the server has told its major, its own tools are the better ones; those at hand work as well.
    try {
      const exact = await open(officialImage(first.version.major));
      await first.session[Symbol.asyncDispose]();
      await first.tools[Symbol.asyncDispose]();
      return { opened: exact, because: null };
    } catch (error) {
      if (!(error instanceof SafeMigrateError)) throw error;
      return { opened: first, because: null };
    }
  } catch (error) {
    // Tools of the machine have reached the server already: they are the next best.
    const isWayOut = isImageProblem(error) || (known !== null && error instanceof SafeMigrateError);
    if (image !== null || !isWayOut) throw error;
    return { opened: null, because: messageOf(error) };
  }
}

function officialImage(major: number): string {
  return `postgres:${major}`;
}

function isImageProblem(error: unknown): boolean {
  return error instanceof SafeMigrateError && error.code === 'SM_CLIENT_IMAGE';
}

async function openImage(
  target: ConnectionTarget,
  image: string,
  evenWithoutTarget: boolean,
): Promise<ChosenTools> {
  await ensureImage(image);
  const id = `safe-migrate-clients-${randomBytes(6).toString('hex')}`;
  const watchman = await startWatchman(
    [
      'run',
      '--rm',
      '--interactive',
      '--network=host',
      `--name=${id}`,
      ...mountsFor(target).map((path) => `--volume=${path}:${path}:ro`),
      '--entrypoint=sh',
      image,
      '-c',
      watchmanScript,
    ],
    (said) => cannotUse(image, said),
  );
  try {
    const container: ToolContainer = {
      id,
      place: `image ${image}`,
      watchman,
      serverName: null,
      environment: (database) => target.environment(database),
    };
    const installations = await findInstallationsIn(id);
    const [newest] = installations;
    if (newest === undefined) throw cannotUse(image, 'it has no psql, pg_dump and pg_restore');
    const asking = new ContainerTools({ installation: newest, warnings: [] }, container);
    const probed = await probeServer(asking, target, evenWithoutTarget);
    const choice = await orEnd(probed, () =>
      chooseTools(installations, probed.version, null, container.place),
    );
    return { ...probed, tools: new ContainerTools(choice, container) };
  } catch (error) {
    await watchman[Symbol.asyncDispose]();
    throw error;
  }
}

async function ensureImage(image: string): Promise<void> {
  const there = await docker(['image', 'inspect', '--format', '{{.Id}}', image]);
  if (there.exitCode === 0) return;
  const pulled = await docker(['pull', '--quiet', image], { timeoutMs: pullTimeoutMs });
  if (pulled.exitCode !== 0) throw cannotUse(image, `it cannot be pulled: ${saidByDocker(pulled)}`);
}

/** The socket's folder and the certificate, where the URL names them: the same paths inside. */
function mountsFor(target: ConnectionTarget): readonly string[] {
  const { PGHOST, PGSSLROOTCERT } = target.environment(target.address.database);
  return [PGHOST, PGSSLROOTCERT].filter(
    (path): path is string => path?.startsWith('/') === true && existsSync(path),
  );
}

function cannotUse(image: string, because: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_CLIENT_IMAGE',
    message: `The tools of PostgreSQL cannot be run from the image ${image}: ${because}`,
    hint: 'Let the machine reach the registry (or docker pull, docker load the image before), or name one that it has as client-image: with sh, psql, pg_dump and pg_restore, not older than the server.',
    docs: 'docker.md',
  });
}
