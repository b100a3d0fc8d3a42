import { createHash } from 'node:crypto';
import { type CheckReport, type CheckSubject, findingsOf } from '../report/check-report.ts';
import type { Report } from '../report/report.ts';
import { checkSections } from './check-sections.ts';
import { plain } from './markdown-text.ts';
import { resultSentence } from './sentence.ts';

/** GitHub refuses 65 536 characters; counted in bytes, with room for the last line. */
const maximumBytes = 65_000;

/**
 * First line of a comment, by which it is found again. What one project's check looks at tells its comments apart (a
 * matrix of databases or schemas), and so does `job`: two of them would take turns in one comment otherwise.
 */
export function commentMarker({ project, schema, config, database }: CheckSubject, job: string): string {
  const rest = JSON.stringify([job, schema, config, database]);
  const digest = createHash('sha256').update(rest).digest('hex').slice(0, 12);
  return `<!-- safe-migrate:check:${encodeURIComponent(project)}:${digest} -->`;
}

/**
 * The comment on the pull request. One line when it changes nothing of the database and nothing is wrong. What does
 * not fit is named, and stands in the job summary.
 */
export function commentMarkdown(report: Report, job: string): string {
  const { check } = report;
  if (check === null) throw new TypeError('only a check is commented on');
  const title = `${commentMarker(check.subject, job)}\n**safe-migrate**${nameOf(check.subject)}`;
  if (isQuiet(check)) return `${title}: no database changes.\n`;
  const summary = report.run.url === null ? 'the job summary' : `[the job summary](${report.run.url})`;
  let comment = `${title}: ${plain(resultSentence(report))}\n\n`;
  const footer = `<sub>All of it is in ${summary} and in report.json.</sub>\n`;
  for (const section of checkSections(check)) {
    const room = maximumBytes - Buffer.byteLength(comment) - Buffer.byteLength(footer);
    const text = [section.markdown, section.shortly].find((each) => Buffer.byteLength(each) + 2 <= room);
    if (text !== undefined) comment += `${text}\n\n`;
  }
  return comment + footer;
}

/** For people who see several comments: which is this. */
function nameOf({ project, schema, config, database }: CheckSubject): string {
  const parts = [project === '.' ? null : project, schema, config, database?.name ?? null];
  const given = parts.filter((part) => part !== null);
  return given.length === 0 ? '' : ` (${given.map(plain).join(', ')})`;
}

function isQuiet(check: CheckReport): boolean {
  return check.changesDatabase === false && findingsOf(check).every(({ severity }) => severity === 'notice');
}
