import type { BackupLocation, BackupRecord } from './report.ts';

/**
 * Commands that restore a backup with nothing but the storage's and the database's own tools, into a new
 * database beside the others (`database`, or one named after the backup). They can be pasted as they are; PGHOST, PGUSER and PGPASSWORD are the reader's.
 */
export function restoreByHandCommands(backup: BackupRecord, database?: string): readonly string[] {
  const [location] = backup.locations;
  if (location === undefined) return [];
  const scratch = shellWord(
    database ?? `restored_${backup.id.split('_').slice(1, 3).join('_').toLowerCase()}`,
  );
  return [
    fetchCommand(location),
    `echo '${backup.sha256}  database.dump' | sha256sum --check`,
    `createdb --template=template0 ${scratch}`,
    `pg_restore --exit-on-error --dbname=${scratch} database.dump`,
  ];
}

function fetchCommand(location: BackupLocation): string {
  const folder = location.url.replace(/\/(database\.dump)?$/, '');
  if (location.storage === 'file') return `cp ${shellWord(pathOf(`${folder}/database.dump`))} database.dump`;
  return `aws s3 cp ${shellWord(`${folder}/database.dump`)} database.dump`;
}

function pathOf(url: string): string {
  return URL.canParse(url) ? decodeURIComponent(new URL(url).pathname) : url;
}

/** A word that a POSIX shell takes literally. */
function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
