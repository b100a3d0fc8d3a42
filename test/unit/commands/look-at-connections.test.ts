import { describe, expect, it } from 'vitest';
import { lookAtClock } from '../../../src/commands/preflight/look-at-clock.ts';
import { lookAtConnections } from '../../../src/commands/preflight/look-at-connections.ts';
import type { ConnectionRoom } from '../../../src/database/database.ts';

function room(of: ConnectionRoom['of'], limit: number, others = 0): ConnectionRoom {
  return { of, name: of, limit, others, remedy: 'make room' };
}

function look(rooms: readonly ConnectionRoom[], wanted = 4) {
  const warnings: string[] = [];
  return { ...lookAtConnections(rooms, wanted, { warn: (line) => void warnings.push(line) }), warnings };
}

describe('connections that are left', () => {
  it('for everything leave the jobs as they are asked for', () => {
    expect(look([room('database', 9), room('role', 10), room('server', 100, 90)])).toEqual({
      jobs: 4,
      problems: [],
      warnings: [],
    });
  });

  it('for less bring the jobs down to what is there, and say where it is tight', () => {
    const { jobs, problems, warnings } = look([room('database', 20, 13), room('role', 30)]);
    expect([jobs, problems]).toEqual([2, []]);
    expect(warnings).toEqual([
      'works with jobs: 2 instead of 4, because database has no more connections left',
    ]);
  });

  it('for not even one job are a refusal with the numbers, for each limit', () => {
    const { problems } = look([room('database', 5), room('role', 8, 2), room('server', 97, 97)]);
    expect(problems).toMatchObject([
      {
        code: 'SM_TOO_FEW_CONNECTIONS',
        message: 'This run needs 6 connections at the least, and database has 5 left of 5: others hold 0.',
      },
      { message: expect.stringContaining('7 connections at the least, and role has 6 left of 8') },
      { message: expect.stringContaining('and server has none left of 97: others hold 97') },
    ]);
  });
});

describe("a runner whose clock is not the server's", () => {
  const warningsAt = (runner: string): string[] => {
    const warnings: string[] = [];
    lookAtClock('2026-11-27T12:00:00.000Z', new Date(runner), { warn: (line) => void warnings.push(line) });
    return warnings;
  };

  it("by seconds is none of anybody's business", () => {
    expect(warningsAt('2026-11-27T12:01:59Z')).toEqual([]);
    expect(warningsAt('2026-11-27T11:58:30Z')).toEqual([]);
  });

  it('by minutes is warned of, in either direction', () => {
    expect(warningsAt('2027-01-06T12:00:00Z').join()).toContain('57600 minutes ahead of the server');
    expect(warningsAt('2026-11-27T11:55:00Z').join()).toContain('5 minutes behind the server');
  });
});
