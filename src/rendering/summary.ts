import { encryptionSentence } from '../report/encryption-sentence.ts';
import { countOf, formatAge, formatBytes, formatCount, formatSeconds } from '../report/quantity.ts';
import { jobPasses, type Report } from '../report/report.ts';
import { restoreByHandCommands } from '../report/restore-by-hand.ts';
import { retentionText } from '../report/stored-backup-text.ts';
import { checkSections } from './check-sections.ts';
import { code, codeBlock, fold, plain, table } from './markdown-text.ts';
import { phaseChart } from './phase-chart.ts';
import { rollbackSection } from './rollback-section.ts';
import { resultSentence } from './sentence.ts';

/** GitHub drops a summary that is longer; some room is left for the last line. */
const maximumSummaryBytes = 1024 * 1024 - 1024;
/** Rows of a table; the rest stands in report.json. */
const maximumRows = 100;

/**
 * The job summary in GitHub's Markdown: the result in one sentence, what to do, and then what happened.
 * A section that would not fit into 1 MiB is left out.
 */
export function summaryMarkdown(report: Report): string {
  const sections = [
    `## safe-migrate: ${report.result}\n\n**${plain(resultSentence(report))}**`,
    whatToDo(report),
    ...(report.rollback === null ? [] : [rollbackSection(report.rollback)]),
    ...(report.check === null ? [] : checkSections(report.check).map((section) => section.markdown)),
    phaseTable(report),
    recoveryWays(report),
    pendingWays(report),
    ...(report.check === null ? [migrations(report), dataLoss(report)] : []),
    newWrites(report),
    roleChanges(report),
    backup(report),
    storedBackups(report),
    keptDatabases(report),
    earlierRun(report),
    warnings(report),
    origin(report),
  ].filter((section) => section !== null);

  let summary = '';
  let isWhole = true;
  for (const section of sections) {
    if (Buffer.byteLength(summary) + Buffer.byteLength(section) > maximumSummaryBytes) isWhole = false;
    else summary += `${section}\n\n`;
  }
  return isWhole
    ? summary
    : `${summary}_What is missing here is too long for a summary; it stands in the report._\n`;
}

function whatToDo(report: Report): string | null {
  const problems = shortened(report.problems, (problem) => {
    const place = problem.phase === null ? '' : ` (${problem.phase})`;
    return `- ${plain(problem.message)}${place}<br>HINT: ${plain(problem.hint)} [${code(problem.code)}](${problem.docs})`;
  });
  const steps = report.nextSteps.map((step) =>
    step.commands.length === 0
      ? plain(step.text)
      : `${plain(step.text)}\n\n${codeBlock(step.commands, 'sh')}`,
  );
  if (problems.length === 0 && steps.length === 0) return null;
  const heading = jobPasses(report) ? '### What to know' : '### What to do';
  return [heading, problems.join('\n'), ...steps].filter((part) => part !== '').join('\n\n');
}

function phaseTable(report: Report): string | null {
  if (report.phases.length === 0) return null;
  const rows = report.phases.map((record) => [
    record.phase,
    record.status === 'done' ? '' : record.status,
    formatSeconds(record.durationMs),
    plain(record.fact),
  ]);
  const chart = fold('Timeline (UTC)', codeBlock([phaseChart(report.phases)], 'mermaid'));
  return `### Phases\n\n${table(['Phase', '', 'Time', 'Result'], rows)}\n\n${chart}`;
}

/** Only where something is closed that is not closed for everybody: what always holds tells nobody anything. */
function recoveryWays(report: Report): string | null {
  const isWorthTelling = report.recoveryWays.some(({ way, open }) => !open && way !== 'in-place');
  if (!isWorthTelling) return null;
  const rows = report.recoveryWays.map(({ way, open, because }) => [
    way,
    open ? 'open' : 'closed',
    because.map(plain).join('<br>'),
  ]);
  return `### Ways of recovery\n\n${table(['Way', '', 'Why'], rows)}`;
}

function pendingWays(report: Report): string | null {
  if (report.pendingWays.length === 0) return null;
  const rows = shortenedRows(report.pendingWays, ({ migration, way, because }) => [
    code(migration),
    way,
    plain(because),
  ]);
  return fold('Way back, should a migration fail', table(['Migration', 'Way', 'Why'], rows));
}

function migrations(report: Report): string | null {
  if (report.pendingMigrations.length === 0) return null;
  const applied = new Set(report.appliedMigrations);
  const rows = shortenedRows(report.pendingMigrations, (name) => {
    const state = applied.has(name)
      ? 'applied'
      : name === report.failure?.migration
        ? 'failed'
        : 'not applied';
    return [code(name), state];
  });
  const parts = ['### Migrations', table(['Migration', 'Now'], rows)];
  if (report.failure !== null) parts.push(failure(report.failure));
  return parts.join('\n\n');
}

function failure(failed: NonNullable<Report['failure']>): string {
  const place =
    failed.file === null
      ? ''
      : ` at ${code(failed.line === null ? failed.file : `${failed.file}:${failed.line}`)}`;
  const sqlState = failed.sqlState === null ? '' : ` (SQLSTATE ${code(failed.sqlState)})`;
  return `${code(failed.migration)} failed${place}: ${plain(failed.message)}${sqlState}`;
}

function dataLoss(report: Report): string | null {
  if (report.dataLoss.length === 0) return null;
  const rows = shortenedRows(report.dataLoss, (loss) => [
    code(loss.migration),
    code(loss.object),
    code(loss.statement),
  ]);
  return `### Data that the migrations destroy\n\n${table(['Migration', 'Object', 'Statement'], rows)}`;
}

