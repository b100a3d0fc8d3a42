import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request on its way to the S3 server. */
export interface S3Request {
  readonly method: string;
  /** Bucket and key, decoded. */
  readonly path: string;
  /** e.g. `partNumber`, `uploadId`, `uploads`. */
  readonly query: URLSearchParams;
}

/** What becomes of a request: an answer instead of the server's, a pause before it goes on, or nothing special. */
export type Interference = { readonly status: number } | { readonly delayMs: number } | null;

/** Stands between the bundle and a real S3 server, for failures that a healthy server does not show. */
export interface S3Proxy extends AsyncDisposable {
  /** e.g. `http://127.0.0.1:41235`. */
  readonly endpoint: string;
  /** Everything that was asked for, as `PUT /bucket/key?partNumber=2`, in order. */
  readonly seen: readonly string[];
}

/**
 * Starts a proxy on loopback that passes every request on as it is (the Host header is part of the signature, and the
 * server checks it against itself only) unless `interfere` wants it otherwise.
 */
export async function startS3Proxy(
  endpoint: string,
  interfere: (request: S3Request) => Interference,
): Promise<S3Proxy> {
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', endpoint);
    const { method = 'GET' } = incoming;
    seen.push(`${method} ${url.pathname}${url.search}`);
    const interference = interfere({
      method,
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
    });
    handle(incoming, outgoing, url, interference).catch((error: unknown) => {
      outgoing.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function handle(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  url: URL,
  interference: Interference,
): Promise<void> {
  if (interference !== null && 'status' in interference) {
    // Taken in whole first: a client that is still sending would see a broken connection instead of the answer.
    await incoming.resume().toArray();
    outgoing.writeHead(interference.status, { 'content-type': 'application/xml' });
    const body = `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>said by the proxy</Message></Error>`;
    outgoing.end(incoming.method === 'HEAD' ? '' : body);
    return;
  }
  if (interference !== null) await sleep(interference.delayMs);
  const upstream = forward(url, { method: incoming.method, headers: incoming.headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  upstream.on('error', (error) => outgoing.destroy(error));
  incoming.on('close', () => {
    if (!incoming.complete) upstream.destroy();
  });
  incoming.pipe(upstream);
}
