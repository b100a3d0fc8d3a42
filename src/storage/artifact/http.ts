import type { IncomingMessage } from 'node:http';
import { HttpClient } from '@actions/http-client';
import type { z } from 'zod';
import { untilStopped } from '../port/until-stopped.ts';
import { AnswerError } from './artifact-errors.ts';

/** An answer that stays away for so long is given up; a slow download is not, as long as bytes come. */
const silenceMs = 60_000;
const maximumJsonBytes = 32 * 1024 * 1024;

/** The toolkit's client: it knows the runner's proxy. The token goes by header, which a redirect elsewhere loses. */
const client = new HttpClient('safe-migrate', [], {
  socketTimeout: silenceMs,
  allowRetries: true,
  maxRetries: 3,
});

interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** The answer once it begins. Rejects with AnswerError for every status that is no success. */
export async function send(request: Request): Promise<IncomingMessage> {
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
  throw new AnswerError(status, limited && (status === 403 || status === 429));
}

/** An answer's JSON, parsed. */
export async function sendForJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const message = await send(request);
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
