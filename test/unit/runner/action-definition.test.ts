import { describe, expect, it } from 'vitest';
import { readActionDefinition } from '../../../scripts/action-definition.ts';
import { inputTables, outputTable, withGenerated } from '../../../scripts/readme-tables.ts';
import { inputEntry, inputNames } from '../../../src/runner/input-catalogue.ts';

const action = await readActionDefinition(new URL('../../../action.yml', import.meta.url));

describe('action.yml', () => {
  it('has the inputs that the parser knows, in the same order, with the same defaults', () => {
    expect(Object.entries(action.inputs).map(([name, input]) => [name, input.default])).toEqual(
      inputNames.map((name) => [name, inputEntry(name).default]),
    );
  });

  it('gives no default to an input whose part is not built yet, and says so', () => {
    for (const name of inputNames.filter((input) => inputEntry(input).later !== undefined)) {
      expect(action.inputs[name]?.default, name).toBeUndefined();
      expect(action.inputs[name]?.description, name).toMatch(/[Aa]rrives? with a later version/);
    }
  });

  it('marks no input as required: what is missing is said together with everything else', () => {
    for (const input of Object.values(action.inputs)) expect(input.required).toBeUndefined();
  });

  it('runs main and, always, post under Node 24', () => {
    expect(action.runs).toEqual({
      using: 'node24',
      main: 'dist/main.js',
      post: 'dist/post.js',
      'post-if': 'always()',
    });
  });
});

describe('the generated tables', () => {
  it('name every input and output', () => {
    const inputs = inputTables(action);
    for (const name of inputNames) expect(inputs).toContain(`| \`${name}\` |`);
    const outputs = outputTable(action);
    for (const name of Object.keys(action.outputs)) expect(outputs).toContain(`| \`${name}\` |`);
  });

  it('begin with three inputs', () => {
    expect(inputTables(action).split('\n\n')[0]?.split('\n')).toHaveLength(5);
  });

  it('replace what stands between their marks and nothing else', () => {
    const readme = 'a\n<!-- generated:inputs -->\nold\n<!-- /generated:inputs -->\nb';
    const once = withGenerated(readme, 'inputs', 'new');
    expect(once).toBe('a\n<!-- generated:inputs -->\n\nnew\n\n<!-- /generated:inputs -->\nb');
    expect(withGenerated(once, 'inputs', 'new')).toBe(once);
    expect(() => withGenerated('no marks', 'inputs', 'new')).toThrow('<!-- generated:inputs -->');
  });
});
