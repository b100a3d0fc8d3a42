/** What a rollback takes back, as far as it was looked at. */
export interface RollbackReport {
  readonly backupId: string;
  /** ISO 8601. */
  readonly backupTakenAt: string;
  /** Commit whose application fits the backup; null when the backup names none. */
  readonly commit: string | null;
  /** Migrations that the target's history has and the backup's has not; null when that could not be read. */
  readonly migrations: readonly string[] | null;
  /** Tables that differ from the backup; null when they were not looked at. */
  readonly tables: readonly TableBeforeRollback[] | null;
}

export interface TableBeforeRollback {
  readonly schema: string;
  readonly table: string;
  /** null: there is no such table. */
  readonly rowsNow: number | null;
  readonly rowsInBackup: number | null;
}
