import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Three projects, told apart by folder: `unit` is pure and fast, `integration` tries one module against real
 * servers, `e2e` runs the bundle in dist/ as the runner would (build first: `npm run build`).
 */
export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    // Real databases share the machine with the tests, and a part of the tests is waiting: one file more than there are
    // cores, the limits generous.
    pool: 'forks',
    maxWorkers: availableParallelism() + 1,
    // No engine of the machine's own: a test that needs Docker brings one (test/support/docker.ts).
    env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    // A session's end, a process' end: on a busy machine the default of one second is not always enough.
    expect: { poll: { timeout: 30_000, interval: 100 } },
    coverage: { include: ['src/**'], reporter: ['text-summary', 'json-summary'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          globalSetup: ['test/support/dist-is-current.ts'],
          include: ['test/e2e/**/*.test.ts', 'test/adversary/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