function roleChanges(report: Report): string | null {
  if (report.roleChanges.length === 0) return null;
  const rows = shortenedRows(report.roleChanges, ({ role, change }) => [plain(role), change]);
  const what = 'Roles belong to the server: recovery left them as they were after the migration.';
  const next =
    'Drop or repair them before the migration runs again; CREATE ROLE fails where the role is there already.';
  return `### Roles that stayed\n\n${what} ${next}\n\n${table(['Role', 'While the migration ran'], rows)}`;
}

function newWrites(report: Report): string | null {
  if (report.newWrites === null) {
    const tables = report.writesBeforeMigration ?? [];
    if (tables.length === 0) return null;
    const names = shortened(tables, code).join(', ');
    return `### Writes after the backup\n\nWritten to between the backup and the migration: ${names}`;
  }
  const heading = '### What the failed database holds beside the backup';
  if (report.newWrites.length === 0) return `${heading}\n\nNone: every table was compared.`;
  const rows = shortenedRows(report.newWrites, (difference) => [
    code(`${difference.schema}.${difference.table}`),
    formatCount(difference.onlyInFailed),
    formatCount(difference.changed),
    formatCount(difference.onlyInTarget),
    difference.sampleKeys.slice(0, 5).map(code).join(' ') + (difference.sampleKeys.length > 5 ? ' …' : ''),
  ]);
  const where = report.failedDatabase === null ? 'the failed database' : code(report.failedDatabase);
  const columns = ['Table', 'Only there', 'Changed there', 'Deleted there', 'Keys only there'];
  return `${heading}\n\nCompared with ${where}, which is kept:\n\n${table(columns, rows)}`;
}

function backup(report: Report): string | null {
  if (report.backup === null) return null;
  const { id, sizeBytes, sha256, restoreProved, encryption, locations } = report.backup;
  const proved = {
    true: 'restored and found equal',
    false: 'not proved by a restore',
    'could-not-verify': 'could not be verified',
  }[restoreProved];
  const rows = [
    ['Id', code(id)],
    ['Size', formatBytes(sizeBytes)],
    ['SHA-256', code(sha256)],
    ['Proof', proved],
    ['Encrypted', encryptionSentence(encryption)],
    ...locations.map((location) => ['Stored', `${code(location.url)} ${plain(location.verified)}`]),
  ];
  const commands = restoreByHandCommands(report.backup);
  const byHand =
    commands.length === 0
      ? ''
      : `\n\n${fold('Restore it by hand, beside the database', codeBlock(commands, 'sh'))}`;
  return `### Backup\n\n${table(['', ''], rows)}${byHand}`;
}

function storedBackups(report: Report): string | null {
  if (report.storedBackups === null || report.storedBackups.length === 0) return null;
  const now = Date.parse(report.run.finishedAt);
  const rows = shortenedRows(report.storedBackups, (stored) => [
    code(stored.id),
    formatAge(now - Date.parse(stored.createdAt)),
    formatBytes(stored.sizeBytes),
    stored.proved ? 'yes' : 'no',
    stored.appliedMigrations === null ? 'unknown' : formatCount(stored.appliedMigrations),
    stored.locations.map(code).join(' '),
    plain(retentionText(stored)),
  ]);
  const columns = ['Backup', 'Age', 'Size', 'Proved', 'Migrations', 'Where', ''];
  return `### Stored backups\n\n${table(columns, rows)}`;
}

function keptDatabases(report: Report): string | null {
  if (report.keptDatabases.length === 0) return null;
  const rows = shortenedRows(report.keptDatabases, ({ name, sizeBytes }) => [
    code(name),
    formatBytes(sizeBytes),
  ]);
  return `### Kept failed databases\n\n${table(['Database', 'Size'], rows)}`;
}

function earlierRun({ earlierRun: earlier }: Report): string | null {
  if (earlier === null) return null;
  return `### An earlier run\n\n${plain(earlier.fact)} (in ${code(earlier.phase)} since ${plain(earlier.at)}).`;
}

function warnings(report: Report): string | null {
  if (report.warnings.length === 0) return null;
  return `### Warnings\n\n${shortened(report.warnings, (line) => `- ${plain(line)}`).join('\n')}`;
}

function origin(report: Report): string {
  const { target, run } = report;
  const parts = [
    `command ${code(report.command)}`,
    ...(target === null
      ? []
      : [
          `${code(target.database)} at ${code(`${target.host}:${target.port}`)}, PostgreSQL ${plain(target.serverVersion)}`,
        ]),
    ...(report.prismaVersion === null ? [] : [`Prisma ${plain(report.prismaVersion)}`]),
    ...(run.commit === null ? [] : [`commit ${code(run.commit)}`]),
    `run ${code(run.id)}`,
  ];
  return `<sub>${parts.join(' · ')}</sub>`;
}

/** At most `maximumRows` of them, and a last one that says how many there are more. */
function shortened<T>(items: readonly T[], render: (item: T) => string): string[] {
  const shown = items.slice(0, maximumRows).map(render);
  return items.length > maximumRows ? [...shown, `and ${leftOut(items)}`] : shown;
}

function shortenedRows<T>(
  items: readonly T[],
  render: (item: T) => readonly string[],
): (readonly string[])[] {
  const shown = items.slice(0, maximumRows).map(render);
  if (items.length <= maximumRows) return shown;
  const width = shown[0]?.length ?? 1;
  return [...shown, [`and ${leftOut(items)}`, ...Array.from({ length: width - 1 }, () => '')]];
}

function leftOut(items: readonly unknown[]): string {
  return `${countOf(items.length - maximumRows, 'more', 'more')} in the report`;
}
