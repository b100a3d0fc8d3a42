import {
  type CheckReport,
  type Finding,
  findingsOf,
  type PendingMigration,
  type ToldDrift,
} from '../report/check-report.ts';
import { countOf } from '../report/quantity.ts';
import { code, codeBlock, fold, plain, table } from './markdown-text.ts';

/** Rows and lines of a list; the rest stands in report.json. */
const maximumRows = 100;

const marks = { error: 'error', warning: 'warning', notice: 'notice' } as const;

/** A piece of the check's report in Markdown. */
interface CheckSection {
  readonly markdown: string;
  /** What stands there instead when it does not fit. */
  readonly shortly: string;
}

/** What a check found, the most important first, for the job summary and for the comment. */
export function checkSections(check: CheckReport): readonly CheckSection[] {
  return [
    findings(check),
    ...pending(check.pending),
    missingMigration(check.missingMigrationSql),
    ...drift(check.drift),
    notChecked(check),
    prismaStatus(check.prismaStatus),
  ].filter((section) => section !== null);
}

function findings(check: CheckReport): CheckSection | null {
  const all = findingsOf(check);
  if (all.length === 0) return null;
  const shown = all.slice(0, maximumRows).map(line);
  if (all.length > maximumRows) shown.push(`- and ${all.length - maximumRows} more in the report`);
  return {
    markdown: `### Findings\n\n${shown.join('\n')}`,
    shortly: `### Findings\n\n${countOf(all.length, 'finding')}, too many to list here.`,
  };
}

function line(finding: Finding): string {
  const place =
    finding.file === null
      ? ''
      : ` ${code(`${finding.file}${finding.line === null ? '' : `:${finding.line}`}`)}`;
  return `- **${marks[finding.severity]}**: ${plain(finding.message)}${place}<br>HINT: ${plain(finding.hint)} (${code(finding.code)})`;
}

function pending(migrations: readonly PendingMigration[]): readonly CheckSection[] {
  if (migrations.length === 0) return [];
  const losses = migrations.flatMap((migration) =>
    migration.destructive.map((each) => [
      code(migration.name),
      String(each.line),
      `${plain(each.action)} ${code(each.object)}${each.isCertain ? '' : ': what that does cannot be known from the script'}`,
    ]),
  );
  const shown = losses.slice(0, maximumRows);
  const dataLoss =
    losses.length === 0
      ? 'None of their statements destroys data, as far as a script can tell.'
      : `These statements can destroy data:\n\n${table(['Migration', 'Line', 'What it does'], shown)}${losses.length > shown.length ? `\n\nand ${losses.length - shown.length} more in the report` : ''}`;
  const heading = `### Pending: ${countOf(migrations.length, 'migration')}`;
  return [
    {
      markdown: `${heading}\n\n${dataLoss}`,
      shortly: `${heading}\n\n${countOf(losses.length, 'statement')} can destroy data.`,
    },
    ...migrations.map((migration) => ({
      markdown: fold(migration.name, codeBlock(migration.script.trimEnd().split('\n'), 'sql')),
      shortly: `${code(migration.name)}: its SQL is too long to be shown here.`,
    })),
  ];
}

function missingMigration(sql: string | null): CheckSection | null {
  if (sql === null) return null;
  const heading = '### The migrations do not say what schema.prisma says';
  return {
    markdown: `${heading}\n\n${fold('SQL of the missing migration', codeBlock(sql.split('\n'), 'sql'))}`,
    shortly: `${heading}\n\nThe SQL of the missing migration is too long to be shown here.`,
  };
}

function drift(report: ToldDrift | null): readonly CheckSection[] {
  if (report === null || report.differences.length === 0) return [];
  const shown = report.differences.slice(0, maximumRows).map((difference) => `- ${plain(difference)}`);
  if (report.differences.length > maximumRows)
    shown.push(`- and ${report.differences.length - maximumRows} more in the report`);
  const heading = '### Drift: the database is not what its migrations made';
  const ways = [
    wayBack(report),
    '**To keep it**, make it a migration (`npx prisma migrate dev --create-only`, with what was changed), and mark that as applied where it is there already: `npx prisma migrate resolve --applied`.',
    '**When nobody knows what happened**, go back to a stored backup (`command: rollback`). Never reset the database.',
  ];
  const byHand =
    report.byHand.length === 0
      ? ''
      : `\n\nWhat cannot be scripted:\n\n${report.byHand
          .slice(0, maximumRows)
          .map((each) => `- ${plain(each)}`)
          .join('\n')}`;
  return [
    {
      markdown: `${heading}\n\n${shown.join('\n')}\n\n${ways.join('\n\n')}${byHand}`,
      shortly: `${heading}\n\n${countOf(report.differences.length, 'object')} differ, too many to list here.`,
    },
    ...(report.reconcileSql === ''
      ? []
      : [
          {
            markdown: fold(
              'SQL that takes the database back to its migrations',
              codeBlock(report.reconcileSql.split('\n'), 'sql'),
            ),
            shortly: 'The SQL that takes the database back is too long to be shown here.',
          },
        ]),
  ];
}

/** What the SQL does, what it leaves, and what it takes along. */
function wayBack({ reconcileSql, byHand, destructive }: ToldDrift): string {
  if (reconcileSql === '') return '**To take the change back**, there is no SQL: what to do stands below.';
  const proof =
    byHand.length === 0
      ? 'It was run on a copy of the schema, and nothing differed afterwards.'
      : `It was run on a copy of the schema; what still differed afterwards (${countOf(byHand.length, 'difference')}) stands below.`;
  const shown = destructive
    .slice(0, maximumRows)
    .map(({ action, object }) => `${plain(action)} ${code(object)}`);
  const loss = shown.length === 0 ? '' : ` **It destroys data**: ${shown.join('; ')}.`;
  return `**To take the change back**, run the SQL below on the database, after a backup (\`command: backup\`). ${proof}${loss}`;
}

function notChecked(check: CheckReport): CheckSection | null {
  const lines = [...new Set(check.parts.flatMap((part) => part.notChecked))];
  if (lines.length === 0) return null;
  return {
    markdown: `### Not checked\n\n${lines.map((each) => `- ${plain(each)}`).join('\n')}`,
    shortly: `### Not checked\n\n${countOf(lines.length, 'thing')}.`,
  };
}

function prismaStatus(text: string | null): CheckSection | null {
  if (text === null || text === '') return null;
  return {
    markdown: fold('What prisma migrate status says', codeBlock(text.split('\n'))),
    shortly: 'What prisma migrate status says is too long to be shown here.',
  };
}
