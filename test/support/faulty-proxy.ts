import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** An S3 request as it passes. */
export interface PassingRequest {
  /** The API's name of it, e.g. `UploadPart`. */
  readonly operation: string;
  /** `/bucket/key`, decoded. */
  readonly path: string;
  /** 1 for the first request of this operation. */
  readonly nth: number;
  readonly headers: IncomingHttpHeaders;
}

/** What goes wrong with a request; undefined lets it pass. */
export type Fault =
  /** The proxy answers, the server never hears of it. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  /** The server does it, the answer is another one: what is given of it. A header that is null is left out. */
  | {
      readonly kind: 'replace-answer';
      readonly status?: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string | null>>;
    }
  /** The server does it, something happens behind everybody's back, then the answer passes. */
  | { readonly kind: 'afterwards'; readonly happens: () => Promise<void> }
  /** The server does it, the connection breaks before the answer, or after so many bytes of its body. */
  | { readonly kind: 'lose-answer'; readonly afterBytes: number }
  /** The server hears of it later. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** The connection breaks when so many bytes of the request have passed. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The answer begins well and its body never ends. */
  | { readonly kind: 'endless' }
  /** Nothing happens any more. */
  | { readonly kind: 'hang' };

export interface FaultyProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** Every request that came, in order. */
  readonly requests: readonly PassingRequest[];
  /** What was sent of bodies that never end. */
  readonly endless: { sentBytes: number };
}

/**
 * A loopback HTTP server in front of a real S3 server that passes everything on unchanged (signatures hold,
 * because the Host header does), except for what `faultOf` says.
 */
export async function startFaultyProxy(
  upstream: string,
  faultOf: (request: PassingRequest) => Fault | undefined,
): Promise<FaultyProxy> {
  const requests: PassingRequest[] = [];
  const endless = { sentBytes: 0 };
  const server = createServer((incoming, response) => {
    const operation = operationOf(incoming);
    const nth = requests.filter((request) => request.operation === operation).length + 1;
    const path = decodeURIComponent(new URL(incoming.url ?? '/', 'http://proxy').pathname);
    const passing = { operation, path, nth, headers: incoming.headers };
    requests.push(passing);
    // Broken connections are what this is for.
    incoming.on('error', () => {});
    response.on('error', () => {});
    const fault = faultOf(passing);
    if (fault?.kind === 'endless') return void sendEndlessly(response, endless);
    const delayMs = fault?.kind === 'delay' ? fault.delayMs : 0;
    if (delayMs === 0) pass(upstream, incoming, response, fault);
    else setTimeout(pass, delayMs, upstream, incoming, response, fault);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    endless,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** As fast as the other side takes it, for as long as it does. */
export async function sendEndlessly(response: ServerResponse, sent: { sentBytes: number }): Promise<void> {
  const block = Buffer.alloc(256 * 1024);
  response.on('error', () => {});
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  while (!response.destroyed) {
    sent.sentBytes += block.byteLength;
    if (response.write(block)) continue;
    const moved = new AbortController();
    const waits = [once(response, 'drain', moved), once(response, 'close', moved)];
    await Promise.race(waits).catch(() => {});
    moved.abort();
    await Promise.allSettled(waits);
  }
}

function pass(
  upstream: string,
  incoming: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): void {
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'cut' && fault.afterBytes === 0) {
    incoming.socket.destroy();
    return;
  }
  if (fault?.kind === 'answer') {
    incoming.resume();
    incoming.on('end', () =>
      response.writeHead(fault.status, { 'content-type': 'application/xml' }).end(fault.body),
    );
    return;
  }
  const target = new URL(upstream);
  const outgoing = httpRequest(
    {
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
    },
    (answer) => {
      passBack(answer, incoming, response, fault).catch(() => incoming.socket.destroy());
    },
  );
  outgoing.on('error', () => incoming.socket.destroy());
  incoming.on('close', () => {
    if (!incoming.complete) outgoing.destroy();
  });
  let passedBytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    passedBytes += chunk.length;
    if (fault?.kind === 'cut' && passedBytes >= fault.afterBytes) incoming.socket.destroy();
    else outgoing.write(chunk);
  });
  incoming.on('end', () => outgoing.end());
}

async function passBack(
  answer: IncomingMessage,
  incoming: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  const body = Buffer.concat(await answer.toArray());
  if (fault?.kind === 'afterwards') await fault.happens();
  const replaced = fault?.kind === 'replace-answer' ? fault : null;
  const headers = new Map(Object.entries(answer.headers));
  for (const [name, value] of Object.entries(replaced?.headers ?? {})) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  if (replaced?.body !== undefined) {
    headers.set('content-length', String(Buffer.byteLength(replaced.body)));
    headers.set('content-type', 'application/xml');
  }
  if (fault?.kind === 'lose-answer') {
    if (fault.afterBytes > 0) {
      response.writeHead(answer.statusCode ?? 500, Object.fromEntries(headers));
      await new Promise<void>((resolve) =>
        response.write(body.subarray(0, fault.afterBytes), () => resolve()),
      );
    }
    incoming.socket.destroy();
    return;
  }
  response.writeHead(replaced?.status ?? answer.statusCode ?? 500, Object.fromEntries(headers));
  response.end(replaced?.body ?? body);
}

function operationOf({ method, url = '' }: IncomingMessage): string {
  const { searchParams: query } = new URL(url, 'http://proxy');
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  if (method === 'PUT') return query.has('partNumber') ? 'UploadPart' : 'PutObject';
  if (method === 'DELETE') return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  if (query.has('uploads')) return 'ListMultipartUploads';
  if (query.has('uploadId')) return 'ListParts';
  return query.has('list-type') ? 'ListObjectsV2' : 'GetObject';
}
