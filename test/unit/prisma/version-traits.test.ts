import { describe, expect, test } from 'vitest';
import { diffArguments, traitsOf, versionProblem } from '../../../src/prisma/project/version-traits.ts';

describe('what differs between versions of Prisma', () => {
  test.each([
    ['5.0.0', { hasConfigOption: false, urlInSchema: true, needsQueryEngine: true }],
    ['5.22.0', { hasConfigOption: false, urlInSchema: true, needsQueryEngine: true }],
    ['6.3.1', { hasConfigOption: false, urlInSchema: true, needsQueryEngine: true }],
    ['6.4.1', { hasConfigOption: true, urlInSchema: true, needsQueryEngine: true }],
    ['6.19.0', { hasConfigOption: true, urlInSchema: true, needsQueryEngine: true }],
    ['7.0.0', { hasConfigOption: true, urlInSchema: false, needsQueryEngine: false }],
    ['7.10.1', { hasConfigOption: true, urlInSchema: false, needsQueryEngine: false }],
  ])('%s', (version, traits) => {
    expect(traitsOf(version)).toMatchObject(traits);
  });

  const database = { kind: 'database', schemaPath: '/p/schema.prisma' } as const;
  const schema = { kind: 'schema', schemaPath: '/p/schema.prisma' } as const;
  const migrations = { kind: 'migrations', directory: '/p/migrations' } as const;

  test.each(['5.22.0', '6.19.0'])('migrate diff of %s names the schema of a database', (version) => {
    expect(diffArguments(version, database, schema)).toEqual([
      'migrate',
      'diff',
      '--from-schema-datasource',
      '/p/schema.prisma',
      '--to-schema-datamodel',
      '/p/schema.prisma',
    ]);
  });

  test('migrate diff of 7 takes the database from the config', () => {
    expect(diffArguments('7.10.1', database, schema)).toEqual([
      'migrate',
      'diff',
      '--from-config-datasource',
      '--to-schema',
      '/p/schema.prisma',
    ]);
    expect(diffArguments('7.10.1', migrations, database)).toEqual([
      'migrate',
      'diff',
      '--from-migrations',
      '/p/migrations',
      '--to-config-datasource',
    ]);
  });

  test('migrate diff compares with nothing in every version', () => {
    expect(diffArguments('5.22.0', { kind: 'empty' }, migrations)).toEqual(
      diffArguments('7.10.1', { kind: 'empty' }, migrations),
    );
  });
});

describe('a version that cannot be driven', () => {
  test.each(['5.0.0', '5.22.0', '6.19.0', '7.10.1'])('is not %s', (version) => {
    expect(versionProblem('prisma', version)).toBeNull();
  });

  test.each([
    ['4.16.2', /prisma 4\.16\.2 is installed; safe-migrate works with Prisma 5, 6 and 7/, /prisma@5/],
    ['0.0.0-dev.1', /works with Prisma 5, 6 and 7/, /prisma@5/],
    ['8.0.0-rc.3', /Prisma 8 has no `migrate deploy`/, /prisma@7, or .*@prisma\/prisma7/],
  ])('is %s', (version, message, hint) => {
    expect(versionProblem('prisma', version)).toMatchObject({
      code: 'SM_PRISMA_UNSUPPORTED',
      message: expect.stringMatching(message) as string,
      hint: expect.stringMatching(hint) as string,
    });
  });
});
