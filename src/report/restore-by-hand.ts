import type { BackupLocation, BackupRecord } from './report.ts';

/** What is needed of a backup to say how it is restored. */
export type RestorableBackup = Pick<BackupRecord, 'id' | 'locations' | 'sha256' | 'encryption'>;

/**
 * Commands that restore a backup with nothing but the storage's and the database's own tools, into a new
 * database beside the others (`database`, or one named after the backup). They can be pasted as they are; PGHOST, PGUSER and PGPASSWORD are the reader's.
 */
export function restoreByHandCommands(backup: RestorableBackup, database?: string): readonly string[] {
  const [location] = backup.locations;
  if (location === undefined) return [];
  const scratch = shellWord(
    database ?? `restored_${backup.id.split('_').slice(1, 3).join('_').toLowerCase()}`,
  );
  const file = backup.encryption === null ? 'database.dump' : 'database.dump.age';
  return [
    fetchCommand(location, file),
    `echo '${backup.sha256}  ${file}' | sha256sum --check`,
    ...decryptCommand(backup),
    `createdb --template=template0 ${scratch}`,
    `pg_restore --exit-on-error --dbname=${scratch} database.dump`,
  ];
}

function fetchCommand(location: BackupLocation, file: string): string {
  const folder = location.url.replace(/\/(database\.dump(\.age)?)?$/, '');
  switch (location.storage) {
    case 'file':
      return `cp ${shellWord(pathOf(`${folder}/${file}`))} ${file}`;
    case 's3':
      return `aws s3 cp ${shellWord(`${folder}/${file}`)} ${file}`;
    case 'artifact': {
      const [, repository = '', id = ''] = /^artifact:\/\/([^/]+\/[^/]+)\/.*?([^/]+)$/.exec(folder) ?? [];
      const artifacts = `repos/${repository}/actions/artifacts`;
      const find = `gh api --paginate ${artifacts} --jq '.artifacts[] | select((.name | endswith("~${id}~${file}")) and .workflow_run.head_repository_id == .workflow_run.repository_id).id'`;
      return `gh api "${artifacts}/$(${find} | head -n 1)/zip" > ${file}`;
    }
  }
}

/** age asks for a passphrase by itself; the private key is the reader's file. */
function decryptCommand({ encryption }: RestorableBackup): readonly string[] {
  if (encryption === null) return [];
  const key = encryption === 'recipients' ? '--identity=key.txt ' : '';
  return [`age --decrypt ${key}--output=database.dump database.dump.age`];
}

function pathOf(url: string): string {
  return URL.canParse(url) ? decodeURIComponent(new URL(url).pathname) : url;
}

/** A word that a POSIX shell takes literally. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
