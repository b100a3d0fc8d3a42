import { describe, expect, test } from 'vitest';
import {
  comparableSetting,
  parseSetting,
  setClause,
} from '../../../src/database/postgres/copy/database-settings.ts';

describe('settings of a database', () => {
  test.each([
    ['statement_timeout=30s', `SET "statement_timeout" TO '30s'`],
    ['app.tenant=a=b', `SET "app.tenant" TO 'a=b'`],
    ['DateStyle=ISO, DMY', `SET "DateStyle" TO 'ISO, DMY'`],
    ['search_path="$user", public', `SET "search_path" TO '$user', 'public'`],
    ['search_path="Sales & Co., ""x""", public', `SET "search_path" TO 'Sales & Co., "x"', 'public'`],
    ['search_path=""', `SET "search_path" TO ''`],
    ['search_path=', `SET "search_path" TO ''`],
    ["application_name=it's", `SET "application_name" TO 'it''s'`],
  ])('%s is set by %s', (setting, clause) => {
    expect(setClause(setting)).toBe(clause);
  });

  test('name and value are cut at the first equals sign', () => {
    expect(parseSetting('a.b=c=d')).toEqual({ name: 'a.b', value: 'c=d' });
  });

  test('blanks in lists of names do not count, elsewhere they do', () => {
    expect(comparableSetting('search_path=a,b')).toBe(comparableSetting('search_path=a, "b"'));
    expect(comparableSetting('search_path=""')).toBe(comparableSetting('search_path='));
    expect(comparableSetting('DateStyle=ISO,DMY')).not.toBe(comparableSetting('DateStyle=ISO, DMY'));
  });
});
