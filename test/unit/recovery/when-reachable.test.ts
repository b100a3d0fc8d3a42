import { describe, expect, it } from 'vitest';
import { whenReachable } from '../../../src/recovery/journal/when-reachable.ts';
import { SafeMigrateError } from '../../../src/system/errors.ts';

const lost = new SafeMigrateError({ code: 'SM_CONNECTION_LOST', message: 'gone', hint: 'wait' });
const log = { detail: () => {} };

describe('when the server cannot be reached', () => {
  it('tries again until it answers', async () => {
    let calls = 0;
    const answer = await whenReachable(async () => {
      calls += 1;
      if (calls < 2) throw lost;
      return 'back';
    }, log);
    expect(answer).toBe('back');
  });

  it('gives up with the last error when the time is over', async () => {
    await expect(whenReachable(() => Promise.reject(lost), log, 0)).rejects.toBe(lost);
  });

  it('does not repeat what failed for another reason', async () => {
    let calls = 0;
    const work = async () => {
      calls += 1;
      throw new Error('syntax');
    };
    await expect(whenReachable(work, log)).rejects.toThrow('syntax');
    expect(calls).toBe(1);
  });
});
