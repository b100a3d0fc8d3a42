import { describe, expect, test } from 'vitest';
import { catalogs } from '../../../src/database/postgres/inventory/catalogs.ts';
import { leftCatalogs } from '../../../src/database/postgres/inventory/left-catalogs.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

const majors = [15, 16, 17, 18];

/** `catalog.column` of every catalog that a server of this major has. */
async function columnsOf(major: number): Promise<readonly (readonly [string, string])[]> {
  const cluster = await sharedPostgres(major);
  const text = await cluster.psql(
    'postgres',
    `SELECT c.relname || ' ' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped`,
  );
  return text.split('\n').map((line) => {
    const [catalog = '', column = ''] = line.split(' ');
    return [catalog, column] as const;
  });
}

describe('the inventory knows what becomes of every catalog', () => {
  test.each(majors)('and every column of a server of %i', async (major) => {
    const columns = await columnsOf(major);
    expect(columns.length).toBeGreaterThan(580);
    const unknown = columns.filter(([catalog, column]) => {
      if (catalog in leftCatalogs) return false;
      return catalogs[catalog]?.columns[column] === undefined;
    });
    expect(unknown.map((place) => place.join('.'))).toEqual([]);
  });

  test('and lists nothing that no server has', async () => {
    const known = new Set<string>();
    for (const major of majors) {
      for (const [catalog, column] of await columnsOf(major)) known.add(catalog).add(`${catalog}.${column}`);
    }
    const listed = Object.entries(catalogs).flatMap(([catalog, entry]) =>
      Object.keys(entry.columns).map((column) => `${catalog}.${column}`),
    );
    expect([...listed, ...Object.keys(leftCatalogs)].filter((name) => !known.has(name))).toEqual([]);
    expect(Object.keys(leftCatalogs).filter((catalog) => catalog in catalogs)).toEqual([]);
  });

  test('and says why it leaves out what it leaves out', () => {
    const reasons = [
      ...Object.values(leftCatalogs),
      ...Object.values(catalogs).flatMap(({ columns }) =>
        Object.values(columns).flatMap((rule) => (rule.rule === 'left' ? [rule.because] : [])),
      ),
    ];
    expect(reasons.filter((reason) => reason.length < 8)).toEqual([]);
  });
});
