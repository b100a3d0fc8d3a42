import { describe, expect, it } from 'vitest';
import { readActionDefinition } from '../../../scripts/action-definition.ts';
import { outputsOf } from '../../../src/rendering/outputs.ts';
import { restoredReport, sampleBuilder } from '../../support/sample-reports.ts';

describe('outputs', () => {
  it('are those of action.yml, in its order', async () => {
    const action = await readActionDefinition(new URL('../../../action.yml', import.meta.url));
    expect(Object.keys(outputsOf(restoredReport(), ''))).toEqual(Object.keys(action.outputs));
  });

  it('say what a run did, as texts', () => {
    expect(outputsOf(restoredReport(), '/tmp/report.json')).toEqual({
      result: 'restored',
      'recovery-method': 'swap',
      'backup-id': 'backup_20261122_142500Z_before_20260102_add_templates',
      'backup-locations':
        '["s3://applizor-backups/erp/applizor_erp/backup_20261122_142500Z_before_20260102_add_templates"]',
      'backup-size-bytes': '109000000',
      'backup-sha256': '9f2c41d0'.repeat(8),
      'restore-proved': 'true',
      'pending-migrations': '["20260102_add_templates","20260103_split_name"]',
      'applied-migrations': '[]',
      'failed-migration': '20260103_split_name',
      'failed-database': 'applizor_erp__failed_k3f9a2',
      'data-loss': '[]',
      drift: 'unknown',
      'recovery-seconds': '0.412',
      report: '/tmp/report.json',
    });
  });

  it('are empty where there is nothing to say', () => {
    const outputs = outputsOf(sampleBuilder().build('refused', new Date(0)), '');
    expect(outputs).toMatchObject({
      'backup-id': '',
      'backup-locations': '[]',
      'backup-size-bytes': '',
      'restore-proved': 'false',
      'recovery-seconds': '',
    });
  });
});
