import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Secret } from '../../system/secret.ts';
import { AnswerError } from './artifact-errors.ts';
import { runOfArtifact } from './artifact-name.ts';
import { send, sendForJson } from './http.ts';

const pageSize = 100;
/** How often a listing is begun that does not fit together. */
const attempts = 4;
/** Pages that are asked for at once. */
const askers = 4;

const artifactSchema = z.object({
  id: z.number(),
  name: z.string(),
  size_in_bytes: z.number(),
  created_at: z.string().nullable(),
  expires_at: z.string().nullable(),
  expired: z.boolean(),
  /** `sha256:` and hex, of the file as it was uploaded. */
  digest: z.string().nullish(),
  /** The run that uploaded it. Of a pull request's from a fork the head repository is another one. */
  workflow_run: z
    .object({
      id: z.number().nullish(),
      repository_id: z.number().nullish(),
      head_repository_id: z.number().nullish(),
    })
    .nullish(),
});
const pageSchema = z.object({ total_count: z.number(), artifacts: z.array(artifactSchema) });

/** An artifact as GitHub's REST API tells of it. */
export type RepositoryArtifact = z.output<typeof artifactSchema>;

/**
 * Whether the repository's own code uploaded it, in the run that its name tells. Whoever opens a pull request from a
 * fork can upload artifacts here, too, under any name: what GitHub does not say to be our own is somebody else's.
 */
function isOwn({ name, workflow_run: run }: RepositoryArtifact): boolean {
  const { id, repository_id: here, head_repository_id: head } = run ?? {};
  return typeof here === 'number' && here === head && runOfArtifact(name) === String(id);
}

/** What was listed, and whether that is all there is. */
interface Listed {
  readonly artifacts: readonly RepositoryArtifact[];
  readonly isWhole: boolean;
}

function union(
  one: readonly RepositoryArtifact[],
  other: readonly RepositoryArtifact[],
): readonly RepositoryArtifact[] {
  return [...new Map([...one, ...other].map((artifact) => [artifact.id, artifact])).values()];
}

/** The artifacts of all runs of a repository, with the workflow's token. */
export class RepositoryArtifacts {
  readonly #root: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(apiUrl: string, repository: string, token: Secret) {
    this.#root = `${apiUrl.replace(/\/+$/, '')}/repos/${repository}`;
    this.#headers = {
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      authorization: `Bearer ${token.reveal()}`,
    };
  }

  /** Whether everybody may read the repository. */
  async isPublic(signal: AbortSignal): Promise<boolean> {
    const repository = await this.#json('', z.object({ private: z.boolean() }), signal);
    return !repository.private;
  }

  /**
   * All artifacts that are ours by name and by the run that uploaded them; the API filters by whole names only.
   * Expired ones are among them. Pages are counted off from the newest: whatever comes or goes meanwhile moves others from
   * one to the next, past whoever reads. So they are read again until they fit together.
   */
  async all(signal: AbortSignal): Promise<Listed> {
    let listed = await this.#pages(signal);
    for (let attempt = 1; !listed.isWhole && attempt < attempts; attempt += 1) {
      const before = listed.artifacts;
      listed = await this.#pages(signal);
      if (!listed.isWhole) listed = { ...listed, artifacts: union(before, listed.artifacts) };
    }
    return { ...listed, artifacts: listed.artifacts.filter(isOwn) };
  }

  async #pages(signal: AbortSignal): Promise<Listed> {
    const page = (number: number) =>
      this.#json(`/actions/artifacts?per_page=${pageSize}&page=${number}`, pageSchema, signal);
    const first = await page(1);
    const found = new Map(first.artifacts.map((artifact) => [artifact.id, artifact]));
    let isSteady = true;
    const numbers = Iterator.from(
      Array.from({ length: Math.ceil(first.total_count / pageSize) }, (_, index) => index + 1),
    ).drop(1);
    const askOneAfterTheOther = async (): Promise<void> => {
      for (const number of numbers) {
        const { artifacts, total_count: total } = await page(number);
        isSteady &&= total === first.total_count;
        for (const artifact of artifacts) found.set(artifact.id, artifact);
      }
    };
    await Promise.all(Array.from({ length: askers }, askOneAfterTheOther));
    return { artifacts: [...found.values()], isWhole: isSteady && found.size === first.total_count };
  }

  /** The newest artifact of exactly this name; null when there is none. */
  async named(name: string, signal: AbortSignal): Promise<RepositoryArtifact | null> {
    const path = `/actions/artifacts?per_page=${pageSize}&name=${encodeURIComponent(name)}`;
    const { artifacts } = await this.#json(path, pageSchema, signal);
    return artifacts.filter(isOwn).toSorted((a, b) => b.id - a.id)[0] ?? null;
  }

  /** The file as it was uploaded. */
  open(id: number, signal: AbortSignal): Promise<IncomingMessage> {
    return send({
      method: 'GET',
      url: this.#url(`/actions/artifacts/${id}/zip`),
      headers: this.#headers,
      signal,
    });
  }

  /** It is no error when it is gone already. */
  async remove(id: number, signal: AbortSignal): Promise<void> {
    try {
      const url = this.#url(`/actions/artifacts/${id}`);
      (await send({ method: 'DELETE', url, headers: this.#headers, signal })).resume();
    } catch (error) {
      if (!(error instanceof AnswerError) || error.status !== 404) throw error;
    }
  }

  #json<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return sendForJson({ method: 'GET', url: this.#url(path), headers: this.#headers, signal }, schema);
  }

  #url(path: string): string {
    return `${this.#root}${path}`;
  }
}
