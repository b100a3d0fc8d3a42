import type { StoredBackupRecord } from '../../report/report.ts';
import type { BackupPlace, ListedBackup } from './stored-backups.ts';

/** Whether dump and details are there in their full length, as the listing says. */
export function isWholeIn({ manifest }: ListedBackup, place: BackupPlace): boolean {
  return [manifest.file, ...(manifest.details === null ? [] : [manifest.details])].every(
    ({ name, sizeBytes }) =>
      place.objects.find(({ key }) => key === `${place.folder}/${name}`)?.sizeBytes === sizeBytes,
  );
}

/** A backup that is not whole proves nothing, whatever its manifest says. */
export function isProvedIn(listed: ListedBackup, place: BackupPlace): boolean {
  return listed.manifest.proof.proved && isWholeIn(listed, place);
}

/** A backup in one storage as the report shows it; `retention` is null where it was not applied. */
export function shownBackup(
  listed: ListedBackup,
  place: BackupPlace,
  retention: StoredBackupRecord['retention'],
): StoredBackupRecord {
  const { manifest } = listed;
  return {
    id: listed.id,
    createdAt: manifest.createdAt,
    sizeBytes: manifest.file.sizeBytes,
    proved: isProvedIn(listed, place),
    madeBy: manifest.command,
    appliedMigrations: manifest.prisma?.appliedMigrations ?? null,
    locations: [place.url],
    retention,
  };
}

/** All that was listed, newest first, for a command that removes nothing. */
export function shownBackups(backups: readonly ListedBackup[]): readonly StoredBackupRecord[] {
  return mergePlaces(
    backups.flatMap((listed) => listed.places.map((place) => shownBackup(listed, place, null))),
  );
}

/** What is the same of the same backup is told once, with all the places; newest first. */
export function mergePlaces(records: readonly StoredBackupRecord[]): readonly StoredBackupRecord[] {
  const byText = new Map<string, StoredBackupRecord>();
  for (const record of records) {
    const text = JSON.stringify({ ...record, locations: [] });
    const known = byText.get(text);
    byText.set(
      text,
      known === undefined ? record : { ...known, locations: [...known.locations, ...record.locations] },
    );
  }
  return [...byText.values()].sort(
    (a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? 1 : -1),
  );
}
