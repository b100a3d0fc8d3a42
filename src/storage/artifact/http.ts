import type { IncomingMessage } from 'node:http';
import { HttpClient } from '@actions/http-client';
import type { z } from 'zod';
import { untilStopped } from '../port/until-stopped.ts';
import { AnswerError } from './artifact-errors.ts';
import { readAgain } from './read-again.ts';

/** An answer that stays away for so long is given up; a slow download is not, as long as bytes come. */
const silenceMs = 60_000;
const maximumJsonBytes = 32 * 1024 * 1024;

/** The toolkit's client: it knows the runner's proxy. The token goes by header, which a redirect elsewhere loses. */
const client = new HttpClient('safe-migrate', [], { socketTimeout: silenceMs });

interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/**
 * The answer once it begins. Rejects with AnswerError for every status that is no success. What may be asked twice is asked
 * again where that helps.
 */
export function send(request: Request): Promise<IncomingMessage> {
  return request.method === 'POST'
    ? sendOnce(request)
    : readAgain(request.url, request.signal, () => sendOnce(request));
}

async function sendOnce(request: Request): Promise<IncomingMessage> {
  const { method, url, headers, body, signal } = request;
  const text = body === undefined ? null : JSON.stringify(body);
  const asked = client.request(method, url, text, {
    ...(text === null ? {} : { 'content-type': 'application/json' }),
    ...headers,
  });
  const onLate = (): void => void asked.then(({ message }) => message.destroy()).catch(() => {});
  signal.addEventListener('abort', onLate, { once: true });
  const { message } = await untilStopped(signal, asked).finally(() => {
    signal.removeEventListener('abort', onLate);
  });
  const status = message.statusCode ?? 0;
  if (status >= 200 && status < 300) return message;
  message.resume();
  const limited = status === 429 || message.headers['x-ratelimit-remaining'] === '0';
  throw new AnswerError(
    status,
    limited && (status === 403 || status === 429),
    retryAfterMs(message.headers['retry-after']),
  );
}

/** Seconds or a date, as HTTP has it. */
function retryAfterMs(header: string | undefined): number | null {
  if (header === undefined) return null;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const until = Date.parse(header);
  return Number.isNaN(until) ? null : Math.max(0, until - Date.now());
}

/** An answer's JSON, parsed; one that breaks off is asked for again, like one that never came. */
export function sendForJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  return request.method === 'POST'
    ? sendOnceForJson(request, schema)
    : readAgain(request.url, request.signal, () => sendOnceForJson(request, schema));
}

async function sendOnceForJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const message = await sendOnce(request);
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const read = async (): Promise<Buffer> => {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > maximumJsonBytes) throw new Error('the answer is far too long');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  };
  const text = await untilStopped(request.signal, read());
  const parsed = schema.safeParse(JSON.parse(text.toString('utf8')));
  if (!parsed.success) throw new Error('the answer is not what GitHub documents');
  return parsed.data;
}
