import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';

/** A part as it arrived: its content is measured and let go. */
export interface ArrivedPart {
  readonly number: number;
  readonly sizeBytes: number;
  readonly crc32: number;
}

export interface CountingS3 extends AsyncDisposable {
  readonly endpoint: string;
  /** Parts of the one upload, by number. */
  readonly parts: ReadonlyMap<number, ArrivedPart>;
  /** What the client said of the whole when it completed the upload; null before. */
  readonly completed: {
    readonly partNumbers: readonly number[];
    readonly sizeBytes: number;
    readonly crc32: string;
  } | null;
}

/**
 * S3's multipart upload on 127.0.0.1 for objects that fit into nobody's memory: it holds every part to what S3 asks of
 * it (5 MiB at least but for the last, numbers up to 10 000, the checksum that came with it) and keeps only sizes.
 */
export async function startCountingS3(): Promise<CountingS3> {
  const parts = new Map<number, ArrivedPart>();
  let completed: CountingS3['completed'] = null;
  let mark = '';
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { searchParams: query } = new URL(request.url ?? '/', 'http://s3');
    const xml = (status: number, body: string, headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(body);
    if (request.method === 'PUT' && query.has('partNumber')) {
      const number = Number(query.get('partNumber'));
      let sizeBytes = 0;
      let crc = 0;
      for await (const chunk of request as AsyncIterable<Buffer>) {
        sizeBytes += chunk.length;
        crc = crc32(chunk, crc);
      }
      const told = request.headers['x-amz-checksum-crc32'];
      if (number < 1 || number > 10_000 || told !== base64Of(crc)) {
        xml(400, '<Error><Code>InvalidPart</Code></Error>');
        return;
      }
      parts.set(number, { number, sizeBytes, crc32: crc });
      response.writeHead(200, { etag: `"${etagOf(number)}"`, 'x-amz-checksum-crc32': base64Of(crc) }).end();
      return;
    }
    const body = Buffer.concat(await request.toArray()).toString();
    if (request.method === 'HEAD') {
      if (completed === null) response.writeHead(404).end();
      else {
        response
          .writeHead(200, {
            'content-length': completed.sizeBytes,
            'x-amz-checksum-crc32': completed.crc32,
            'x-amz-checksum-type': 'FULL_OBJECT',
            'x-amz-meta-safe-migrate-upload': mark,
          })
          .end();
      }
      return;
    }
    if (request.method === 'POST' && query.has('uploads')) {
      mark = String(request.headers['x-amz-meta-safe-migrate-upload'] ?? '');
      xml(200, '<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>');
      return;
    }
    if (request.method === 'POST') {
      const partNumbers = [...body.matchAll(/<PartNumber>(\d+)</g)].map(([, number]) => Number(number));
      const listed = partNumbers.map((number) => parts.get(number));
      const sizeBytes = listed.reduce((sum, part) => sum + (part?.sizeBytes ?? 0), 0);
      const isWhole =
        sizeBytes === Number(request.headers['x-amz-mp-object-size']) &&
        listed.every(
          (part, index) =>
            part !== undefined && (index === listed.length - 1 || part.sizeBytes >= 5 * 1024 ** 2),
        );
      if (!isWhole) {
        xml(400, '<Error><Code>EntityTooSmall</Code></Error>');
        return;
      }
      completed = { partNumbers, sizeBytes, crc32: String(request.headers['x-amz-checksum-crc32']) };
      xml(200, '<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>');
      return;
    }
    xml(501, '<Error><Code>NotImplemented</Code></Error>');
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    parts,
    get completed() {
      return completed;
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function base64Of(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

function etagOf(number: number): string {
  return createHash('md5').update(String(number)).digest('hex');
}
