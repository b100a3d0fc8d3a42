import { connect, createServer, type Server, type Socket } from 'node:net';

/** The only way from a run to its S3 server. */
export interface S3Link extends AsyncDisposable {
  readonly endpoint: string;
  /** The server dies: every connection breaks, new ones are refused. */
  cut(): Promise<void>;
  /** It is back on the same port. */
  mend(): Promise<void>;
}

/** A loopback TCP link to `upstream` that can break, as a server does that is killed and started again. */
export async function startS3Link(upstream: string): Promise<S3Link> {
  const target = new URL(upstream);
  const open = new Set<Socket>();
  let server: Server | null = null;
  const listen = async (port: number): Promise<number> => {
    const listening = createServer((client) => {
      const upward = connect(Number(target.port), target.hostname);
      for (const [from, to] of [
        [client, upward],
        [upward, client],
      ] as const) {
        open.add(from);
        from.on('error', () => to.destroy()).on('close', () => open.delete(from) && to.destroy());
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve, reject) => {
      listening.once('error', reject);
      listening.listen(port, '127.0.0.1', resolve);
    });
    server = listening;
    const address = listening.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  };
  const cut = async (): Promise<void> => {
    const closing = server;
    server = null;
    const closed = new Promise<void>((resolve) =>
      closing === null ? resolve() : closing.close(() => resolve()),
    );
    for (const socket of open) socket.resetAndDestroy();
    await closed;
  };
  const port = await listen(0);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    cut,
    mend: async () => {
      if (server === null) await listen(port);
    },
    [Symbol.asyncDispose]: cut,
  };
}
