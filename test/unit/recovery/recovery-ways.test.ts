import { expect, test } from 'vitest';
import type { Obstacle } from '../../../src/database/database.ts';
import { recoveryWays } from '../../../src/recovery/recovery-ways.ts';

const against = (message: string, closes: Obstacle['closes']): Obstacle => ({
  code: 'SM_NO_CREATEDB',
  message,
  hint: 'grant it',
  closes,
});

function open(obstacles: readonly Obstacle[], recovery: 'auto' | 'swap' = 'auto'): readonly string[] {
  return recoveryWays(obstacles, { recovery })
    .filter((way) => way.open)
    .map(({ way }) => way);
}

test('without obstacles every way that is built is open', () => {
  expect(open([])).toEqual(['untouched', 'history', 'swap']);
});

test('what closes the swap leaves the others open, and every reason is told', () => {
  const obstacles = [against('no CREATEDB', ['swap']), against('not the owner', ['swap'])];
  expect(open(obstacles)).toEqual(['untouched', 'history']);
  expect(recoveryWays(obstacles, { recovery: 'auto' })[2]).toEqual({
    way: 'swap',
    open: false,
    because: ['no CREATEDB', 'not the owner'],
  });
});

test('a doubt closes nothing, and is told', () => {
  const doubt = { ...against('only a superuser may', ['swap']), isDoubt: true } as const;
  expect(open([doubt])).toEqual(['untouched', 'history', 'swap']);
  expect(recoveryWays([doubt], { recovery: 'auto' })[2]?.because).toContain(
    'not certain before the backup is proved: only a superuser may',
  );
});

test('what cannot be backed up closes everything', () => {
  expect(open([against('a table cannot be read', 'all')])).toEqual([]);
});

test('recovery: swap closes the way by history, by choice', () => {
  expect(open([], 'swap')).toEqual(['untouched', 'swap']);
  expect(recoveryWays([], { recovery: 'swap' })[1]?.because).toEqual(['recovery is set to swap']);
});
