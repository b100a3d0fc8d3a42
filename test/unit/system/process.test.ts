import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { describeExit } from '../../../src/system/exit-text.ts';
import { readOutput, startProcess } from '../../../src/system/process.ts';
import { endGroup, signalGroup } from '../../../src/system/process-group.ts';

const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };

function shell(script: string, options: Partial<Parameters<typeof startProcess>[2]> = {}) {
  return startProcess('/bin/sh', ['-c', script], { env, ...options });
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
}

describe('a child process', () => {
  test('gets its input, and gives its output and exit code', async () => {
    const child = shell('tr a-z A-Z; echo warning >&2; exit 3', { stdin: 'pipe' });
    child.stdin?.end('hello');
    expect(await textOf(child.stdout)).toBe('HELLO');
    expect(await child.exited).toEqual({ exitCode: 3, signal: null, stderr: 'warning\n' });
  });

  test('sees the given environment and nothing else', async () => {
    const { stdout } = await readOutput('/usr/bin/env', [], { env: { ONLY: 'this' }, timeoutMs: 5000 });
    expect(stdout).toBe('ONLY=this\n');
  });

  test('has an empty input unless one is asked for', async () => {
    const child = shell('wc -c');
    expect(child.stdin).toBeNull();
    expect((await textOf(child.stdout)).trim()).toBe('0');
  });

  test('keeps the last 64 KiB of stderr', async () => {
    const { stderr } = await shell('head -c 300000 /dev/zero | tr "\\0" x >&2; echo end >&2').exited;
    expect(stderr).toHaveLength(64 * 1024);
    expect(stderr.endsWith('xend\n')).toBe(true);
  });

  test('that cannot be started rejects with a clear error', async () => {
    const child = startProcess('/no/such/program', [], { env });
    await expect(child.exited).rejects.toMatchObject({
      code: 'SM_PROCESS_NOT_STARTED',
      message: '/no/such/program could not be started (ENOENT)',
    });
    expect(child.pid).toBeNull();
  });

  test('that ends before it has read its input does not end us', async () => {
    const child = shell('exit 0', { stdin: 'pipe' });
    await child.exited;
    child.stdin?.write('x'.repeat(1_000_000));
    await sleep(50);
    expect((await child.exited).exitCode).toBe(0);
  });

  test('settles when nobody reads its output', async () => {
    expect((await shell('echo hello').exited).exitCode).toBe(0);
  });

  test('is described for messages', () => {
    expect(describeExit({ exitCode: 2, signal: null })).toBe('exit code 2');
    expect(describeExit({ exitCode: null, signal: 'SIGKILL' })).toBe('signal SIGKILL');
  });
});

describe('aborting', () => {
  test('ends the child with SIGTERM', async () => {
    const abort = new AbortController();
    const child = shell('exec sleep 60', { signal: abort.signal });
    abort.abort();
    expect(await child.exited).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  });

  test('kills a child that ignores SIGTERM after the grace', async () => {
    const abort = new AbortController();
    const child = shell('trap "" TERM; echo ready; while :; do sleep 0.05; done', {
      signal: abort.signal,
      graceMs: 100,
      ownGroup: true,
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    abort.abort();
    expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
  });

  test('does not wait for a grandchild that keeps the pipes open', async () => {
    const abort = new AbortController();
    // A session of its own takes the grandchild out of the reach of the group's signals.
    const child = shell('setsid sleep 4 & echo ready; wait', { signal: abort.signal, graceMs: 50 });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const startedAtMs = Date.now();
    abort.abort();
    await child.exited;
    expect(Date.now() - startedAtMs).toBeLessThan(3000);
  });

  test('before the start starts nothing', () => {
    expect(() => shell('exit 0', { signal: AbortSignal.abort(new Error('cancelled')) })).toThrow('cancelled');
  });

  test('a probe that takes too long is ended', async () => {
    const { signal } = await readOutput('/bin/sleep', ['60'], { env, timeoutMs: 50 });
    expect(signal).toBe('SIGTERM');
  });
});

describe('a process group', () => {
  async function startGroup(script: string): Promise<number> {
    const child = shell(`${script}\necho ready; wait`, { ownGroup: true });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    if (child.pid === null) throw new Error('not started');
    return child.pid;
  }

  test('ends with all its members', async () => {
    const pid = await startGroup('sleep 60 & sleep 60 &');
    expect(await endGroup(pid, 2000)).toBe(true);
  });

  test('is killed when it does not end by itself', async () => {
    const pid = await startGroup('trap "" TERM; (trap "" TERM; while :; do sleep 0.05; done) &');
    expect(await endGroup(pid, 150)).toBe(true);
  });

  test('that is gone already counts as ended', async () => {
    const pid = await startGroup(':');
    await sleep(100);
    expect(await endGroup(pid)).toBe(true);
  });

  test.each([0, 1, -1, Number.NaN, 1.5])('%d is never taken for one', (pid) => {
    expect(() => signalGroup(pid, 'SIGTERM')).toThrow(RangeError);
  });
});
