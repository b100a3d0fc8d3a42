import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as core from '@actions/core';
import { type Annotation, annotationsOf } from '../rendering/annotations.ts';
import { attachmentsOf } from '../rendering/attachments.ts';
import { closingLines } from '../rendering/closing.ts';
import { outputsOf } from '../rendering/outputs.ts';
import { summaryMarkdown } from '../rendering/summary.ts';
import { jobPasses, type Report } from '../report/report.ts';
import { messageOf } from '../system/errors.ts';
import type { ActionLog } from './action-log.ts';
import type { GitHubContext } from './github-context.ts';
import { harmlessLine } from './log-text.ts';
import { makeFolder } from './make-folder.ts';

/**
 * Tells everybody what the run did: last lines of the log, report.json, outputs, annotations, summary, and the
 * exit code. What only people read (summary, report.json) fails softly with a warning: by now the database is
 * in its final state, and the result must not depend on a full disk.
 */
export async function publish(report: Report, context: GitHubContext, log: ActionLog): Promise<void> {
  process.exitCode = jobPasses(report) ? 0 : 1;
  for (const line of closingLines(report)) log.visible(line);

  const reportPath = await softly('report.json could not be written', () => writeReport(report, context));
  await softly('The outputs could not be written', async () => {
    for (const [name, value] of Object.entries(outputsOf(report, reportPath ?? '')))
      core.setOutput(name, value);
  });
  for (const annotation of annotationsOf(report)) annotate(annotation);
  await softly('The job summary could not be written', () =>
    core.summary.addRaw(summaryMarkdown(report)).write(),
  );
}

/** Outside of the work folder, which is removed: later steps read it. Returns its path. */
async function writeReport(report: Report, context: GitHubContext): Promise<string> {
  const folder = join(context.temporaryDirectory, `safe-migrate-report-${report.run.id}`);
  await makeFolder(folder, 0o700);
  const path = join(folder, 'report.json');
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 });
  for (const { name, text } of attachmentsOf(report)) {
    await writeFile(join(folder, name), `${text.trimEnd()}\n`, { mode: 0o600 });
  }
  return path;
}

function annotate(annotation: Annotation): void {
  const { level, title, file, line } = annotation;
  const show = level === 'error' ? core.error : core.warning;
  // Everything after the first line is printed as it is; the runner looks for commands there, too.
  const message = annotation.message.split('\n').map(harmlessLine).join('\n');
  show(message, {
    title,
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { startLine: line }),
  });
}

async function softly<T>(failure: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    core.warning(`${failure}: ${messageOf(error)}`);
    return undefined;
  }
}
