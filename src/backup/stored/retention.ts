/** For how long backups are kept. */
export interface RetentionPolicy {
  /** Days for backups that `migrate` made. */
  readonly migrateDays: number;
  /** Days for all others. */
  readonly otherDays: number;
  /** So many of the newest backups stay whatever their age. */
  readonly keepLast: number;
}

/** What retention has to know of a stored backup. */
export interface AgingBackup {
  readonly id: string;
  readonly createdAt: Date;
  readonly madeBy: 'migrate' | 'backup';
  readonly proved: boolean;
}

/** Whether a backup stays, and why in words. */
interface RetentionDecision<B extends AgingBackup> {
  readonly backup: B;
  readonly stays: boolean;
  readonly reason: string;
}

const dayMs = 24 * 60 * 60 * 1000;

/**
 * Decides which backups of one storage stay, newest first. What speaks for staying is asked first, so whatever the
 * age: the newest proved backup stays, and so does one that `mayBeNeeded` gives a reason for.
 * A clock that stands wrong makes backups stay: one from the future is younger than any window.
 */
export function decideRetention<B extends AgingBackup>(
  backups: readonly B[],
  policy: RetentionPolicy,
  given: { readonly now: Date; readonly mayBeNeeded: (backup: B) => string | null },
): readonly RetentionDecision<B>[] {
  const newestFirst = backups.toSorted(
    (a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1),
  );
  const newestProved = newestFirst.find(({ proved }) => proved);
  return newestFirst.map((backup, index) => {
    const days = backup.madeBy === 'migrate' ? policy.migrateDays : policy.otherDays;
    const isOld = given.now.getTime() - backup.createdAt.getTime() > days * dayMs;
    const reasonToStay =
      (backup === newestProved ? 'the newest that is proved' : null) ??
      given.mayBeNeeded(backup) ??
      (isOld ? null : `younger than ${daysText(days)}`) ??
      (index < policy.keepLast ? `one of the last ${policy.keepLast}` : null);
    return reasonToStay === null
      ? { backup, stays: false, reason: `older than ${daysText(days)}` }
      : { backup, stays: true, reason: reasonToStay };
  });
}

function daysText(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}
