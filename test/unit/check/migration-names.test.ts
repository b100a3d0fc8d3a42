import { describe, expect, it } from 'vitest';
import { badName } from '../../../src/check/migration-names.ts';

describe('a migration’s name', () => {
  it.each([
    '20260103101500_split_name',
    '20260103101500_add-index',
    '0_init',
    '20260103101500_fix_invoice_total',
  ])('%s is good', (name) => expect(badName(name)).toBeNull());
  it.each(['20260103101500_fix', '20260103101500_migration', '20260103101500_test'])(
    '%s says nothing',
    (name) => expect(badName(name)).toMatch(/says nothing/),
  );
  it.each(['split_name', '20260103_split_name', '20260103101500', '20260103101500_', '20260103101500_a b'])(
    '%s is not <timestamp>_<words>',
    (name) => expect(badName(name)).toMatch(/<timestamp>_<words>/),
  );
});
