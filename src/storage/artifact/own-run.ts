import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { SafeMigrateError } from '../../system/errors.ts';
import type { ArtifactAccess } from './artifact-access.ts';
import { send, sendForJson } from './http.ts';

const claimsSchema = z.object({ scp: z.string() });

const servicePath = 'twirp/github.actions.results.api.v1.ArtifactService';

const listed = z.object({
  artifacts: z
    .array(
      z.object({
        workflow_run_backend_id: z.string(),
        workflow_job_run_backend_id: z.string(),
        database_id: z.coerce.number(),
        name: z.string(),
        size: z.coerce.number(),
      }),
    )
    .default([]),
});
type OwnArtifact = z.output<typeof listed>['artifacts'][number];

/**
 * The artifacts of the run that this job belongs to, with the job's own token: it needs no permission, and an
 * upload can be looked at and taken back at once. What the toolkit's client cannot do, stream a download and stop
 * when told to, is asked of the same service here.
 */
export class OwnRun {
  readonly #service: NonNullable<ArtifactAccess['service']>;

  constructor(service: NonNullable<ArtifactAccess['service']>) {
    this.#service = service;
  }

  /** Whether there is a finished artifact of this name; that it answers proves that the service knows this job. */
  async holds(name: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#find(name, signal)) !== null;
  }

  /** The content of an artifact; null when there is none of this name. */
  async open(name: string, signal: AbortSignal): Promise<IncomingMessage | null> {
    const artifact = await this.#find(name, signal);
    if (artifact === null) return null;
    const { signed_url: url } = await this.#call(
      'GetSignedArtifactURL',
      { ...idsOf(artifact), name },
      z.object({ signed_url: z.string() }),
      signal,
    );
    return send({ method: 'GET', url, signal });
  }

  /** Removes an artifact; false when there is none of this name. */
  async remove(name: string, signal: AbortSignal): Promise<boolean> {
    const artifact = await this.#find(name, signal);
    if (artifact === null) return false;
    await this.#call(
      'DeleteArtifact',
      { ...idsOf(artifact), name },
      z.object({ ok: z.literal(true) }),
      signal,
    );
    return true;
  }

  async #find(name: string, signal: AbortSignal): Promise<OwnArtifact | null> {
    const ids = backendIds(this.#service.token.reveal());
    const { artifacts } = await this.#call(
      'ListArtifacts',
      {
        workflow_run_backend_id: ids.run,
        workflow_job_run_backend_id: ids.job,
        name_filter: name,
      },
      listed,
      signal,
    );
    return artifacts.find((artifact) => artifact.name === name) ?? null;
  }

  #call<T>(method: string, body: unknown, answer: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return sendForJson(
      {
        method: 'POST',
        url: new URL(`/${servicePath}/${method}`, this.#service.url).href,
        headers: { authorization: `Bearer ${this.#service.token.reveal()}` },
        body,
        signal,
      },
      answer,
    );
  }
}

function idsOf(artifact: OwnArtifact) {
  return {
    workflow_run_backend_id: artifact.workflow_run_backend_id,
    workflow_job_run_backend_id: artifact.workflow_job_run_backend_id,
  };
}

/** Run and job as the service calls them; they stand in the token's claim `scp`. */
function backendIds(token: string): { readonly run: string; readonly job: string } {
  const [, run, job] = /(?:^| )Actions\.Results:([^: ]+):([^: ]+)(?: |$)/.exec(scopesOf(token)) ?? [];
  if (run !== undefined && job !== undefined) return { run, job };
  throw new SafeMigrateError({
    code: 'SM_ARTIFACT_UNAVAILABLE',
    message: "the runner's token names no run of GitHub's artifact service",
    hint: 'Runners that only resemble GitHub’s have another service: use s3:// or file:// in `storage`.',
    docs: 'storage.md',
  });
}

/** Empty when it is no token of the kind that GitHub gives. */
function scopesOf(token: string): string {
  try {
    const [, claims = ''] = token.split('.');
    return claimsSchema.parse(JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'))).scp;
  } catch {
    return '';
  }
}
