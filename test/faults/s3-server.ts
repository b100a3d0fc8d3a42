import {
  type FaultyProxy,
  type Fault as HttpFault,
  type PassingRequest,
  startFaultyProxy,
} from '../support/faulty-proxy.ts';
import type { ActionRun } from '../support/runner.ts';
import { disturb, type Fault, withMoreRows } from './fault.ts';
import { ways } from './ways.ts';

const slowDown =
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>';
const internalError =
  '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>Try again</Message></Error>';
const mebibyte = 1024 ** 2;

/** Uploads that need parts. */
const way = withMoreRows(ways.migrated);

const succeeds = { expects: /^run: migrated/, ends: 'after' } as const;
const refuses = { expects: /^run: refused \(SM_STORAGE_\w+\)/, ends: 'before' } as const;

/** A deploy whose only way to a real S3 server leads over a proxy with a fault. */
function onTheWay(
  name: string,
  group: string,
  story: string,
  outcome: typeof succeeds | typeof refuses,
  /** What goes wrong in one run. */
  begin: () => (request: PassingRequest) => HttpFault | undefined,
): Fault {
  return {
    name,
    group,
    way: 'migrated',
    story,
    go: async (ground) => {
      const open: FaultyProxy[] = [];
      let times = 0;
      let isOver = false;
      const faultOf = begin();
      try {
        return await disturb(ground, {
          way,
          storage: 's3',
          where: 'dump and store',
          get what() {
            return `${times} requests were hit`;
          },
          ...outcome,
          prepare: async (world) => {
            const proxy = await startFaultyProxy(ground.ceph.endpoint, (request) => {
              const fault = isOver ? undefined : faultOf(request);
              if (fault !== undefined) times += 1;
              return fault;
            });
            open.push(proxy);
            return {
              inputs: { storage: ground.ceph.storageUrl(world.bucket, 'backups', proxy.endpoint) },
            };
          },
          disturb: async (_world, run: ActionRun) => {
            await run.finished;
            // A server that recovers: post and whoever comes later reach it again.
            isOver = true;
            if (times === 0) throw new Error('no request was hit');
          },
        });
      } finally {
        for (const proxy of open) await proxy[Symbol.asyncDispose]();
      }
    },
  };
}

const first = (operation: string, times: number, fault: HttpFault) => (request: PassingRequest) =>
  request.operation === operation && request.nth <= times ? fault : undefined;
const always = (operation: string, fault: HttpFault) => first(operation, Number.POSITIVE_INFINITY, fault);

const storm = 'a storm of 503';
const cut = 'connections dropped in the middle of a part';
const lie = 'CompleteMultipartUpload answered 200 with an error';
const noTag = 'answers without an ETag';

/** From the moment on in which the stored dump is read back. */
function goneWhileVerifying(): (request: PassingRequest) => HttpFault | undefined {
  let isGone = false;
  return ({ operation, path }) => {
    isGone ||= operation === 'GetObject' && path.endsWith('/database.dump');
    return isGone ? { kind: 'cut', afterBytes: 0 } : undefined;
  };
}

/** An S3 server on a bad day, seen by a whole deploy. */
export const s3ServerFaults: readonly Fault[] = [
  onTheWay(
    'every second request 503',
    storm,
    'every second request of each kind is answered 503',
    succeeds,
    () =>
      ({ nth }) =>
        nth % 2 === 1 ? { kind: 'answer', status: 503, body: slowDown } : undefined,
  ),
  onTheWay('every part 503', storm, 'every part is answered 503', refuses, () =>
    always('UploadPart', { kind: 'answer', status: 503, body: slowDown }),
  ),
  onTheWay('parts cut twice', cut, 'the connection breaks after 3 MiB of the first two parts', succeeds, () =>
    first('UploadPart', 2, { kind: 'cut', afterBytes: 3 * mebibyte }),
  ),
  onTheWay('parts cut always', cut, 'the connection breaks after 1 MiB of every part', refuses, () =>
    always('UploadPart', { kind: 'cut', afterBytes: mebibyte }),
  ),
  onTheWay('Complete lies once', lie, 'the first answer', succeeds, () =>
    first('CompleteMultipartUpload', 1, { kind: 'answer', status: 200, body: internalError }),
  ),
  onTheWay(
    'Complete lies although done',
    lie,
    'every answer, although the server has done it',
    succeeds,
    () => always('CompleteMultipartUpload', { kind: 'replace-answer', status: 200, body: internalError }),
  ),
  onTheWay('Complete lies always', lie, 'every answer, and the server never hears of it', refuses, () =>
    always('CompleteMultipartUpload', { kind: 'answer', status: 200, body: internalError }),
  ),
  onTheWay('no ETag of the whole', noTag, 'of CompleteMultipartUpload', succeeds, () =>
    always('CompleteMultipartUpload', { kind: 'replace-answer', headers: { etag: null } }),
  ),
  onTheWay('no ETag of parts', noTag, 'of every UploadPart', refuses, () =>
    always('UploadPart', { kind: 'replace-answer', headers: { etag: null } }),
  ),
  onTheWay(
    'gone while verifying',
    'the S3 server goes away for the rest of the run',
    'when the stored dump is read back; post reaches it again',
    refuses,
    goneWhileVerifying,
  ),
];
