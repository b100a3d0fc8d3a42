import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { artifactName, keyOfArtifact } from '../../../src/storage/artifact/artifact-name.ts';

describe('the name of an artifact', () => {
  test('can be read', () => {
    expect(artifactName('164-2', 'erp/backup_20261122_142500Z_scheduled/database.dump')).toBe(
      'safe-migrate~164-2~erp~backup_20261122_142500Z_scheduled~database.dump',
    );
  });

  const segments = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 5 })
    .filter((text) => !/\p{Cc}|\//u.test(text) && text.isWellFormed() && text !== '.' && text !== '..');
  const keys = fc.array(segments, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));

  test('gives its key back, whatever that is', () => {
    fc.assert(
      fc.property(keys, (key) => {
        expect(keyOfArtifact(artifactName('1-1', key))).toBe(key);
      }),
    );
  });

  test('is one that artifacts and files may have', () => {
    fc.assert(
      fc.property(keys, (key) => {
        expect(artifactName('1-1', key)).toMatch(/^[\w.%=~-]+$/);
      }),
    );
  });

  test.each([
    'coverage',
    'safe-migrate',
    'safe-migrate~1-1',
    'safe-migrate~1-1~',
    'safe-migrate~1-1~a~~b',
    'safe-migrate~1-1~a~..~b',
    'safe-migrate~run~a',
    'safe-migrate~1-1~a=2F..',
    'safe-migrate~1-1~a b',
    'safe-migrate~1-1~=ZZ',
    'other~1-1~a',
  ])('of somebody else has no key: %s', (name) => {
    expect(keyOfArtifact(name)).toBeNull();
  });

  test('that would be too long is refused before anything is sent', () => {
    const key = `${'%E6%95%B0'.repeat(21)}/backup_20261122_142500Z_${'x'.repeat(60)}/database.dump.age`;
    expect(() => artifactName('16442509711-1', key)).toThrow(/too long for the name of an artifact/);
  });
});
