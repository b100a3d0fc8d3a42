import { describe, expect, it } from 'vitest';
import { backupFolder, backupId, labelBefore } from '../../../src/backup/making/backup-id.ts';

describe('backup id', () => {
  const takenAt = new Date('2026-11-22T14:25:00.999Z');

  it('is the UTC time and the label', () => {
    expect(backupId(takenAt, labelBefore('20260102_add_templates'))).toBe(
      'backup_20261122_142500Z_before_20260102_add_templates',
    );
    expect(backupId(takenAt, labelBefore(undefined))).toBe('backup_20261122_142500Z_scheduled');
  });

  it('holds only characters that are safe in file names and object keys', () => {
    expect(backupId(takenAt, 'a/../b "ü"')).toBe('backup_20261122_142500Z_a_.._b____');
    expect(backupId(takenAt, 'x'.repeat(300)).length).toBeLessThan(130);
  });
});

describe('backup folder', () => {
  it('is one folder per database that no name can climb out of', () => {
    expect(backupFolder('applizor_erp', 'id')).toBe('applizor_erp/id');
    expect(backupFolder('../x', 'id')).toBe('%2E%2E%2Fx/id');
    expect(backupFolder('Söme "db"', 'id')).toBe('S%C3%B6me%20%22db%22/id');
  });
});
