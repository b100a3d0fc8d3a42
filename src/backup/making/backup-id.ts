const maximumLabelLength = 100;

/** Label of a backup taken before migrations: names the first of them. */
export function labelBefore(firstPending: string | undefined): string {
  return firstPending === undefined ? 'scheduled' : `before_${firstPending}`;
}

/**
 * `backup_YYYYMMDD_HHMMSSZ_<label>`, UTC: sorts by time, says what it is for, and is safe in file names,
 * object keys and URLs. Characters outside `A-Za-z0-9_.-` become `_`; long labels are cut.
 */
export function backupId(takenAt: Date, label: string): string {
  const [date = '', time = ''] = takenAt.toISOString().split('T');
  const safeLabel = label.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, maximumLabelLength);
  return `backup_${date.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}Z_${safeLabel}`;
}

/** Folder of a backup below a storage's prefix: `<database>/<id>`, the database's name percent-encoded. */
export function backupFolder(database: string, id: string): string {
  return `${databaseFolder(database)}/${id}`;
}

/**
 * A database's name as one path segment. Everything but `A-Za-z0-9_-` is percent-encoded, dots as well,
 * so that no name can climb out of the prefix.
 */
export function databaseFolder(database: string): string {
  return encodeURIComponent(database).replaceAll(
    /[!'()*.~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
