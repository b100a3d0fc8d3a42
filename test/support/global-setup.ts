import { createServer } from 'node:http';
import type { TestProject } from 'vitest/node';
import { startCeph } from './ceph.ts';
import { startDocker } from './docker.ts';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Loopback address of the broker below; tests use it through shared-servers.ts. */
    readonly sharedServers: string;
  }
}

interface StartedServer extends AsyncDisposable {
  readonly info: unknown;
}

/**
 * One PostgreSQL, one S3 server and one Docker engine for the whole test run, each started when the first test asks for it, so that
 * a single unit test starts none. Test workers are other processes: they ask over loopback HTTP and get the
 * server's connection info as JSON.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const starters: Readonly<Record<string, () => Promise<StartedServer>>> = {
    '/postgres': () => startPostgres(),
    '/postgres13': () => startPostgres({ major: 13 }),
    '/postgres14': () => startPostgres({ major: 14 }),
    '/postgres15': () => startPostgres({ major: 15 }),
    '/postgres16': () => startPostgres({ major: 16 }),
    '/postgres17': () => startPostgres({ major: 17 }),
    '/postgres18': () => startPostgres({ major: 18 }),
    '/ceph': startCeph,
    '/docker': startDocker,
  };
  const started = new Map<string, Promise<StartedServer>>();
  const broker = createServer((request, response) => {
    const path = request.url ?? '';
    const start = starters[path];
    if (start === undefined) {
      response.writeHead(404).end(`no such server: ${path}`);
      return;
    }
    const server = started.get(path) ?? start();
    started.set(path, server);
    server.then(
      ({ info }) => response.end(JSON.stringify(info)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    broker.once('error', reject);
    broker.listen(0, '127.0.0.1', resolve);
  });
  const address = broker.address();
  if (address === null || typeof address === 'string') throw new Error('the broker has no port');
  project.provide('sharedServers', `http://127.0.0.1:${address.port}`);
  return async () => {
    broker.closeAllConnections();
    broker.close();
    const servers = await Promise.allSettled(started.values());
    for (const server of servers)
      if (server.status === 'fulfilled') await server.value[Symbol.asyncDispose]();
  };
}
