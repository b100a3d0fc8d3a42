import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArtifactAccess } from '../../src/storage/artifact/artifact-access.ts';
import { artifactStorage } from '../../src/storage/artifact/artifact-storage.ts';
import type { Storage } from '../../src/storage/port/storage.ts';
import type { StorageUse } from '../../src/storage/port/storage-use.ts';
import { Secret } from '../../src/system/secret.ts';
import type { ArtifactService } from './artifact-service.ts';
import type { StoragePlace } from './storage-contract.ts';

/** What a job of the service's repository knows. */
export function accessTo(service: ArtifactService, changes: Partial<ArtifactAccess> = {}): ArtifactAccess {
  const { runId = '164', attempt = 1 } = changes;
  const environment = service.environment({ runId: runId ?? '0', attempt });
  return {
    serverUrl: 'https://github.com',
    apiUrl: service.url,
    repository: service.repository,
    runId,
    attempt,
    token: new Secret('ghs_of_the_job'),
    service: {
      url: environment.ACTIONS_RESULTS_URL ?? '',
      token: new Secret(environment.ACTIONS_RUNTIME_TOKEN ?? ''),
    },
    isPublic: false,
    maximumRetentionDays: null,
    ...changes,
  };
}

/** The artifacts of a service's repository as a storage, seen from one of its jobs. */
export async function artifactPlace(
  service: ArtifactService,
  changes: {
    readonly access?: Partial<ArtifactAccess>;
    readonly use?: Partial<StorageUse>;
    readonly plaintextAllowed?: boolean;
  } = {},
): Promise<StoragePlace & { readonly storage: Storage; readonly workFolder: string }> {
  const workFolder = await mkdtemp(join(tmpdir(), 'safe-migrate-artifact-'));
  const storage = artifactStorage(
    { kind: 'artifact', plaintextAllowed: changes.plaintextAllowed ?? false },
    accessTo(service, changes.access),
    { retentionDays: 30, isEncrypted: true, workFolder, ...changes.use },
  );
  return {
    storage,
    workFolder,
    // What lies on the disk of the runner counts as well: nothing may be left there.
    everything: async () => [...service.artifacts().map(({ name }) => name), ...(await readdir(workFolder))],
    clear: async () => service.clear(),
    [Symbol.asyncDispose]: () => rm(workFolder, { recursive: true, force: true }),
  };
}
