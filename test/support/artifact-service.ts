import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendEndlessly } from './faulty-proxy.ts';

const twirpPath = '/twirp/github.actions.results.api.v1.ArtifactService/';
const dayMs = 24 * 60 * 60 * 1000;

/** A finished artifact as the service holds it. */
export interface HeldArtifact {
  readonly id: number;
  readonly name: string;
  readonly runId: string;
  readonly content: Buffer;
  readonly expired: boolean;
}

/** What the token of the workflow may do with artifacts: `permissions: actions:`. */
export type ActionsPermission = 'none' | 'read' | 'write';

/** What goes wrong with a request; undefined lets it pass. */
export type ServiceFault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly hang: true }
  | { readonly endless: true }
  | { readonly cutAfterBytes: number };

export interface ArtifactService extends AsyncDisposable {
  /** Of the API, the service and its blobs alike. */
  readonly url: string;
  readonly repository: string;
  /** Settings of the repository; may be changed at any time. */
  readonly settings: { isPrivate: boolean; permission: ActionsPermission; maximumRetentionDays: number };
  /** Every request that came: a Twirp method, `PutBlock`, `PutBlockList`, `GetBlob`, or `GET /repos/…`. */
  readonly requests: readonly string[];
  /** What was sent of bodies that never end. */
  readonly endless: { sentBytes: number };
  /** What goes wrong from now on. */
  faultOf: (operation: string) => ServiceFault | undefined;
  /** What the runner sets for a job of this repository. */
  environment(run: { readonly runId: string; readonly attempt?: number }): Record<string, string>;
  artifacts(): readonly HeldArtifact[];
  /** Tokens that came with requests for blobs, where none belongs: the signed address is enough. */
  readonly blobTokens: readonly string[];
  /** An artifact of another run, made by another step; of a fork's pull request where it says so. */
  add(name: string, content: Buffer, from?: { readonly runId?: string; readonly isFromFork?: boolean }): void;
  /** Its retention is over: its content is gone, its name is still listed. */
  expire(name: string): void;
  /** Somebody removes it. */
  delete(name: string): void;
  /** Its content changes behind everybody's back; the digest stays that of the upload. */
  tamper(name: string, change: (content: Buffer) => Buffer): void;
  clear(): void;
}

interface Artifact {
  readonly id: number;
  readonly name: string;
  readonly runId: string;
  readonly runBackendId: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly blocks: Map<string, Buffer>;
  content: Buffer | null;
  digest: string | null;
  finished: boolean;
  expired: boolean;
  isFromFork: boolean;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly content?: Buffer;
}

/**
 * GitHub's artifact service, its blob storage and the part of the REST API that finds artifacts of other runs, as
 * far as the toolkit's client and this action use them, on 127.0.0.1. The client is the real one.
 */
export async function startArtifactService(
  options: { readonly repository?: string } = {},
): Promise<ArtifactService> {
  const service = new LoopbackService(options.repository ?? 'applizor/erp');
  await service.listen();
  return service;
}

