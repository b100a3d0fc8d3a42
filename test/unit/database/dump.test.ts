import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { dumpSnapshot } from '../../../src/database/postgres/archive/dump.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import { startProcess } from '../../../src/system/process.ts';

const version = (major: number) => ({ number: major * 10_000, major, text: `${major}.0` });
const { signal } = new AbortController();
const source = { database: 'erp', snapshotId: '00000003-0000001B-1', encoding: 'UTF8' };

/** A server whose pg_dump is a shell script that finds its arguments in "$*". */
function serverWithTool(major: number, script: string): { server: PostgresServer; calls: string[] } {
  const calls: string[] = [];
  const server: PostgresServer = {
    address: { database: 'erp', host: '127.0.0.1', port: 1, user: 'joe' },
    version: version(major),
    tools: {
      version: version(major),
      fact: 'a script',
      warnings: [],
      goesByUrl: true,
      serverName: null,
      readArchive: () => Promise.reject(new Error('no archives here')),
      [Symbol.asyncDispose]: async () => {},
      start: (tool, args) => {
        calls.push([tool, ...args].join(' '));
        return startProcess('/bin/sh', ['-c', script, tool, ...args], { env: {} });
      },
    },
    home: 'erp',
    unreachable: null,
    connect: () => Promise.reject(new Error('no sessions here')),
    [Symbol.asyncDispose]: async () => {},
  };
  return { server, calls };
}

describe('compression of the dump', () => {
  test('clients before 16 use gzip 1', async () => {
    const { server, calls } = serverWithTool(15, 'echo archive');
    const sink = new PassThrough();
    const [content] = await Promise.all([text(sink), dumpSnapshot(server, source, sink, signal)]);
    expect(content).toBe('archive\n');
    expect(calls).toEqual([
      'pg_dump --format=custom --compress=1 --snapshot=00000003-0000001B-1 --encoding=UTF8',
    ]);
  });

  test('clients from 16 on use zstd 1', async () => {
    const { server, calls } = serverWithTool(17, 'echo archive');
    const sink = new PassThrough();
    await Promise.all([text(sink), dumpSnapshot(server, source, sink, signal)]);
    expect(calls).toEqual([
      'pg_dump --format=custom --compress=zstd:1 --snapshot=00000003-0000001B-1 --encoding=UTF8',
    ]);
  });

  test('a client that was built without zstd is asked again for gzip 1', async () => {
    const script = `case "$*" in
      *zstd*) echo 'pg_dump: error: invalid compression specification: this build does not support compression with ZSTD' >&2; exit 1;;
      *) echo archive;;
    esac`;
    const { server, calls } = serverWithTool(16, script);
    const sink = new PassThrough();
    const [content] = await Promise.all([text(sink), dumpSnapshot(server, source, sink, signal)]);
    expect(content).toBe('archive\n');
    expect(calls).toHaveLength(2);
    expect(calls[1]).toContain('--compress=1 ');
  });
});

describe('a pg_dump that fails after it has written', () => {
  test('destroys the sink instead of ending it', async () => {
    const { server, calls } = serverWithTool(
      16,
      'echo half; echo "pg_dump: error: out of memory" >&2; exit 3',
    );
    const sink = new PassThrough();
    sink.resume();
    await expect(dumpSnapshot(server, source, sink, signal)).rejects.toMatchObject({
      code: 'SM_DUMP_FAILED',
      message: 'pg_dump failed: out of memory',
    });
    expect(sink.writableFinished).toBe(false);
    expect(sink.errored).toMatchObject({ code: 'SM_DUMP_FAILED' });
    expect(calls).toHaveLength(1);
  });
});
