import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { digestOf } from '../../src/backup/encryption/digest.ts';
import { type BackupDetails, detailsSchema, renderDetails } from '../../src/backup/manifest/details.ts';
import { manifestSchema, renderManifest, type StoredManifest } from '../../src/backup/manifest/manifest.ts';
import { asVersion1 } from './sample-manifest.ts';
import { sharedCeph } from './shared-servers.ts';
import type { World } from './world.ts';

/** What somebody who may write to the storage makes of a plain backup: its objects with changes in manifest and details. */
export function storedAgain(
  objects: ReadonlyMap<string, Buffer>,
  id: string,
  changes: {
    readonly id?: string;
    readonly manifest?: Partial<StoredManifest>;
    readonly details?: Partial<BackupDetails>;
  },
): ReadonlyMap<string, Buffer> {
  const own = new Map([...objects].filter(([key]) => key.includes(`/${id}/`)));
  const [folder = ''] = [...own.keys()].map((key) => key.slice(0, key.lastIndexOf('/')));
  const json = (name: string) => JSON.parse(String(own.get(`${folder}/${name}`)));
  const renamed = changes.id === undefined ? {} : { id: changes.id };
  const details = { ...detailsSchema.parse(json('details.json')), ...renamed, ...changes.details };
  const text = Buffer.from(renderDetails(details));
  const manifest = {
    ...manifestSchema.parse(json('manifest.json')),
    details: { name: 'details.json' as const, ...digestOf(text) },
    ...renamed,
    ...changes.manifest,
  };
  const place = folder.replace(id, changes.id ?? id);
  return new Map([
    [`${place}/database.dump`, own.get(`${folder}/database.dump`) ?? Buffer.alloc(0)],
    [`${place}/details.json`, text],
    [`${place}/manifest.json`, Buffer.from(renderManifest(manifest))],
  ]);
}

/** Makes of a plain backup in the world's bucket what the first version would have stored. */
export async function storeAsVersion1(world: World, id: string): Promise<void> {
  const client = (await sharedCeph()).client();
  const stored = [...(await world.stored())].filter(([key]) => key.includes(`/${id}/`));
  const find = (name: string) => stored.find(([key]) => key.endsWith(`/${name}`)) ?? ['', Buffer.alloc(0)];
  const [manifestKey, manifest] = find('manifest.json');
  const [detailsKey, details] = find('details.json');
  const old = asVersion1(
    manifestSchema.parse(JSON.parse(String(manifest))),
    detailsSchema.parse(JSON.parse(String(details))),
  );
  const body = `${JSON.stringify(old, null, 2)}\n`;
  await client.send(new PutObjectCommand({ Bucket: world.bucket, Key: manifestKey, Body: body }));
  await client.send(new DeleteObjectCommand({ Bucket: world.bucket, Key: detailsKey }));
  client.destroy();
}
