// Writes README.md's tables of inputs and outputs from action.yml, and its workflow from examples/. `--check` writes nothing and fails when they differ.
import { readFile, writeFile } from 'node:fs/promises';
import { readActionDefinition } from './action-definition.ts';
import { generatedReadme } from './readme-tables.ts';

const root = new URL('../', import.meta.url);
const readme = new URL('README.md', root);

const action = await readActionDefinition(new URL('action.yml', root));
const before = await readFile(readme, 'utf8');
const deploy = await readFile(new URL('examples/workflows/deploy.yml', root), 'utf8');
const after = generatedReadme(before, action, deploy);

if (process.argv.includes('--check')) {
  if (before !== after) {
    console.error(
      'README.md differs from action.yml or examples/workflows/deploy.yml: run `node scripts/update-readme.ts` and commit the result.',
    );
    process.exitCode = 1;
  }
} else {
  await writeFile(readme, after);
}
