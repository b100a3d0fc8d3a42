import { globSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseSync } from 'rolldown/utils';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const sources = globSync('src/**/*.ts', { cwd: root }).sort();
const everything = globSync(
  ['src/**/*.ts', 'test/**/*.ts', 'scripts/**/*.{ts,mjs}', 'bench/**/*.ts', '*.ts'],
  {
    cwd: root,
    // What is installed for tests is not ours to name.
    exclude: (name) => name === 'node_modules',
  },
).sort();

/** Modules that a file names in import and export statements and in `import('…')`. */
function importsOf(file: string): readonly string[] {
  const { module } = parseSync(file, readFileSync(join(root, file), 'utf8'));
  const text = readFileSync(join(root, file), 'utf8');
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...module.dynamicImports.map(({ moduleRequest }) =>
      text.slice(moduleRequest.start + 1, moduleRequest.end - 1),
    ),
  ];
}

/** `file imports module` for every import of `forbidden` outside of the folders where it belongs. */
function violations(forbidden: RegExp, allowedIn: readonly string[]): readonly string[] {
  return sources
    .filter((file) => !allowedIn.some((folder) => file.startsWith(folder)))
    .flatMap((file) =>
      importsOf(file)
        .filter((module) => forbidden.test(module))
        .map((module) => `${file} imports ${module}`),
    );
}

function importsOfAll(folder: string): readonly string[] {
  return sources.filter((file) => file.startsWith(folder)).flatMap(importsOf);
}

const shortCommands = 'src/system/short-command.ts';

describe('what may know what', () => {
  test('only src/runner and src/storage/artifact know that GitHub Actions exists, and short commands its way to run them', () => {
    expect(violations(/^@actions\//, ['src/runner/', 'src/storage/artifact/', shortCommands])).toEqual([]);
    expect(importsOfAll(shortCommands).filter((module) => module.startsWith('@actions/'))).toEqual([
      '@actions/exec',
    ]);
    const named = sources.filter((file) =>
      /\b(GITHUB|ACTIONS)_[A-Z]/.test(readFileSync(join(root, file), 'utf8')),
    );
    // What children must not inherit is named where their environment is made.
    expect(
      named.filter((file) => !/^src\/(runner|storage\/artifact|system\/child-environment)/.test(file)),
    ).toEqual([]);
  });

  test('src/storage/artifact stores, and leaves inputs, outputs and the log to src/runner', () => {
    const found = importsOfAll('src/storage/artifact/').filter((module) => module.startsWith('@actions/'));
    expect(new Set(found)).toEqual(new Set(['@actions/artifact', '@actions/http-client']));
  });

  test('a story asks for the small ports that it uses: the whole Database passes through the hands of those who open it', () => {
    const whole = sources.filter(
      (file) =>
        !file.startsWith('src/database/') &&
        /import type \{[^}]*\bDatabase\b[^}]*\} from '[^']*database\.ts'/.test(
          readFileSync(join(root, file), 'utf8'),
        ),
    );
    expect(whole).toEqual([
      'src/commands/check/check-ground.ts',
      'src/commands/preflight/preflight.ts',
      'src/commands/shared/context.ts',
    ]);
  });

  test('only src/storage/s3 knows the AWS SDK', () => {
    expect(violations(/^@(aws-sdk|smithy)\//, ['src/storage/s3/'])).toEqual([]);
  });

  test("only src/lint knows PostgreSQL's parser", () => {
    expect(violations(/^libpg-query|^@pgsql\//, ['src/lint/'])).toEqual([]);
  });

  test('the oracle of random databases shares no code with the product', () => {
    const own = ['test/proof/oracle', 'test/proof/grammar'].flatMap((folder) =>
      everything.filter((file) => file.startsWith(`${folder}/`)),
    );
    expect(own.length).toBeGreaterThan(10);
    expect(own.filter((file) => importsOf(file).some((module) => module.includes('/src/')))).toEqual([]);
  });

  test('processes are started by src/system alone', () => {
    expect(violations(/^(node:)?child_process$/, ['src/system/'])).toEqual([]);
  });

  test('node-postgres and the test ground stay out of the product', () => {
    expect(violations(/^pg$|^@prisma\/|\/test\/|\/scripts\/|^fauxqs/, [])).toEqual([]);
  });

  test.each(['src/commands', 'src/recovery', 'src/backup', 'src/report'])(
    '%s depends on ports, never on the runner, an SDK or what stands behind a port',
    (folder) => {
      // Quoting for SQL is plain text work and may be used anywhere.
      // Every folder beside the port is a storage of its own.
      const behindPorts = /\/runner\/|\/database\/postgres\/(?!sql-text\.ts)|\/storage\/(?!port\/)[^/]+\//;
      const found = sources
        .filter((file) => file.startsWith(`${folder}/`))
        .flatMap((file) =>
          importsOf(file)
            .filter((module) => behindPorts.test(module))
            .map((module) => `${file} imports ${module}`),
        );
      expect(found).toEqual([]);
    },
  );
});

test('every runtime dependency is used and has its reason in ARCHITECTURE.md', () => {
  const manifest: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const imported = new Set(sources.flatMap(importsOf).filter((module) => !/^(node:|\.)/.test(module)));
  const explained = [...readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').matchAll(/^\| `([^`]+)` \|/gm)];
  expect(Object.keys(manifest.dependencies).toSorted()).toEqual([...imported].toSorted());
  expect(explained.map(([, name]) => name).toSorted()).toEqual([...imported].toSorted());
});

describe('files', () => {
  test('of src/ and scripts/ hold one thing: at most 300 lines', () => {
    const long = everything
      .filter((file) => file.startsWith('src/') || file.startsWith('scripts/'))
      .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > 300);
    expect(long).toEqual([]);
  });

  test('are named by what they hold', () => {
    const vague = /^(utils?|helpers?|commons?|misc)\b/;
    expect(everything.filter((file) => vague.test(basename(file)))).toEqual([]);
  });
});
