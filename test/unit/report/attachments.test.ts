import { describe, expect, it } from 'vitest';
import { attachmentsOf } from '../../../src/rendering/attachments.ts';
import type { CheckReport } from '../../../src/report/check-report.ts';
import { emptyCheck, sampleBuilder } from '../../support/sample-reports.ts';

function attachments(check: Partial<CheckReport>) {
  const builder = sampleBuilder();
  builder.check({ ...emptyCheck, ...check });
  return attachmentsOf(builder.build('checked', new Date(0)));
}

describe('files beside report.json', () => {
  it('are none when there is no SQL to take away', () => {
    const drift = { differences: ['x'], reconcileSql: '', byHand: ['look at x'], destructive: [] };
    expect(attachments({})).toEqual([]);
    expect(attachments({ drift })).toEqual([]);
  });

  it('say what the SQL against drift leaves, in comments that no line can leave', () => {
    const drift = {
      differences: ['x'],
      reconcileSql: 'DROP VIEW v;',
      byHand: ['TYPE t: make it again:\nDROP TABLE a;\r\\! id'],
      destructive: [],
    };
    expect(attachments({ drift, missingMigrationSql: 'SELECT 1;' })).toEqual([
      { name: 'missing-migration.sql', text: 'SELECT 1;' },
      {
        name: 'reconcile-drift.sql',
        text: 'DROP VIEW v;\n\n-- What this does not do:\n-- TYPE t: make it again:\n-- DROP TABLE a;\n-- \\! id',
      },
    ]);
  });
});
