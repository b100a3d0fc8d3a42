import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readActionDefinition } from '../../../scripts/action-definition.ts';
import { generatedReadme } from '../../../scripts/readme-tables.ts';

const root = new URL('../../../', import.meta.url);

test('README’s tables and workflow are those of action.yml and examples/ (npm run update:readme writes them)', async () => {
  const read = (path: string) => readFile(new URL(path, root), 'utf8');
  const readme = await read('README.md');
  const action = await readActionDefinition(new URL('action.yml', root));
  expect(generatedReadme(readme, action, await read('examples/workflows/deploy.yml'))).toBe(readme);
});

test('README’s workflow needs two secrets and nothing else, and uses nobody’s actions but GitHub’s and this one', async () => {
  const readme = await readFile(new URL('README.md', root), 'utf8');
  const [, workflow = ''] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
  const expressions = [...workflow.matchAll(/\$\{\{ (.*?) \}\}/g)].map(([, expression]) => expression);
  expect(expressions).toEqual([
    'secrets.DATABASE_URL',
    'secrets.SAFE_MIGRATE_PASSPHRASE',
    'steps.migrate.outputs.applied-migrations',
  ]);
  expect([...workflow.matchAll(/uses: ([^@]*)@/g)].map(([, name]) => name)).toEqual([
    'actions/checkout',
    'actions/setup-node',
    'applizor/safe-migrate',
  ]);
});
