import { expect, it } from 'vitest';
import { surviveStrayErrors } from '../../../src/runner/stray-errors.ts';

it('tells an error that nobody waited for, instead of ending the process, and only while it is in force', () => {
  const told: string[] = [];
  const before = process.listenerCount('unhandledRejection');
  {
    using _ = surviveStrayErrors((line) => told.push(line));
    const [listener] = process.listeners('unhandledRejection').slice(-1);
    listener?.(new Error('left alone'), Promise.resolve());
    expect(told).toEqual(['an error was not handled: left alone']);
  }
  expect(process.listenerCount('unhandledRejection')).toBe(before);
});
