import { expect } from 'vitest';
import type { Report } from '../../src/report/report.ts';
import { readReport } from './refusal.ts';
import type { ActionOptions, ActionResult } from './runner.ts';
import type { World } from './world.ts';

type Inputs = NonNullable<ActionOptions['inputs']>;

/** Makes a backup of the world and returns its id. */
export async function backUp(
  world: World,
  inputs: Inputs = {},
  options: Pick<ActionOptions, 'dist'> = {},
): Promise<string> {
  await using run = await world.migrate({
    ...options,
    inputs: { command: 'backup', label: 'before', ...inputs },
  });
  expect(run.result.outputs.result, run.result.log).toBe('backed-up');
  return run.result.outputs['backup-id'] ?? '';
}

/** Runs a confirmed rollback; nothing of its work folder is left. */
export async function rollBack(
  world: World,
  inputs: Inputs = {},
  options: Pick<ActionOptions, 'dist'> = {},
): Promise<{ readonly result: ActionResult; readonly report: Report }> {
  await using run = await world.migrate({
    ...options,
    inputs: { command: 'rollback', confirm: world.database, ...inputs },
  });
  const files = await run.filesWritten();
  expect([...files.keys()].filter((path) => path.includes('safe-migrate-work-'))).toEqual([]);
  return { result: run.result, report: await readReport(run.result) };
}
