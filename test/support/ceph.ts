import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { needPart } from './needed-parts.ts';
import { freePort } from './postgres.ts';

const run = promisify(execFile);

/** The one key that its key service knows, for `sse=aws:kms:<key id>`. */
export const kmsKeyId = 'backup-key';

export interface CephUser {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** What another process (a vitest worker, the bundle) needs to use a running server. JSON-safe. */
export interface CephInfo {
  /** e.g. `http://127.0.0.1:41234`. */
  readonly endpoint: string;
  /** Owns the buckets. */
  readonly owner: CephUser;
  /** Known to the server, without any right to the owner's buckets. */
  readonly outsider: CephUser;
}

/** A running S3 server (Ceph's RADOS gateway). */
export class Ceph {
  readonly info: CephInfo;

  constructor(info: CephInfo) {
    this.info = info;
  }

  get endpoint(): string {
    return this.info.endpoint;
  }

  /** Environment variables for the standard credential chain; nothing else of AWS is looked at then. */
  environment(user: CephUser = this.info.owner): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: user.accessKey,
      AWS_SECRET_ACCESS_KEY: user.secretKey,
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }

  /** The `storage` line for a bucket. */
  storageUrl(bucket: string, prefix = '', endpoint: string = this.endpoint): string {
    return `s3://${bucket}/${prefix}?region=us-east-1&endpoint=${encodeURIComponent(endpoint)}`;
  }

  /** A client of its own for looking at what is really held. */
  client(user: CephUser = this.info.owner): S3Client {
    return new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      credentials: { accessKeyId: user.accessKey, secretAccessKey: user.secretKey },
    });
  }

  /** Creates a bucket of the owner's and returns its name. */
  async createBucket(name: string = `bucket-${randomBytes(6).toString('hex')}`): Promise<string> {
    const client = this.client();
    try {
      await client.send(new CreateBucketCommand({ Bucket: name }));
    } finally {
      client.destroy();
    }
    return name;
  }

  /** Everything a bucket holds: whole objects, and uploads that were begun and not ended. */
  async contents(bucket: string): Promise<{ readonly objects: string[]; readonly uploads: string[] }> {
    const client = this.client();
    try {
      const objects = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
      const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      return {
        objects: (objects.Contents ?? []).map((object) => object.Key ?? ''),
        uploads: (uploads.Uploads ?? []).map((upload) => upload.Key ?? ''),
      };
    } finally {
      client.destroy();
    }
  }
}

/** A server that this process started; disposing of it ends its processes and removes its folder. */
export class StartedCeph extends Ceph implements AsyncDisposable {
  readonly #dispose: () => Promise<void>;

  constructor(info: CephInfo, dispose: () => Promise<void>) {
    super(info);
    this.#dispose = dispose;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose();
  }
}

/** Uses a server that another process started (vitest's global setup). */
export function connectCeph(info: CephInfo): Ceph {
  return new Ceph(info);
}

/** Whether Debian's packages ceph-mon, ceph-osd and radosgw are installed. */
export function cephIsInstalled(): boolean {
  return ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph'].every((name) =>
    existsSync(`/usr/bin/${name}`),
  );
}

/**
 * Starts a whole S3 server on loopback: one monitor, one OSD that keeps everything in memory, one gateway.
 * Nothing of it outlives the returned value; a test process that is killed takes it along.
 */
export async function startCeph(): Promise<StartedCeph> {
  needPart('ceph');
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-ceph-'));
  const children: ChildProcess[] = [];
  const dispose = async (): Promise<void> => {
    // The gateway first: it waits for the others when they are gone before it.
    for (const child of children.toReversed()) await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const info = await bootstrap(folder, children);
    return new StartedCeph(info, dispose);
  } catch (error) {
    const log = await readFile(join(folder, 'daemons.log'), 'utf8').catch(() => '');
    await dispose();
    throw new Error(`Ceph did not start: ${String(error)}\n${log.slice(-4000)}`, { cause: error });
  }
}