class LoopbackService implements ArtifactService {
  readonly repository: string;
  readonly settings = { isPrivate: true, permission: 'write' as ActionsPermission, maximumRetentionDays: 90 };
  readonly requests: string[] = [];
  readonly blobTokens: string[] = [];
  readonly endless = { sentBytes: 0 };
  faultOf: (operation: string) => ServiceFault | undefined = () => undefined;
  readonly #artifacts: Artifact[] = [];
  /** Backend id of a run, by the run's own id. */
  readonly #runs = new Map<string, string>();
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500).end(JSON.stringify({ msg: String(error) }));
    });
  });
  #nextId = 1;

  constructor(repository: string) {
    this.repository = repository;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  environment({ runId, attempt = 1 }: { readonly runId: string; readonly attempt?: number }) {
    const run = this.#runs.get(runId) ?? randomUUID();
    this.#runs.set(runId, run);
    const claims = { scp: `Actions.GenericRead:1 Actions.Results:${run}:${randomUUID()}`, runId };
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return {
      ACTIONS_RESULTS_URL: `${this.url}/`,
      ACTIONS_RUNTIME_TOKEN: `${part({ alg: 'none' })}.${part(claims)}.`,
      GITHUB_API_URL: this.url,
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: this.repository,
      GITHUB_RUN_ID: runId,
      GITHUB_RUN_ATTEMPT: String(attempt),
      GITHUB_RETENTION_DAYS: String(this.settings.maximumRetentionDays),
    };
  }

  artifacts(): readonly HeldArtifact[] {
    return this.#artifacts
      .filter(({ finished }) => finished)
      .map(({ id, name, runId, content, expired }) => ({
        id,
        name,
        runId,
        content: content ?? Buffer.alloc(0),
        expired,
      }));
  }

  add(name: string, content: Buffer, from: { runId?: string; isFromFork?: boolean } = {}): void {
    const artifact = this.#create(name, { runId: from.runId ?? '1', backendId: 'another run' }, undefined);
    const isFromFork = from.isFromFork ?? false;
    Object.assign(artifact, { content, finished: true, digest: null, isFromFork });
  }

  expire(name: string): void {
    const artifact = this.#named(name);
    artifact.expired = true;
    artifact.content = null;
  }

  delete(name: string): void {
    this.#artifacts.splice(this.#artifacts.indexOf(this.#named(name)), 1);
  }

  tamper(name: string, change: (content: Buffer) => Buffer): void {
    const artifact = this.#named(name);
    artifact.content = change(Buffer.from(artifact.content ?? Buffer.alloc(0)));
  }

  clear(): void {
    this.#artifacts.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #named(name: string): Artifact {
    const artifact = this.#artifacts.find((each) => each.finished && each.name === name);
    if (artifact === undefined) throw new Error(`there is no artifact ${name}`);
    return artifact;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const operation = operationOf(request.method ?? '', url);
    this.requests.push(operation);
    // Broken connections are part of what is tested.
    request.on('error', () => {});
    const fault = this.faultOf(operation);
    if (fault !== undefined && 'hang' in fault) return;
    if (fault !== undefined && 'endless' in fault) return await sendEndlessly(response, this.endless);
    const body = Buffer.concat(await request.toArray().catch(() => []));
    const answer =
      fault !== undefined && 'status' in fault
        ? {
            ...jsonAnswer(fault.status, { msg: 'a fault' }),
            ...(fault.headers === undefined ? {} : { headers: fault.headers }),
          }
        : this.#answerTo(url, request, body);
    const content =
      answer.json === undefined
        ? (answer.content ?? Buffer.alloc(0))
        : Buffer.from(JSON.stringify(answer.json));
    response.writeHead(answer.status, { 'content-length': content.length, ...answer.headers });
    if (fault !== undefined && 'cutAfterBytes' in fault) {
      response.write(content.subarray(0, fault.cutAfterBytes), () => response.destroy());
    } else response.end(content);
  }

  #answerTo(url: URL, request: IncomingMessage, body: Buffer): Answer {
    if (url.pathname.startsWith(twirpPath)) return this.#twirp(url, request, body);
    if (url.pathname.startsWith('/blobs/')) return this.#blob(url, request, body);
    return this.#rest(url, request);
  }

  #twirp(url: URL, request: IncomingMessage, body: Buffer): Answer {
    const given = JSON.parse(body.toString()) as Record<string, string>;
    const run = this.#runOf(request.headers.authorization ?? '');
    if (run === null || given.workflow_run_backend_id !== run.backendId) {
      return jsonAnswer(403, { code: 'permission_denied', msg: 'not a run of this token' });
    }
    const own = this.#artifacts.filter(({ runBackendId }) => runBackendId === run.backendId);
    const named = own.find(({ name, finished }) => finished && name === given.name);
    switch (url.pathname.slice(twirpPath.length)) {
      case 'CreateArtifact': {
        if (own.some(({ name }) => name === given.name)) {
          const msg = 'an artifact with this name already exists on the workflow run';
          return jsonAnswer(409, { code: 'already_exists', msg });
        }
        const artifact = this.#create(given.name ?? '', run, given.expires_at);
        return jsonAnswer(200, { ok: true, signed_upload_url: this.#signed(artifact) });
      }
      case 'FinalizeArtifact': {
        const pending = own.find(({ name, finished }) => !finished && name === given.name);
        if (pending?.content?.length !== Number(given.size ?? 0)) {
          return jsonAnswer(400, {
            code: 'failed_precondition',
            msg: 'nothing of that size was uploaded',
          });
        }
        pending.finished = true;
        pending.digest = given.hash ?? null;
        return jsonAnswer(200, { ok: true, artifact_id: String(pending.id) });
      }
      case 'ListArtifacts': {
        const listed = own.filter(
          ({ finished, name }) => finished && (given.name_filter === undefined || name === given.name_filter),
        );
        const artifacts = listed.map((artifact) => ({
          workflow_run_backend_id: artifact.runBackendId,
          workflow_job_run_backend_id: given.workflow_job_run_backend_id,
          database_id: String(artifact.id),
          name: artifact.name,
          size: String(artifact.content?.length ?? 0),
          created_at: artifact.createdAt.toISOString(),
          digest: artifact.digest,
        }));
        // Twirp leaves empty lists out.
        return jsonAnswer(200, artifacts.length === 0 ? {} : { artifacts });
      }
      case 'GetSignedArtifactURL':
        return named === undefined
          ? jsonAnswer(404, { code: 'not_found', msg: 'no such artifact' })
          : jsonAnswer(200, { signed_url: this.#signed(named) });
      case 'DeleteArtifact':
        if (named === undefined) return jsonAnswer(404, { code: 'not_found', msg: 'no such artifact' });
        this.#artifacts.splice(this.#artifacts.indexOf(named), 1);
        return jsonAnswer(200, { ok: true, artifact_id: String(named.id) });
      default:
        return jsonAnswer(404, { code: 'bad_route', msg: url.pathname });
    }
  }

  #create(
    name: string,
    run: { readonly runId: string; readonly backendId: string },
    expiresAt: string | undefined,
  ): Artifact {
    const createdAt = new Date();
    const latest = createdAt.getTime() + this.settings.maximumRetentionDays * dayMs;
    const asked = expiresAt === undefined ? latest : Date.parse(expiresAt);
    const artifact: Artifact = {
      id: this.#nextId,
      name,
      runId: run.runId,
      runBackendId: run.backendId,
      createdAt,
      // More than the repository grants is cut without a word.
      expiresAt: new Date(Math.min(asked, latest)),
      blocks: new Map(),
      content: null,
      digest: null,
      finished: false,
      expired: false,
      isFromFork: false,
    };
    this.#nextId += 1;
    this.#artifacts.push(artifact);
    return artifact;
  }

  #blob(url: URL, request: IncomingMessage, body: Buffer): Answer {
    const artifact = this.#artifacts.find(({ id }) => url.pathname === `/blobs/${id}`);
    if (request.headers.authorization !== undefined) this.blobTokens.push(request.headers.authorization);
    if (artifact === undefined || url.searchParams.get('sig') !== signatureOf(artifact.id)) {
      return { status: 403 };
    }
    if (request.method === 'PUT') {
      const id = url.searchParams.get('blockid');
      if (url.searchParams.get('comp') === 'blocklist') {
        const ids = [...body.toString().matchAll(/<Latest>([^<]*)<\/Latest>/g)].map(([, each]) => each ?? '');
        artifact.content = Buffer.concat(ids.map((each) => artifact.blocks.get(each) ?? Buffer.alloc(0)));
      } else if (id !== null) artifact.blocks.set(id, body);
      else artifact.content = body;
      return { status: 201, headers: { etag: '"0x1"', 'last-modified': new Date().toUTCString() } };
    }
    if (artifact.content === null) return { status: 404 };
    return {
      status: 200,
      headers: {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="${artifact.name}"`,
      },
      content: artifact.content,
    };
  }

  #rest(url: URL, request: IncomingMessage): Answer {
    const root = `/repos/${this.repository}`;
    if (!/^Bearer \S+$/.test(request.headers.authorization ?? ''))
      return jsonAnswer(401, { message: 'Bad credentials' });
    if (url.pathname === root) return jsonAnswer(200, { private: this.settings.isPrivate });
    if (!url.pathname.startsWith(`${root}/actions/artifacts`))
      return jsonAnswer(404, { message: 'Not Found' });
    const needed = request.method === 'GET' ? ['read', 'write'] : ['write'];
    if (!needed.includes(this.settings.permission)) {
      return jsonAnswer(403, { message: 'Resource not accessible by integration' });
    }
    const [, id, zip] =
      /^\/(\d+)(\/zip)?$/.exec(url.pathname.slice(`${root}/actions/artifacts`.length)) ?? [];
    const finished = this.#artifacts.filter((artifact) => artifact.finished);
    if (id === undefined) return this.#list(url, finished);
    const artifact = finished.find((each) => each.id === Number(id));
    if (artifact === undefined) return jsonAnswer(404, { message: 'Not Found' });
    if (request.method === 'DELETE') {
      this.#artifacts.splice(this.#artifacts.indexOf(artifact), 1);
      return { status: 204 };
    }
    if (zip === undefined) return jsonAnswer(200, described(artifact));
    if (artifact.expired) return jsonAnswer(410, { message: 'Artifact has expired' });
    // Another host, as it is there: the token must not follow.
    const location = this.#signed(artifact).replace('127.0.0.1', 'localhost');
    return { status: 302, headers: { location } };
  }

  #list(url: URL, artifacts: readonly Artifact[]): Answer {
    const name = url.searchParams.get('name');
    const found = artifacts.filter((artifact) => name === null || artifact.name === name).toReversed();
    const perPage = Number(url.searchParams.get('per_page') ?? 30);
    const from = (Number(url.searchParams.get('page') ?? 1) - 1) * perPage;
    return jsonAnswer(200, {
      total_count: found.length,
      artifacts: found.slice(from, from + perPage).map(described),
    });
  }

  #runOf(authorization: string): { readonly runId: string; readonly backendId: string } | null {
    const [, claims = ''] = authorization.split('.');
    try {
      const { runId } = JSON.parse(Buffer.from(claims, 'base64url').toString());
      const backendId = this.#runs.get(runId);
      return backendId === undefined ? null : { runId, backendId };
    } catch {
      return null;
    }
  }

  #signed(artifact: Artifact): string {
    return `${this.url}/blobs/${artifact.id}?sig=${signatureOf(artifact.id)}`;
  }
}

function signatureOf(id: number): string {
  return createHash('sha256').update(`signature of ${id}`).digest('hex');
}

function described(artifact: Artifact) {
  return {
    id: artifact.id,
    name: artifact.name,
    size_in_bytes: artifact.content?.length ?? 0,
    created_at: artifact.createdAt.toISOString(),
    expires_at: artifact.expiresAt.toISOString(),
    expired: artifact.expired,
    digest: artifact.digest,
    workflow_run: {
      id: Number(artifact.runId),
      repository_id: 1,
      head_repository_id: artifact.isFromFork ? 2 : 1,
    },
  };
}

function jsonAnswer(status: number, json: unknown): Answer {
  return { status, headers: { 'content-type': 'application/json' }, json };
}

function operationOf(method: string, url: URL): string {
  if (url.pathname.startsWith(twirpPath)) return url.pathname.slice(twirpPath.length);
  if (!url.pathname.startsWith('/blobs/')) return `${method} ${url.pathname}`;
  if (method === 'GET') return 'GetBlob';
  return url.searchParams.get('comp') === 'blocklist' ? 'PutBlockList' : 'PutBlock';
}
