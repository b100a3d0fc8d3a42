import { describe, expect, it } from 'vitest';
import { annotationsOf } from '../../../src/rendering/annotations.ts';
import { commentMarkdown, commentMarker } from '../../../src/rendering/comment.ts';
import type { CheckReport, CheckSubject, Finding } from '../../../src/report/check-report.ts';
import { emptyCheck, sampleBuilder } from '../../support/sample-reports.ts';

const finding: Finding = {
  severity: 'warning',
  code: 'SM_DATA_LOSS',
  message: 'x drops the column "a"."b"',
  hint: 'Look.',
  file: 'prisma/migrations/x/migration.sql',
  line: 3,
};
const job = 'ci/check';
const empty: CheckReport = {
  ...emptyCheck,
  parts: [{ name: 'history', fact: '', findings: [], notChecked: [] }],
  changesDatabase: true,
};

function report(check: Partial<CheckReport>) {
  const builder = sampleBuilder();
  builder.check({ ...empty, ...check });
  return builder.build('checked', new Date(0));
}

describe('the comment on a pull request', () => {
  it('is one line when nothing of the database changes', () => {
    expect(commentMarkdown(report({ changesDatabase: false }), job)).toBe(
      `${commentMarker(empty.subject, job)}\n**safe-migrate**: no database changes.\n`,
    );
  });

  it('of two projects, databases, schemas or jobs are two, and people can tell which is which', () => {
    const database = { host: 'db', port: 5432, name: 'erp' };
    const subjects: CheckSubject[] = [
      empty.subject,
      { ...empty.subject, project: 'apps/web' },
      { ...empty.subject, schema: 'prisma/a.prisma' },
      { ...empty.subject, config: 'prisma.b.ts' },
      { ...empty.subject, database },
      { ...empty.subject, database: { ...database, host: 'staging' } },
    ];
    const markers = subjects.flatMap((subject) =>
      [job, 'ci/other'].map((each) => commentMarker(subject, each)),
    );
    expect(new Set(markers).size).toBe(12);
    const subject = { project: 'apps/web', schema: 'apps/web/x.prisma', config: null, database };
    const comment = commentMarkdown(report({ subject, changesDatabase: false }), job);
    expect(comment).toBe(
      `${commentMarker(subject, job)}\n**safe-migrate** (apps/web, apps/web/x.prisma, erp): no database changes.\n`,
    );
  });

  it.each([
    ['ASCII', 'SELECT 1; '],
    ['characters of four bytes', '😀'],
  ])('stays under GitHub’s 65 536 characters however large the scripts of %s are', (_, text) => {
    const pending = Array.from({ length: 40 }, (_each, index) => ({
      name: `2026010100000${index}_x`,
      file: 'f',
      script: text.repeat(20_000),
      destructive: [],
      isReadable: true,
    }));
    const findings = Array.from({ length: 500 }, () => ({ ...finding, message: text.repeat(300) }));
    const comment = commentMarkdown(
      report({
        pending,
        parts: [{ name: 'pending', fact: '', findings, notChecked: [] }],
        missingMigrationSql: text.repeat(50_000),
        drift: { differences: ['x'], reconcileSql: text.repeat(50_000), byHand: [], destructive: [] },
      }),
      job,
    );
    expect(comment.length).toBeLessThan(65_536);
    expect(comment).toContain('too long to be shown here');
    expect(comment.trimEnd().endsWith('report.json.</sub>')).toBe(true);
  });

  it('lets no SQL break out of its block, and no name become markup or a mention', () => {
    const script = 'SELECT 1;\n```\n</details>\n@octocat <img src=x>\n````\nDROP TABLE a;';
    const comment = commentMarkdown(
      report({
        pending: [{ name: '@octocat <b>', file: 'f', script, destructive: [], isReadable: true }],
        parts: [
          {
            name: 'pending',
            fact: '',
            findings: [{ ...finding, message: '`|@octocat](http://x) <img>', hint: '**b**' }],
            notChecked: ['@octocat'],
          },
        ],
      }),
      job,
    );
    const outside = comment.replaceAll(/^(`{3,})[^\n]*\n[\s\S]*?\n\1$/gm, '').replaceAll(/`[^`\n]*`/g, '');
    expect(outside).not.toMatch(/@octocat|<img|<b>|\]\(http:\/\/x\)|\*\*b\*\*/);
    expect(comment).toContain('`````sql');
  });
});

describe('drift in the comment', () => {
  const drift = {
    differences: ['TABLE public.x is not in the migrations'],
    reconcileSql: 'DROP TABLE x;',
    byHand: [],
  };

  it('says what the SQL is known to do, and what it destroys', () => {
    const destructive = [
      { action: 'drops the table', object: '"x"', isCertain: true, line: 1, statement: 'DROP TABLE x' },
    ];
    const comment = commentMarkdown(report({ drift: { ...drift, destructive } }), job);
    expect(comment).toContain('nothing differed afterwards. **It destroys data**: drops the table `"x"`.');
  });

  it('says what it leaves', () => {
    const comment = commentMarkdown(
      report({ drift: { ...drift, byHand: ['VIEW v: look'], destructive: [] } }),
      job,
    );
    expect(comment).toContain('what still differed afterwards (1 difference) stands below.');
    expect(comment).toContain('What cannot be scripted:\n\n- VIEW v: look');
    expect(comment).not.toContain('destroys data');
  });

  it('says when there is no SQL', () => {
    const left = { ...drift, reconcileSql: '', byHand: ['VIEW v: look'], destructive: [] };
    expect(commentMarkdown(report({ drift: left }), job)).toContain('there is no SQL');
  });
});

describe('annotations of a check', () => {
  it('are at most ten of a kind, the worst first, on their lines', () => {
    const findings = Array.from(
      { length: 30 },
      (_, index): Finding => ({
        ...finding,
        severity: index % 2 === 0 ? 'warning' : 'error',
        line: index + 1,
      }),
    );
    const annotations = annotationsOf(
      report({ fails: true, parts: [{ name: 'pending', fact: '', findings, notChecked: [] }] }),
    );
    expect(annotations.filter(({ level }) => level === 'error')).toHaveLength(10);
    expect(annotations.filter(({ level }) => level === 'warning')).toHaveLength(10);
    expect(annotations[0]).toMatchObject({ level: 'error', file: finding.file, line: 2 });
    expect(annotations[9]?.title).toContain('6 more');
  });
});