async function bootstrap(folder: string, children: ChildProcess[]): Promise<CephInfo> {
  const [monitorPort, gatewayPort] = await Promise.all([freePort(), freePort()]);
  const fsid = randomUUID();
  const configuration = join(folder, 'ceph.conf');
  await writeFile(configuration, cephConf({ folder, fsid, monitorPort }));
  for (const name of ['mon', 'osd', 'rgw']) await mkdir(join(folder, name));
  const tool = (name: string, ...args: string[]) =>
    run(name, ['-c', configuration, ...args], { timeout: 60_000, killSignal: 'SIGKILL' });
  const daemon = (name: string, ...args: string[]): void => {
    children.push(startDaemon(name, ['-c', configuration, '-f', ...args], join(folder, 'daemons.log')));
  };

  const map = join(folder, 'monmap');
  await run('monmaptool', ['--create', '--addv', 'a', `v2:127.0.0.1:${monitorPort}`, '--fsid', fsid, map]);
  await tool('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map);
  daemon('ceph-mon', '-i', 'a');
  const osdUuid = randomUUID();
  await tool('ceph', 'osd', 'new', osdUuid, '0');
  await tool('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osdUuid);
  daemon('ceph-osd', '-i', '0');

  const info: CephInfo = {
    endpoint: `http://127.0.0.1:${gatewayPort}`,
    owner: { accessKey: 'OWNERACCESSKEY000001', secretKey: `owner/${randomBytes(18).toString('base64')}` },
    outsider: {
      accessKey: 'OUTSIDERACCESSKEY001',
      secretKey: `outsider/${randomBytes(18).toString('base64')}`,
    },
  };
  for (const [id, user] of Object.entries({ owner: info.owner, outsider: info.outsider })) {
    await tool(
      'radosgw-admin',
      'user',
      'create',
      '--uid',
      id,
      '--display-name',
      id,
      '--access-key',
      user.accessKey,
      '--secret-key',
      user.secretKey,
    );
  }
  daemon('radosgw', '-n', 'client.admin', `--rgw-frontends=beast endpoint=127.0.0.1:${gatewayPort}`);
  await untilItAnswers(info.endpoint, children);
  return info;
}

function cephConf(of: { folder: string; fsid: string; monitorPort: number }): string {
  return `[global]
fsid = ${of.fsid}
mon host = v2:127.0.0.1:${of.monitorPort}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
# The gateway asks for encryption by default, which does not go with auth none.
ms mon client mode = crc
run dir = ${of.folder}
admin socket = ${of.folder}/$name.asok
log file = /dev/null
mon cluster log file = /dev/null
log to stderr = false
err to stderr = true
crash dir = ${of.folder}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000

[mon]
mon data = ${of.folder}/mon
mon initial members = a
mon data avail crit = 0
mon data avail warn = 0
paxos propose interval = 0.02
paxos min wait = 0.01

[osd]
osd data = ${of.folder}/osd
osd objectstore = memstore
memstore device bytes = 6442450944
osd memory target = 939524096
osd class load list = *
osd class default list = *

[client]
rgw enable usage log = false
rgw enable ops log = false
rgw run sync thread = false
rgw enable quota threads = false
rgw enable gc threads = true
rgw thread pool size = 32
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = ${kmsKeyId}=${Buffer.alloc(32, 7).toString('base64')}
rgw data = ${of.folder}/rgw
`;
}

function startDaemon(name: string, args: readonly string[], log: string): ChildProcess {
  const output = openSync(log, 'a');
  try {
    // setpriv (util-linux) makes the kernel end the daemon when the test process dies, however it dies.
    return spawn('setpriv', ['--pdeathsig', 'KILL', name, ...args], { stdio: ['ignore', output, output] });
  } finally {
    closeSync(output);
  }
}

async function untilItAnswers(endpoint: string, children: readonly ChildProcess[]): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
    const dead = children.find((child) => child.exitCode !== null || child.signalCode !== null);
    if (dead !== undefined) throw new Error(`${dead.spawnargs.join(' ')} ended by itself`);
    const answered = await fetch(endpoint, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.status < 500,
      () => false,
    );
    if (answered) return;
  }
  throw new Error(`${endpoint} did not answer within 60 s`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  // Everything is in memory and thrown away: there is nothing that an orderly end would save.
  child.kill('SIGKILL');
  await ended;
}
