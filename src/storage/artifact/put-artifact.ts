import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { SafeMigrateError } from '../../system/errors.ts';
import { ContentGate } from '../port/content-gate.ts';
import { LeftBehindError } from '../port/left-behind.ts';
import { storageMismatch } from '../port/mismatch.ts';
import { sha256Of } from '../port/sha256-of.ts';
import type { ExpectedContent, PutRequest } from '../port/storage.ts';
import type { StorageUse } from '../port/storage-use.ts';
import type { ArtifactAccess } from './artifact-access.ts';
import { AnswerError, artifactError } from './artifact-errors.ts';
import type { OwnRun } from './own-run.ts';
import { uploadFile } from './upload-file.ts';

/** A cancelled run is ended by force after some seconds; any other failure leaves time to try again. */
const cleanUpAfterCancelMs = 4_000;
const cleanUpMs = 30_000;
const readingAttempts = 3;
const pauseMs = 1_000;

interface Upload {
  readonly access: ArtifactAccess & { readonly service: NonNullable<ArtifactAccess['service']> };
  readonly use: StorageUse;
  readonly run: OwnRun;
  /** Of the artifact. */
  readonly name: string;
  /** For messages. */
  readonly url: string;
}

/**
 * Uploads a content as one artifact and reads it back, because the digest that GitHub shows is the one that the
 * client claimed. Returns how it was verified, for people. On rejection the artifact is taken back.
 *
 * An artifact cannot be streamed while it is made: the client sends files. So the body is waited for; where it lies
 * on disk already, that file is sent under another name, and nothing is copied.
 */
export async function putArtifact(upload: Upload, request: PutRequest): Promise<string> {
  const { name, run, url } = upload;
  const { signal } = request;
  // Told at once instead of after a long upload; between two that are here together the service decides.
  if (await run.holds(name, signal)) throw artifactError(new AnswerError(409), 'write', url);
  const folder = await mkdtemp(join(upload.use.workFolder, 'artifact-'));
  try {
    const path = join(folder, name);
    const expected = await waitForBody(path, url, request);
    // The client names the artifact after the file; it follows links.
    if (request.path !== undefined) await symlink(request.path, path);
    try {
      const sent = await uploadFile(
        upload.access,
        { path, folder, retentionDays: upload.use.retentionDays },
        { signal, onProgress: (sentBytes) => request.onProgress?.(sentBytes) },
      );
      if (sent.sha256 !== expected.sha256) throw storageMismatch(url, expected, sent);
      await verify(upload, expected, signal);
    } catch (error) {
      const failure = artifactError(error, 'write', url);
      // Then it is another one's, and stays.
      throw failure.code === 'SM_STORAGE_EXISTS' ? failure : await takeBack(upload, failure, signal);
    }
    return 'read back, length and SHA-256 equal';
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lets the body come to its end and makes sure that it is what was expected; keeps it unless it lies on disk. */
async function waitForBody(path: string, url: string, request: PutRequest): Promise<ExpectedContent> {
  const gate = new ContentGate({ expected: request.expected, maximumBytes: Number.MAX_SAFE_INTEGER, url });
  const sink =
    request.path === undefined
      ? createWriteStream(path, { flags: 'wx', mode: 0o600 })
      : new Writable({ write: (_chunk, _encoding, done) => done() });
  await pipeline(request.body, gate, sink, { signal: request.signal });
  return request.expected;
}

async function verify(
  { run, name, url }: Upload,
  expected: ExpectedContent,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const held = await readBack(run, name, expected.sizeBytes, signal).catch((error: unknown) => {
      if (signal.aborted || attempt === readingAttempts) throw error;
      return null;
    });
    if (held?.sizeBytes === expected.sizeBytes && held.sha256 === expected.sha256) return;
    // A download that breaks off, or an artifact that does not show yet, says nothing about what is held.
    if (held !== null || attempt === readingAttempts) {
      throw storageMismatch(url, expected, held ?? { sizeBytes: 0 });
    }
    await pause(pauseMs, undefined, { signal });
  }
}

async function readBack(
  run: OwnRun,
  name: string,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<ExpectedContent | null> {
  const body = await run.open(name, signal);
  if (body === null) return null;
  const stop = (): void => void body.destroy(new Error('stopped'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await sha256Of(body, sizeBytes);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Removes what the service has of a failed upload and returns the failure, with what could not be removed. What was
 * never finished has no name by which it could be removed; GitHub discards it.
 */
async function takeBack(
  { run, name, url }: Upload,
  failure: SafeMigrateError,
  stopped: AbortSignal,
): Promise<SafeMigrateError> {
  try {
    await run.remove(name, AbortSignal.timeout(stopped.aborted ? cleanUpAfterCancelMs : cleanUpMs));
    return failure;
  } catch (error) {
    const left = artifactError(error, 'remove', url);
    return new LeftBehindError({
      code: failure.code,
      message: `${failure.message}; the artifact may be left there: ${left.message}`,
      hint: failure.hint,
      docs: failure.docs,
      cause: new AggregateError([failure, left], 'the upload failed, and so did cleaning up after it'),
    });
  }
}
