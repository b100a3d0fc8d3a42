import { type Finding, findingsOf } from '../report/check-report.ts';
import { countOf } from '../report/quantity.ts';
import { jobPasses, type Report, type ReportedProblem } from '../report/report.ts';
import { resultSentence } from './sentence.ts';

/** A mark in the workflow run and, when it has a file, on that line of the pull request. */
export interface Annotation {
  readonly level: 'error' | 'warning';
  readonly title: string;
  /** Lines of plain text. */
  readonly message: string;
  /** Relative to the repository's root. */
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
}

/** GitHub shows no more of one kind for a step and drops the others silently. */
const maximumOfAKind = 10;

/** The annotations of a run, the most important first: at most ten errors and ten warnings. */
export function annotationsOf(report: Report): readonly Annotation[] {
  const findings = report.check === null ? [] : findingsOf(report.check);
  return [
    ...limited([...errorsOf(report), ...findingAnnotations(findings, 'error')]),
    ...limited([
      ...findingAnnotations(findings, 'warning'),
      ...report.warnings.map(
        (message) => ({ level: 'warning', title: 'safe-migrate', message }) satisfies Annotation,
      ),
    ]),
  ];
}

function findingAnnotations(findings: readonly Finding[], level: Annotation['level']): readonly Annotation[] {
  return findings
    .filter((finding) => finding.severity === level)
    .map((finding) => ({
      level,
      title: finding.code,
      message: `${finding.message}\nHINT: ${finding.hint}`,
      ...(finding.file === null ? {} : { file: finding.file }),
      ...(finding.file === null || finding.line === null ? {} : { line: finding.line }),
    }));
}

function errorsOf(report: Report): readonly Annotation[] {
  const errors = report.problems.map(problemAnnotation);
  if (report.failure !== null) {
    // The first problem is the reason of the result, hence this failure again: it gives its hint and link.
    return [failureAnnotation(report, report.failure), ...errors.slice(1)];
  }
  // A check that fails says why by its findings.
  if (errors.length === 0 && report.check === null && !jobPasses(report)) {
    return [{ level: 'error', title: `safe-migrate: ${report.result}`, message: resultSentence(report) }];
  }
  return errors;
}

function failureAnnotation(report: Report, failure: NonNullable<Report['failure']>): Annotation {
  const [reason] = report.problems;
  const sqlState = failure.sqlState === null ? '' : ` (SQLSTATE ${failure.sqlState})`;
  const lines = [
    `${failure.message}${sqlState}`,
    resultSentence(report),
    ...(reason ? adviceOf(reason) : []),
  ];
  return {
    level: 'error',
    title: `Migration ${failure.migration} failed`,
    message: lines.join('\n'),
    ...(failure.file === null ? {} : { file: failure.file }),
    ...(failure.file === null || failure.line === null ? {} : { line: failure.line }),
  };
}

function problemAnnotation(problem: ReportedProblem): Annotation {
  return {
    level: 'error',
    title: problem.phase === null ? problem.code : `${problem.code} in ${problem.phase}`,
    message: [problem.message, ...adviceOf(problem)].join('\n'),
  };
}

function adviceOf(problem: ReportedProblem): readonly string[] {
  return [`HINT: ${problem.hint}`, problem.docs];
}

function limited(annotations: readonly Annotation[]): readonly Annotation[] {
  if (annotations.length <= maximumOfAKind) return annotations;
  const shown = annotations.slice(0, maximumOfAKind - 1);
  const rest = annotations.slice(maximumOfAKind - 1);
  const messages = rest.map((annotation) => annotation.message.split('\n')[0] ?? '');
  return [
    ...shown,
    {
      level: rest[0]?.level ?? 'error',
      title: `safe-migrate: ${countOf(rest.length, 'more', 'more')}`,
      message: messages.join('\n'),
    },
  ];
}
