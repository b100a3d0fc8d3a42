import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { startDocker } from '../../support/docker.ts';
import { lookAt } from '../../support/process-tree.ts';

describe('the Docker engine of the tests', () => {
  it('runs PostgreSQL that only containers in its network reach, and leaves nothing behind', async () => {
    const engine = await startDocker();
    const { folder } = engine.info;
    try {
      const hidden = await engine.startPostgres({ name: 'applizor-postgres' });
      const reachable = await engine.startPostgres({ name: 'other', network: 'host' });
      expect(await hidden.psql('postgres', `SELECT 'in ' || current_user`)).toBe('in postgres');
      expect(reachable.info.port).not.toBe(5432);
      const app = await engine.startApp({ networkOf: hidden.container });
      const inApp = await engine.docker(
        'exec',
        `--env=PGPASSWORD=${hidden.info.password}`,
        app.container,
        `${hidden.info.binDirectory}/psql`,
        '-XAtc',
        'SELECT 1',
        'host=127.0.0.1 user=postgres dbname=postgres',
      );
      expect(inApp).toBe('1');
      expect((await engine.processes(hidden.container)).join()).toContain('checkpointer');
    } finally {
      await engine[Symbol.asyncDispose]();
    }
    expect(existsSync(folder)).toBe(false);
    expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(folder);
    expect(await lookAt(engine.daemonPid)).toBeNull();
  });
});
