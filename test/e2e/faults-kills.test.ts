import { describe, it } from 'vitest';
import { groundOfFile, survives } from '../faults/short-form.ts';
import { victimStories } from '../faults/victims.ts';

/** One moment of each kill; `npm run test:faults` has hundreds, and docs/reliability.md what came of them. */
describe('whatever is killed, the database is as it was or migrated, and nothing is left behind', () => {
  const ground = groundOfFile();
  it.each([
    ['node', 'swap', 'recover', 0.4, 'file', 'post'],
    ['tree', 'migrated', 'migrate', 0.6, 's3', 'same'],
    ['tree', 'rollback', 'recover', 0, 'file', 'post'],
    ['migrator', 'swap', 'migrate', 0.5, 'file', 'post'],
    ['tool', 'swap', 'prove', 0.5, 's3', 'post'],
    ['session', 'untouched', 'migrate', 0.3, 'file', 'post'],
    ['sessions', 'swap', 'settle', 0, 'file', 'post'],
    ['server', 'archive', 'migrate', 0.5, 'file', 'post'],
    ['storage', 'history', 'dump', 0.5, 's3', 'post'],
  ] as const)('%s: %s, in %s', async (victim, way, phase, moment, storage, finisher) => {
    await survives(ground(), { victim, way, phase, moment, storage, finisher });
  });

  it(`tool-inside: ${victimStories['tool-inside']}`, async () => {
    await survives(ground(), {
      ...{ victim: 'tool-inside', way: 'container', phase: 'prove', moment: 0.3 },
      ...{ storage: 'file', finisher: 'post' },
    });
  });
});
