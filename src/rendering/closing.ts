import type { Report } from '../report/report.ts';
import { resultSentence } from './sentence.ts';

/** The log's last lines: the result in one sentence, and what to do next with commands to paste. */
export function closingLines(report: Report): readonly string[] {
  return [
    `${report.result}: ${resultSentence(report)}`,
    // Not indented: an indented `SQL` would not end its here-document when it is pasted.
    ...report.nextSteps.flatMap((step) => [
      step.text,
      ...step.commands.flatMap((command) => command.split('\n')),
    ]),
  ];
}
