import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const workflow = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      steps: z.array(
        z.looseObject({
          uses: z.string().optional(),
          with: z.record(z.string(), z.coerce.string()).optional(),
        }),
      ),
    }),
  ),
});

/**
 * The inputs that an example workflow gives to this action, as the runner would pass them: expressions like
 * `secrets.DATABASE_URL` are looked up in `values`, and so are whole texts (the address of a service container).
 */
export function inputsOfExample(
  file: string,
  values: Readonly<Record<string, string>>,
): Record<string, string> {
  const text = readFileSync(resolve(import.meta.dirname, '../../examples/workflows', file), 'utf8');
  const steps = Object.values(workflow.parse(parse(text)).jobs).flatMap((job) => job.steps);
  const step = steps.find((each) => each.uses === 'applizor/safe-migrate@v1');
  if (step?.with === undefined) throw new Error(`${file} does not use this action`);
  return Object.fromEntries(
    Object.entries(step.with).map(([name, given]) => {
      const expression = /^\$\{\{ (.*) \}\}$/.exec(given)?.[1] ?? given;
      if (given.startsWith('${{') && values[expression] === undefined)
        throw new Error(`${file}: ${expression}?`);
      return [name, values[expression] ?? given];
    }),
  );
}
