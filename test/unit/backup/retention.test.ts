import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AgingBackup,
  decideRetention,
  type RetentionPolicy,
} from '../../../src/backup/stored/retention.ts';

const dayMs = 24 * 60 * 60 * 1000;
const nothingNeeded = () => null;

const policies: fc.Arbitrary<RetentionPolicy> = fc.record({
  migrateDays: fc.integer({ min: 1, max: 400 }),
  otherDays: fc.integer({ min: 1, max: 400 }),
  keepLast: fc.integer({ min: 0, max: 20 }),
});

/** Some hundred days around 2026, so that many are near an edge and some share their moment. */
const moments = fc
  .tuple(fc.integer({ min: 0, max: 500 }), fc.constantFrom(-1, 0, 1, 1000, 43_200_000))
  .map(([days, offsetMs]) => new Date(Date.UTC(2026, 0, 1) + days * dayMs + offsetMs));

const backupLists: fc.Arbitrary<readonly AgingBackup[]> = fc
  .array(
    fc.record({
      createdAt: moments,
      madeBy: fc.constantFrom('migrate' as const, 'backup' as const),
      proved: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((backups) => backups.map((backup, index) => ({ id: `backup_${index}`, ...backup })));

describe('retention, whatever the ages, proofs, counts and clocks', () => {
  const anyCase = fc.record({ backups: backupLists, policy: policies, now: moments });
  const windowMs = (backup: AgingBackup, policy: RetentionPolicy) =>
    (backup.madeBy === 'migrate' ? policy.migrateDays : policy.otherDays) * dayMs;
  const newestFirst = (backups: readonly AgingBackup[]) =>
    backups.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  const staying = (decisions: ReturnType<typeof decideRetention<AgingBackup>>) =>
    decisions.filter(({ stays }) => stays).map(({ backup }) => backup);

  test('decides about every backup once, and gives a reason', () => {
    fc.assert(
      fc.property(anyCase, ({ backups, policy, now }) => {
        const decisions = decideRetention(backups, policy, { now, mayBeNeeded: nothingNeeded });
        expect(new Set(decisions.map(({ backup }) => backup))).toEqual(new Set(backups));
        expect(decisions).toHaveLength(backups.length);
        for (const { reason } of decisions) expect(reason).not.toBe('');
      }),
    );
  });

  test('the newest proved backup stays', () => {
    fc.assert(
      fc.property(anyCase, ({ backups, policy, now }) => {
        const [newest] = newestFirst(backups.filter(({ proved }) => proved));
        fc.pre(newest !== undefined);
        const kept = staying(decideRetention(backups, policy, { now, mayBeNeeded: nothingNeeded }));
        const keptMoments = kept.filter(({ proved }) => proved).map(({ createdAt }) => createdAt.getTime());
        expect(keptMoments).toContain(newest?.createdAt.getTime());
      }),
    );
  });

  test('nothing younger than its window goes, and nothing from the future', () => {
    fc.assert(
      fc.property(anyCase, ({ backups, policy, now }) => {
        for (const { backup, stays } of decideRetention(backups, policy, {
          now,
          mayBeNeeded: nothingNeeded,
        })) {
          if (now.getTime() - backup.createdAt.getTime() <= windowMs(backup, policy))
            expect(stays).toBe(true);
        }
      }),
    );
  });

  test('the last ones stay, as many as were asked for', () => {
    fc.assert(
      fc.property(anyCase, ({ backups, policy, now }) => {
        const kept = new Set(staying(decideRetention(backups, policy, { now, mayBeNeeded: nothingNeeded })));
        expect(kept.size).toBeGreaterThanOrEqual(Math.min(policy.keepLast, backups.length));
        const youngestThatGoes = newestFirst(backups.filter((backup) => !kept.has(backup)))[0];
        if (youngestThatGoes === undefined) return;
        const newer = backups.filter(
          ({ createdAt }) => createdAt.getTime() >= youngestThatGoes.createdAt.getTime(),
        );
        expect(newer.length - 1).toBeGreaterThanOrEqual(policy.keepLast);
      }),
    );
  });

  test('what may still be needed stays, and says so', () => {
    fc.assert(
      fc.property(anyCase, fc.func(fc.boolean()), ({ backups, policy, now }, isNeeded) => {
        const decisions = decideRetention(backups, policy, {
          now,
          mayBeNeeded: ({ id }) => (isNeeded(id) ? 'an open journal names it' : null),
        });
        for (const { backup, stays } of decisions) if (isNeeded(backup.id)) expect(stays).toBe(true);
      }),
    );
  });

  test('what goes is old, not among the last and not the newest proved', () => {
    fc.assert(
      fc.property(anyCase, ({ backups, policy, now }) => {
        for (const { backup, stays } of decideRetention(backups, policy, {
          now,
          mayBeNeeded: nothingNeeded,
        })) {
          const isOld = now.getTime() - backup.createdAt.getTime() > windowMs(backup, policy);
          const newer = backups.filter(({ createdAt }) => createdAt > backup.createdAt);
          // Old ones do go: a policy that keeps everything would satisfy all the rest.
          if (isOld && newer.length >= policy.keepLast + 1 && newer.some(({ proved }) => proved)) {
            const atOnce = backups.filter(
              ({ createdAt }) => createdAt.getTime() === backup.createdAt.getTime(),
            );
            if (atOnce.length === 1) expect(stays).toBe(false);
          }
        }
      }),
    );
  });
});

test('retention tells why each backup stays or goes', () => {
  const now = new Date('2026-11-22T12:00:00Z');
  const aged = (days: number, madeBy: AgingBackup['madeBy'], proved: boolean): AgingBackup => ({
    id: `${madeBy}_${days}`,
    createdAt: new Date(now.getTime() - days * dayMs),
    madeBy,
    proved,
  });
  const decisions = decideRetention(
    [
      aged(40, 'migrate', true),
      aged(1, 'backup', false),
      aged(20, 'migrate', true),
      aged(8, 'backup', false),
      aged(9, 'backup', true),
      aged(31, 'migrate', true),
      aged(10, 'backup', true),
    ],
    { migrateDays: 30, otherDays: 7, keepLast: 2 },
    { now, mayBeNeeded: ({ id }) => (id === 'migrate_40' ? 'an open journal names it' : null) },
  );
  expect(decisions.map(({ backup, stays, reason }) => [backup.id, stays, reason])).toEqual([
    ['backup_1', true, 'younger than 7 days'],
    ['backup_8', true, 'one of the last 2'],
    ['backup_9', true, 'the newest that is proved'],
    ['backup_10', false, 'older than 7 days'],
    ['migrate_20', true, 'younger than 30 days'],
    ['migrate_31', false, 'older than 30 days'],
    ['migrate_40', true, 'an open journal names it'],
  ]);
});
