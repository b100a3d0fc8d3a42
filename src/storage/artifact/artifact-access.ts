import type { Secret } from '../../system/secret.ts';

/** What a job knows of the place where its artifacts are kept. */
export interface ArtifactAccess {
  /** Of the web site, e.g. `https://github.com`. */
  readonly serverUrl: string;
  /** Of the REST API, e.g. `https://api.github.com`. */
  readonly apiUrl: string;
  /** `owner/name`; null outside of a job. */
  readonly repository: string | null;
  readonly runId: string | null;
  readonly attempt: number;
  /** For the REST API, where artifacts of other runs are found. */
  readonly token: Secret | null;
  /** Of the job itself, with which it may upload to its own run; null where the runner gives none. */
  readonly service: { readonly url: string; readonly token: Secret } | null;
  /** Whether everybody may read the repository; null when the event does not tell. */
  readonly isPublic: boolean | null;
  /** The most that the repository grants; null when unknown. */
  readonly maximumRetentionDays: number | null;
}
