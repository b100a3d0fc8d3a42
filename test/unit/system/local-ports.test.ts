import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { LocalPorts } from '../../../src/system/local-ports.ts';
import { startProcess } from '../../../src/system/process.ts';

test.skipIf(process.platform !== 'linux')(
  'the ports of a group are those of its members, a grandchild that came later included, and nobody else’s',
  async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const peers: number[] = [];
    server.on('connection', (socket) => peers.push(socket.remotePort ?? 0));
    const connecting = `const socket = require('node:net').connect(${port}, '127.0.0.1')`;
    const later = `process.stdin.once('data', () => require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(connecting)}]))`;
    const start = (script: string) =>
      startProcess(process.execPath, ['-e', script], { env: {}, stdin: 'pipe', ownGroup: true });
    const member = start(`${connecting}; ${later}`);
    const stranger = start(connecting);
    try {
      await expect.poll(() => peers.length).toBe(2);
      const ports = new LocalPorts(member.pid ?? 0);
      ports.look();
      expect([...ports.seen].length).toBe(1);
      expect(peers).toContain([...ports.seen][0]);
      member.stdin?.write('now\n');
      await expect.poll(() => peers.length).toBe(3);
      ports.look();
      expect(ports.seen).toContain(peers[2]);
      expect(ports.seen.size).toBe(2);
    } finally {
      member.kill('SIGKILL');
      stranger.kill('SIGKILL');
      await Promise.all([member.exited, stranger.exited]);
      server.close();
    }
  },
);
