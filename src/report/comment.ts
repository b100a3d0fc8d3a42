import { type CheckReport, findingsOf } from './check-report.ts';
import { checkSections } from './check-sections.ts';
import { plain } from './markdown-text.ts';
import type { Report } from './report.ts';
import { resultSentence } from './sentence.ts';

/** GitHub refuses 65 536 characters; counted in bytes, with room for the last line. */
const maximumBytes = 65_000;

/** First line of the comment for one project: by it the comment is found again. */
export function commentMarker(project: string): string {
  return `<!-- safe-migrate:check:${encodeURIComponent(project)} -->`;
}

/**
 * The comment on the pull request. One line when it changes nothing of the database and nothing is wrong. What does
 * not fit is named, and stands in the job summary.
 */
export function commentMarkdown(report: Report): string {
  const { check } = report;
  if (check === null) throw new TypeError('only a check is commented on');
  const title = `${commentMarker(check.project)}\n**safe-migrate**${check.project === '.' ? '' : ` (${plain(check.project)})`}`;
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

function isQuiet(check: CheckReport): boolean {
  return check.changesDatabase === false && findingsOf(check).every(({ severity }) => severity === 'notice');
}
