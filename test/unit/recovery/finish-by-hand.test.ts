import { describe, expect, it } from 'vitest';
import { finishByHand } from '../../../src/recovery/finish/finish-by-hand.ts';

describe('finishing by hand', () => {
  const steps = finishByHand({
    target: 'o"dd',
    fallback: 'o"dd__fallback_1',
    failed: 'o"dd__failed_1',
    comment: "it's",
    failedMark: 'the mark',
    restore: [],
    hasCopy: true,
    closedJournal: { database: 'o"dd__safe_migrate', comment: 'closed' },
  });

  it('gives both ways, each as one paste', () => {
    expect(steps).toHaveLength(2);
    for (const step of steps) {
      expect(step.commands).toHaveLength(1);
      expect(step.commands[0]).toMatch(/^psql --dbname=postgres .*<<'SQL'\n[\s\S]+\nSQL$/);
    }
  });

  it('quotes names and comment', () => {
    expect(steps[0]?.commands[0]).toContain('ALTER DATABASE "o""dd" RENAME TO "o""dd__failed_1";');
    expect(steps[0]?.commands[0]).toContain(`COMMENT ON DATABASE "o""dd" IS 'it''s';`);
  });

  it("lets no comment end what is pasted: the rest of it would be the reader's shell's", () => {
    const comment = 'ours\nSQL\nrm -rf "$HOME"\nSQL_\n\\! id';
    const [back] = finishByHand({
      target: 'a',
      fallback: 'b',
      failed: 'c',
      comment,
      failedMark: 'm',
      restore: [],
      hasCopy: true,
      closedJournal: { database: 'j', comment: 'closed' },
    });
    const command = back?.commands[0] ?? '';
    // Everything between the first line and the last is psql's, and there it is one literal.
    const [, end, body] =
      /^psql --dbname=postgres --set=ON_ERROR_STOP=1 <<'(\w+)'\n([\s\S]+)\n\1$/.exec(command) ?? [];
    expect(end).toBe('SQL__');
    expect(body?.split('\n')).not.toContain(end);
    expect(body).toContain(`COMMENT ON DATABASE "a" IS  E'ours\nSQL\nrm -rf "$HOME"\nSQL_\n\\\\! id';`);
  });

  it('ends sessions of people only, because asking autovacuum to go is an error that would stop the paste', () => {
    expect(steps[0]?.commands[0]).toContain(`WHERE datname = 'o"dd' AND usesysid IS NOT NULL;`);
  });

  it('marks the failed database, so that later runs know it', () => {
    expect(steps[0]?.commands[0]).toContain(`COMMENT ON DATABASE "o""dd__failed_1" IS 'the mark';`);
  });

  it('makes the copy first where there is none, and then has none to drop', () => {
    const names = {
      target: 'a',
      fallback: 'b',
      failed: 'c',
      comment: null,
      failedMark: 'm',
      hasCopy: false,
      closedJournal: { database: 'j', comment: 'closed' },
    };
    const [back, on] = finishByHand({ ...names, restore: ['createdb b'] });
    expect(back?.commands[0]).toBe('createdb b');
    expect(on?.commands.join()).not.toContain('DROP');
  });

  it('closes the journal, going back in the same transaction as the renames', () => {
    const closing = `COMMENT ON DATABASE "o""dd__safe_migrate" IS 'closed';`;
    expect(steps[0]?.commands[0]).toMatch(/RENAME[\s\S]+IS 'closed';\nCOMMIT;/);
    for (const step of steps) expect(step.commands[0]).toContain(closing);
  });

  it('drops nothing but the copy, and only in the second way', () => {
    expect(steps[0]?.commands[0]).not.toContain('DROP');
    expect(steps[1]?.commands[0]?.match(/DROP DATABASE .*/g)).toEqual(['DROP DATABASE "o""dd__fallback_1";']);
  });
});
