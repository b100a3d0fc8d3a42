import { connect, createServer, type Socket } from 'node:net';

/** A way to a server that can stop passing anything on, without closing a connection, as a network that drops packets. */
export interface SilentProxy extends AsyncDisposable {
  readonly port: number;
  fallSilent(): void;
}

export async function startSilentProxy(to: {
  readonly host: string;
  readonly port: number;
}): Promise<SilentProxy> {
  const sockets = new Set<Socket>();
  let isSilent = false;
  const server = createServer((near) => {
    const far = connect(to);
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('data', (chunk) => {
        if (!isSilent) into.write(chunk);
      });
      from.on('close', () => {
        if (!isSilent) into.destroy();
      });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('no TCP address');
  return {
    port: address.port,
    fallSilent: () => {
      isSilent = true;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
