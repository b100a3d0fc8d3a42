/** What a run means to do with its storages, for those that must know: artifacts end by themselves. */
export interface StorageUse {
  /** For how many days what this run stores is to be kept. */
  readonly retentionDays: number;
  /** Whether what this run stores needs a key to be read. */
  readonly isEncrypted: boolean;
  /** Absolute path of an existing 0700 folder, for what cannot be sent while it is made. */
  readonly workFolder: string;
}
