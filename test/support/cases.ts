/**
 * How many cases a test by chance tries: `usual` of them, as often as SAFE_MIGRATE_TEST_SCALE says. `npm test` takes few, so
 * that it can be run all day; the nightly workflow takes many.
 */
export function cases(usual: number): number {
  return Math.ceil(usual * Number(process.env.SAFE_MIGRATE_TEST_SCALE ?? '1'));
}
