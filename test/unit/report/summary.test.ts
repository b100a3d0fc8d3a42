import { describe, expect, it } from 'vitest';
import { summaryMarkdown } from '../../../src/rendering/summary.ts';
import type { Report } from '../../../src/report/report.ts';
import {
  hostileReport,
  migratedReport,
  recoveryFailedReport,
  refusedReport,
  refusedTargetReport,
  restoredReport,
  sampleBuilder,
} from '../../support/sample-reports.ts';

describe('the job summary', () => {
  it.each([
    ['migrated', migratedReport()],
    ['restored', restoredReport()],
    ['refused', refusedReport()],
    ['refused-target', refusedTargetReport()],
    ['recovery-failed', recoveryFailedReport()],
    ['up-to-date', sampleBuilder().build('up-to-date', new Date(0))],
    ['hostile', hostileReport()],
  ])('of a %s run reads as agreed', async (name: string, report: Report) => {
    await expect(summaryMarkdown(report)).toMatchFileSnapshot(`summaries/${name}.txt`);
  });

  it('says the result first, then what to do, then the phases', () => {
    const summary = summaryMarkdown(restoredReport());
    const places = ['again as it was before', '### What to do', '### Phases', '### Backup'].map((text) =>
      summary.indexOf(text),
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('lets no text of users or servers become markup, a table cell, a heading or a mention', () => {
    const summary = summaryMarkdown(hostileReport());
    const outsideOfCode = summary
      .replaceAll(/^(`{3,})[^\n]*\n[\s\S]*?\n\1$/gm, '')
      .replaceAll(/`[^`\n]*`/g, '')
      .replaceAll(/<code>[^<]*<\/code>/g, '');
    expect(outsideOfCode).not.toMatch(/<img|@octocat|\*\*b\*\*|\$x\$|\]\(http:\/\/x\)|^## h/m);
    const rows = summary.split('\n').filter((line) => line.startsWith('| ') && !line.includes('---'));
    for (const row of rows) expect(row.split('|').length).toBeLessThanOrEqual(7);
  });

  it('stays below the 1 MiB that GitHub accepts, however much there is to say', () => {
    const builder = sampleBuilder();
    const long = '<'.repeat(5_000);
    builder.pending(Array.from({ length: 5_000 }, (_, index) => `${index}_${long}`));
    for (let index = 0; index < 5_000; index++) builder.warn(`${index} ${long}`);
    builder.kept(
      Array.from({ length: 5_000 }, (_, index) => ({ name: `${index}${long}`, sizeBytes: index })),
    );
    const summary = summaryMarkdown(builder.build('migrated', new Date(0)));
    expect(Buffer.byteLength(summary)).toBeLessThan(1024 * 1024);
    expect(summary.includes('too long for a summary')).toBe(true);
    expect(summary.includes('run `k3f9a2`')).toBe(true);
  });

  it('shortens long lists and says how many are left out', () => {
    const builder = sampleBuilder();
    builder.pending(Array.from({ length: 150 }, (_, index) => `migration_${index}`));
    expect(summaryMarkdown(builder.build('migrated', new Date(0)))).toContain('and 50 more in the report');
  });
});
