import { findingsOf, type Severity } from '../report/check-report.ts';
import { countOf, formatBytes, formatDuration } from '../report/quantity.ts';
import type { Report } from '../report/report.ts';
import { takenOverCodes } from '../system/taken-over.ts';

/** The result in one plain sentence: what happened, and what state the database is in now. */
export function resultSentence(report: Report): string {
  const database = report.target?.database ?? 'The database';
  switch (report.result) {
    case 'migrated':
      return `${database} is migrated: ${countOf(report.appliedMigrations.length, 'migration')} applied${backupClause(report)}.`;
    case 'up-to-date':
      return `${database} is up to date: no migration is pending.`;
    case 'backed-up':
      return `${database} is backed up${backupClause(report, ' as ')}.`;
    case 'checked':
      return report.rollback === null
        ? checkedSentence(report)
        : `${database} was not changed: this is what a rollback to ${report.rollback.backupId} would take back.`;
    case 'rolled-back':
      return `${database} is rolled back to ${report.backup?.id ?? 'its backup'}${report.failedDatabase === null ? '' : `; what was there is kept as ${report.failedDatabase}`}.`;
    case 'drilled':
      return 'The stored backup was restored into a scratch database and found equal.';
    case 'pruned':
      return prunedSentence(report);
    case 'refused':
      return refusedSentence(report, database);
    case 'rehearsal-failed':
      return `${failed(report)} on a copy; ${database} was never touched.`;
    case 'untouched':
      if (report.command === 'rollback')
        return `The rollback ended before it changed anything; ${database} is as it was.`;
      return `${failed(report)} before it changed anything; ${database} is as it was.`;
    case 'restored':
      return `${failed(report)}; ${database} is again as it was before${recoveryClause(report)}.`;
    case 'stopped':
      if (report.problems.some(({ code }) => takenOverCodes.has(code)))
        return `${failed(report)}, and another run has taken over ${database}: this one has changed nothing more.`;
      return `${failed(report)}, and nothing was undone: ${database} is as the migration left it and waits for a decision.`;
    case 'recovery-failed':
      if (report.command === 'rollback')
        return `The rollback did not come to its end: ${database} needs a person now.`;
      return `${failed(report)}, and recovery failed as well: ${database} needs a person now.`;
  }
}

function checkedSentence(report: Report): string {
  if (report.check === null) return 'Checked.';
  const findings = findingsOf(report.check);
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const pending = countOf(report.pendingMigrations.length, 'pending migration');
  const notChecked = report.check.parts.some((part) => part.notChecked.length > 0);
  const part = notChecked ? '; not everything could be looked at' : '';
  return `${pending}, ${countOf(count('error'), 'error')}, ${countOf(count('warning'), 'warning')}${part}.`;
}

function prunedSentence({ storedBackups }: Report): string {
  const all = storedBackups ?? [];
  const going = all.filter(({ retention }) => retention?.stays === false).length;
  const removed = all.filter(({ retention }) => retention?.removed).length;
  if (going === 0) return `All of ${countOf(all.length, 'backup')} stay.`;
  return removed === 0
    ? `Nothing was removed; retention would end ${going} of ${countOf(all.length, 'backup')}.`
    : `Retention removed ${removed} of ${countOf(all.length, 'backup')}.`;
}

function refusedSentence(report: Report, database: string): string {
  const reasons = countOf(report.problems.length, 'reason');
  if (report.command === 'backup' && report.backup !== null) {
    return `The backup of ${database} is stored as ${report.backup.id} but not proved: ${reasons}.`;
  }
  const untouched = report.target === null ? 'no database was touched' : `${database} was not touched`;
  return `Refused for ${reasons}; ${untouched}.`;
}

function failed(report: Report): string {
  return report.failure === null ? 'The migration failed' : `${report.failure.migration} failed`;
}

function recoveryClause(report: Report): string {
  const seconds = report.recoverySeconds;
  const method = report.recoveryMethod === 'none' ? '' : ` (${report.recoveryMethod})`;
  return seconds === null ? method : `, ${formatDuration(seconds * 1000)} later${method}`;
}

function backupClause(report: Report, lead = ', backup '): string {
  const { backup } = report;
  if (backup === null) return '';
  const proof =
    backup.restoreProved === 'true' ? 'restored and found equal' : 'stored, but not proved by a restore';
  return `${lead}${backup.id} (${formatBytes(backup.sizeBytes)}) ${proof}`;
}
