import { sep } from 'node:path';
import { z } from 'zod';
import { SafeMigrateError } from '../system/errors.ts';
import { docker, dockerProblem, saidByDocker } from './docker-client.ts';

/** A running container. */
export interface FoundContainer {
  /** Its full id: a name may be given to another container while we work. */
  readonly id: string;
  readonly name: string;
}

const listed = z.object({ ID: z.string(), Names: z.string(), State: z.string(), Labels: z.string() });
type Listed = z.infer<typeof listed>;

/**
 * Finds a running container by name, id (at least 12 digits of it), or the name of its service in a compose file. Where
 * several compose projects have such a service, the one whose folder holds `directory` is meant.
 * Rejects with SM_CONTAINER_NOT_FOUND, SM_CONTAINER_STOPPED, SM_CONTAINER_AMBIGUOUS, and where Docker cannot be used.
 */
export async function findContainer(wanted: string, directory: string): Promise<FoundContainer> {
  const problem = await dockerProblem();
  if (problem !== null) throw problem;
  const exit = await docker(['ps', '--all', '--no-trunc', '--format', '{{json .}}']);
  if (exit.exitCode !== 0) throw refusal('SM_CONTAINER_NOT_FOUND', `${wanted}: ${saidByDocker(exit)}`, '');
  const all = exit.stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => listed.parse(JSON.parse(line)));

  const named = all.filter((each) => namesOf(each).includes(wanted) || isIdOf(each, wanted));
  const candidates = named.length > 0 ? named : serviceContainers(all, wanted, directory);
  const running = candidates.filter((each) => each.State === 'running');
  const [first, ...more] = running;
  if (first === undefined) throw candidates.length > 0 ? stopped(candidates, wanted) : notFound(all, wanted);
  if (more.length > 0) throw ambiguous(running, wanted);
  return { id: first.ID, name: namesOf(first)[0] ?? wanted };
}

function serviceContainers(all: readonly Listed[], service: string, directory: string): readonly Listed[] {
  // `docker compose run` makes containers of the same service that are none of it.
  const labelled = all.filter(
    (each) =>
      labelOf(each, 'com.docker.compose.service') === service &&
      labelOf(each, 'com.docker.compose.oneoff') !== 'True',
  );
  // The nearest compose file above the project, as docker compose itself would find it.
  const folders = labelled
    .map((each) => labelOf(each, 'com.docker.compose.project.working_dir') ?? '')
    .filter((folder) => folder !== '' && `${directory}${sep}`.startsWith(`${folder}${sep}`))
    .sort((a, b) => b.length - a.length);
  const [nearest] = folders;
  if (nearest === undefined) return labelled;
  return labelled.filter((each) => labelOf(each, 'com.docker.compose.project.working_dir') === nearest);
}

function namesOf({ Names }: Listed): string[] {
  return Names.split(',').filter((name) => !name.includes('/')); // With a slash: a link of another container to it.
}

function isIdOf({ ID }: Listed, wanted: string): boolean {
  return /^[0-9a-f]{12,64}$/.test(wanted) && ID.startsWith(wanted);
}

/** Labels come as `name=value,name=value`; the values of compose's own labels that are read here may hold a comma. */
function labelOf({ Labels }: Listed, name: string): string | null {
  const match = new RegExp(`(?:^|,)${name.replaceAll('.', '\\.')}=(.*?)(?:,[A-Za-z0-9_.-]+=|$)`).exec(Labels);
  return match?.[1] ?? null;
}

function notFound(all: readonly Listed[], wanted: string): SafeMigrateError {
  const running = all.filter(({ State }) => State === 'running').flatMap(namesOf);
  return refusal(
    'SM_CONTAINER_NOT_FOUND',
    `There is no container ${wanted}, neither by name nor as a service of a compose file.`,
    `${running.length === 0 ? 'No container is running' : `Running are ${running.sort().join(', ')}`}; container names the one in which PostgreSQL runs.`,
  );
}

function stopped(candidates: readonly Listed[], wanted: string): SafeMigrateError {
  const states = candidates.map((each) => `${namesOf(each)[0] ?? each.ID}: ${each.State}`);
  return refusal(
    'SM_CONTAINER_STOPPED',
    `The container ${wanted} does not run (${states.join(', ')}).`,
    'Start it (docker start, docker compose up -d) and wait until PostgreSQL in it answers.',
  );
}

function ambiguous(running: readonly Listed[], wanted: string): SafeMigrateError {
  return refusal(
    'SM_CONTAINER_AMBIGUOUS',
    `${wanted} is the service of several running containers: ${running.map((each) => namesOf(each)[0] ?? each.ID).join(', ')}.`,
    'Give the name of one of them as container.',
  );
}

function refusal(code: `SM_${string}`, message: string, hint: string): SafeMigrateError {
  return new SafeMigrateError({ code, message, hint, docs: 'docker.md' });
}
