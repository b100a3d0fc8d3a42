import { afterAll, beforeAll, expect } from 'vitest';
import { sharedCeph } from '../support/shared-servers.ts';
import type { Fault } from './fault.ts';
import { type Ground, startGround } from './ground.ts';
import { type Kill, tryKill } from './kill.ts';
import type { Seen } from './results.ts';

/** Servers for the tests of one file, with a PostgreSQL that they may stop. */
export function groundOfFile(): () => Ground {
  let ground: Ground | null = null;
  beforeAll(async () => {
    ground = await startGround(await sharedCeph());
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());
  return () => {
    if (ground === null) throw new Error('the servers are not started yet');
    return ground;
  };
}

/** Tries a fault of the matrix, and holds it to what the matrix does. */
export async function holds(ground: Ground, fault: Fault): Promise<void> {
  expectNoException(await fault.go(ground, `short form ${fault.name}`));
}

/** One moment of a kill. */
export async function survives(ground: Ground, kill: Omit<Kill, 'seed'>): Promise<void> {
  expectNoException(await tryKill(ground, { seed: 'short form', ...kill }));
}

function expectNoException({ logs = [], exception, end, lostRows, seen }: Seen): void {
  const told = [seen, ...logs].join('\n=====\n');
  expect({ exception, lostRows }, told).toEqual({ exception: null, lostRows: 0 });
  expect(end, told).toMatch(/^(before|after)$/);
}
