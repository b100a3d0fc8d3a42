import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

const definition = z.object({
  name: z.string(),
  description: z.string(),
  author: z.string(),
  branding: z.object({ icon: z.string(), color: z.string() }),
  inputs: z.record(
    z.string(),
    z.strictObject({
      description: z.string(),
      default: z.string().optional(),
      required: z.boolean().optional(),
      deprecationMessage: z.string().optional(),
    }),
  ),
  outputs: z.record(z.string(), z.strictObject({ description: z.string() })),
  runs: z.strictObject({
    using: z.string(),
    main: z.string(),
    post: z.string().optional(),
    'post-if': z.string().optional(),
  }),
});

/** What action.yml says: the one list of inputs and outputs that the README and the test harness are made from. */
export type ActionDefinition = z.output<typeof definition>;

export async function readActionDefinition(path: string | URL): Promise<ActionDefinition> {
  return definition.parse(parse(await readFile(path, 'utf8')));
}
