import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readActionDefinition } from '../../../scripts/action-definition.ts';
import { inputTables, outputTable, withGenerated } from '../../../scripts/readme-tables.ts';

const root = new URL('../../../', import.meta.url);

test('README’s tables are those of action.yml (node scripts/update-readme.ts writes them)', async () => {
  const action = await readActionDefinition(new URL('action.yml', root));
  const readme = await readFile(new URL('README.md', root), 'utf8');
  expect(
    withGenerated(withGenerated(readme, 'inputs', inputTables(action)), 'outputs', outputTable(action)),
  ).toBe(readme);
});
