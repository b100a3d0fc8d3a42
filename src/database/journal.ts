import { z } from 'zod';

/** How far a run has come, as whoever comes next needs to know it. In the order in which they are entered. */
const journalPhases = [
  'dump',
  'prove',
  'store',
  'rehearse',
  'quiesce',
  /** From here on the target may have been changed. */
  'migrate',
  'recover',
  /** Written by the very transaction that renames. */
  'swapped',
  /** Nobody changes these two by himself: a person has to finish. */
  'stopped',
  'recovery-failed',
] as const;
export type JournalPhase = (typeof journalPhases)[number];

/** Phases in which the target was not touched yet. */
export const phasesBeforeMigrate: ReadonlySet<JournalPhase> = new Set([
  'dump',
  'prove',
  'store',
  'rehearse',
  'quiesce',
]);

/**
 * Strict throughout: a member that this version does not know was written by a later one, and whoever does not
 * understand it must not act upon the rest. And narrow: a member of the target's owner can write it as well, and what
 * stands in it becomes names of databases and folders of backups.
 */
const content = z.strictObject({
  version: z.literal(1),
  /** As runs are named: it becomes part of databases' names. */
  run: z.string().regex(/^[0-9a-z_]{1,24}$/),
  command: z.enum(['migrate', 'backup', 'rollback']),
  phase: z.enum(journalPhases),
  /** null: a rollback of a database that is gone. */
  targetOid: z.int().nullable(),
  /** The target's own comment, to be put back; a comment is the one property that a copy cannot carry in advance. */
  comment: z.string().nullable(),
  /** Named before the first byte is uploaded under it; of a rollback the one that it goes back to. */
  backupId: z
    .string()
    .regex(/^(?!\.{1,2}$)[^/\\\p{Cc}]{1,255}$/u)
    .nullable(),
  /** The dump as it stands on the disk of the run's machine; null before it is whole. */
  dump: z.strictObject({ sizeBytes: z.int(), sha256: z.string() }).nullable(),
  /** The compared and closed copy; null before it is that, and with `verify: archive`. */
  fallback: z.strictObject({ name: z.string(), oid: z.int(), schemaDigest: z.string() }).nullable(),
  historySchema: z.string(),
  /** What was to be applied: names, and every checksum that Prisma may note for the file. */
  migrations: z.array(z.strictObject({ name: z.string(), checksums: z.array(z.string()) })),
  /** The target just before the migration, and what its run had been told; null before that. */
  baseline: z
    .strictObject({
      /** Digest of the rows of the history; null: there was no such table. */
      history: z.string().nullable(),
      witness: z.string(),
      /** The server's clock before the migrator was started: older sessions are not the migrator's. */
      serverTime: z.iso.datetime(),
      writesBeforeMigration: z.int(),
      /** Who migrates; a `command` may change what no history shows. */
      migrator: z.enum(['prisma', 'command']),
      recovery: z.enum(['auto', 'swap']),
      onNewWrites: z.enum(['restore', 'stop']),
    })
    .nullable(),
  /** `before-migrate` was begun, and `after-migrate` has not been begun since. */
  afterMigrateOwed: z.boolean(),
  /** Why it is `stopped` or `recovery-failed`. */
  because: z.string().nullable(),
});

export const journalSchema = content.extend({
  /** When the phase was entered, by the server's clock; ISO 8601. */
  at: z.iso.datetime(),
});

/**
 * What a run is about to do or has done, kept outside of the target while anything is open. Holds no secret and no
 * row. Written before each effect, so that it may be ahead of what happened and never behind.
 */
export type Journal = z.infer<typeof journalSchema>;

/** A journal that is about to be written; the time comes from the server. */
export type JournalEntry = z.infer<typeof content>;

export interface JournalChange {
  /** The run that the journal tells of; not the writer's own when he finishes another one. */
  readonly run: string;
  /** Whether the writer left a journal of that run open; false: there must be none. */
  readonly isOpen: boolean;
  /** null: nothing is open any more. */
  readonly entry: JournalEntry | null;
}
