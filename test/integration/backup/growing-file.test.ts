import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GrowingFile } from '../../../src/backup/making/growing-file.ts';
import { sha256Of } from '../../../src/storage/port/sha256-of.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safe-migrate-growing-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const isPending = async (promise: Promise<unknown>): Promise<boolean> =>
  (await Promise.race([promise, sleep(50, 'pending')])) === 'pending';

describe('a growing file', () => {
  test('is readable by nobody else, and counts and hashes what is written', async () => {
    await using file = await GrowingFile.create(join(folder, 'dump'));
    const content = randomBytes(3_000_001);
    await pipeline(Readable.from([content.subarray(0, 100), content.subarray(100)]), file.writer);
    expect(await file.content).toEqual({ sizeBytes: content.length, sha256: sha256(content) });
    expect(file.sizeBytes).toBe(content.length);
    expect((await stat(file.path)).mode & 0o777).toBe(0o600);
    await file.verify();
  });

  test('gives early and late followers the same, and ends none before its release', async () => {
    await using file = await GrowingFile.create(join(folder, 'dump'));
    const content = randomBytes(2_000_000);
    const early = sha256Of(file.follow());
    file.writer.write(content.subarray(0, 500_000));
    await sleep(20);
    const middle = sha256Of(file.follow());
    file.writer.end(content.subarray(500_000));
    await file.content;
    const late = sha256Of(file.follow());
    for (const follower of [early, middle, late]) expect(await isPending(follower)).toBe(true);
    file.release();
    for (const follower of [early, middle, late]) expect(await follower).toEqual(await file.content);
    expect(await sha256Of(file.follow())).toEqual(await file.content);
  });

  test('does not wait for a follower that reads nothing', async () => {
    await using file = await GrowingFile.create(join(folder, 'dump'));
    const idle = file.follow();
    idle.on('error', () => {});
    await pipeline(Readable.from(Array.from({ length: 40 }, () => randomBytes(1_000_000))), file.writer);
    expect((await file.content).sizeBytes).toBe(40_000_000);
    expect(idle.readableLength).toBeLessThanOrEqual(512 * 1024);
  });

  test('fails all followers with the error, also those that come later, whole though it was written', async () => {
    await using file = await GrowingFile.create(join(folder, 'dump'));
    const waiting = expect(sha256Of(file.follow())).rejects.toThrow('pg_dump ended with 1');
    await pipeline(Readable.from([randomBytes(1000)]), file.writer);
    file.fail(new Error('pg_dump ended with 1'));
    await waiting;
    await expect(sha256Of(file.follow())).rejects.toThrow('pg_dump ended with 1');
  });

  test('fails followers and content when the writer is destroyed', async () => {
    await using file = await GrowingFile.create(join(folder, 'dump'));
    const follower = sha256Of(file.follow());
    const source = new Readable({ read() {} });
    const writing = pipeline(source, file.writer);
    source.push(randomBytes(1000));
    source.destroy(new Error('connection lost'));
    await expect(writing).rejects.toThrow('connection lost');
    await expect(follower).rejects.toThrow('connection lost');
    await expect(file.content).rejects.toThrow('connection lost');
  });

  test('that fails while nobody reads or writes it ends no process', async () => {
    await using file = await GrowingFile.create(join(folder, 'dump'));
    file.follow();
    file.fail(new Error('no snapshot'));
    await sleep(20);
    await expect(file.content).rejects.toThrow('no snapshot');
  });

  test('cannot be released before it is written', async () => {
    await using file = await GrowingFile.create(join(folder, 'dump'));
    expect(() => file.release()).toThrow(TypeError);
  });

  test('holds nothing as empty', async () => {
    await using file = await GrowingFile.create(join(folder, 'dump'));
    file.writer.end();
    expect(await file.content).toEqual({ sizeBytes: 0, sha256: sha256(Buffer.alloc(0)) });
    file.release();
    expect((await sha256Of(file.follow())).sizeBytes).toBe(0);
    await file.verify();
  });

  test('is gone when it is disposed of, and so are its readers', async () => {
    const file = await GrowingFile.create(join(folder, 'dump'));
    const reading = expect(sha256Of(file.follow())).rejects.toThrow('removed before');
    file.writer.write(randomBytes(1000));
    await file[Symbol.asyncDispose]();
    await reading;
    await expect(stat(file.path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.each([
    ['a flipped bit', (content: Buffer) => content.fill(content.readUInt8(700) ^ 1, 700, 701), 'SHA-256'],
    ['a lost end', (content: Buffer) => content.subarray(0, 900), '1000 bytes were written, 900 are there'],
  ])('finds %s on disk', async (_name, damage, message) => {
    await using file = await GrowingFile.create(join(folder, 'dump'));
    const content = randomBytes(1000);
    await pipeline(Readable.from([content]), file.writer);
    const handle = await open(file.path, 'r+');
    const damaged = damage(Buffer.from(content));
    await handle.truncate(damaged.length);
    await handle.write(damaged, 0, damaged.length, 0);
    await handle.close();
    await expect(file.verify()).rejects.toMatchObject({
      code: 'SM_DUMP_DAMAGED',
      message: expect.stringContaining(message),
    });
  });

  test.skipIf(process.getuid?.() !== 0)('says how much was written when the disk is full', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
    try {
      await using file = await GrowingFile.create(join(folder, 'dump'));
      const full = { code: 'SM_DISK_FULL', message: expect.stringContaining('beyond 1048576 bytes') };
      const reading = expect(sha256Of(file.follow())).rejects.toMatchObject(full);
      const chunks = Array.from({ length: 30 }, () => randomBytes(100_000));
      await expect(pipeline(Readable.from(chunks), file.writer)).rejects.toMatchObject(full);
      await reading;
      await expect(file.content).rejects.toMatchObject(full);
    } finally {
      execFileSync('umount', [folder]);
    }
  });
});
