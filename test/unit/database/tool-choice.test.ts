import { describe, expect, test } from 'vitest';
import { chooseTools, noTools } from '../../../src/database/postgres/connect/tool-choice.ts';
import {
  parseToolVersion,
  versionFromNumber,
} from '../../../src/database/postgres/connect/tool-installations.ts';
import { SafeMigrateError } from '../../../src/system/errors.ts';

const installed = (...numbers: number[]) =>
  numbers.map((number) => ({ directory: `/pg/${number}`, version: versionFromNumber(number) }));

describe('the tools for a server', () => {
  test('are of its own major, the newest minor of it', () => {
    const choice = chooseTools(installed(180007, 150020, 150021, 140025), versionFromNumber(150018));
    expect(choice.installation.directory).toBe('/pg/150021');
    expect(choice.warnings).toEqual([]);
  });

  test('are of the nearest newer major otherwise, with a warning', () => {
    const choice = chooseTools(installed(180007, 170012, 140025), versionFromNumber(160010));
    expect(choice.installation.version.major).toBe(17);
    expect(choice.warnings).toEqual([expect.stringContaining('postgresql-client-16')]);
  });

  test.each([
    [180006, 1],
    [180007, 0],
    [170011, 1],
    [170012, 0],
    [160015, 1],
    [160016, 0],
    [150019, 1],
    [150020, 0],
    [140024, 1],
    [140025, 0],
    [130023, 1],
  ])('of version %i give %i warnings about security fixes', (number, warnings) => {
    expect(chooseTools(installed(number), versionFromNumber(number)).warnings).toHaveLength(warnings);
  });

  test('are refused when all are older, with the line that installs the right ones', () => {
    const choosing = () => chooseTools(installed(150020, 160016), versionFromNumber(170002));
    expect(choosing).toThrow(SafeMigrateError);
    expect(choosing).toThrow(
      expect.objectContaining({
        code: 'SM_CLIENT_TOO_OLD',
        message: expect.stringContaining('16.16'),
        hint: expect.stringContaining('apt-get install -y postgresql-client-17'),
      }),
    );
  });

  test('are missing when none are found', () => {
    expect(() => chooseTools([], versionFromNumber(170002))).toThrow(
      expect.objectContaining({
        code: 'SM_CLIENT_MISSING',
        hint: expect.stringContaining('postgresql-client-17'),
      }),
    );
    expect(noTools(null).hint).toContain('postgresql-client-');
  });
});

test.each([
  ['psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n', '15.18'],
  ['pg_dump (PostgreSQL) 18.7\n', '18.7'],
  ['psql (PostgreSQL) 19devel\n', '19.0'],
  ['psql (EnterpriseDB)', null],
])('%j is version %s', (output, text) => {
  expect(parseToolVersion(output)?.text ?? null).toBe(text);
});
