import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from 'rolldown/utils';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const sources = globSync('src/**/*.ts', { cwd: root }).sort();
const everything = [
  ...sources,
  ...globSync(['test/**/*.ts', 'scripts/**/*.{ts,mjs}', 'bench/**/*.ts', '*.ts'], {
    cwd: root,
    exclude: (name) => name === 'node_modules',
  }),
];

interface Import {
  /** Path from the root of the repository. */
  readonly of: string;
  /** Names as they are exported there; `*` for all of them. */
  readonly names: readonly string[];
}

interface SourceFile {
  readonly imports: readonly Import[];
  readonly exports: readonly string[];
}

function read(file: string): SourceFile {
  const text = readFileSync(join(root, file), 'utf8');
  const { module } = parseSync(file, text);
  const resolved = (request: string) =>
    request.startsWith('.') ? relative(root, resolve(root, dirname(file), request)) : null;
  const imports: Import[] = [];
  const add = (request: string, names: readonly string[]): void => {
    const of = resolved(request);
    if (of !== null) imports.push({ of, names });
  };
  for (const each of module.staticImports) {
    add(
      each.moduleRequest.value,
      each.entries.map(({ importName }) => (importName.kind === 'Name' ? (importName.name ?? '*') : '*')),
    );
  }
  const exports: string[] = [];
  for (const { entries } of module.staticExports) {
    for (const { exportName, importName, moduleRequest } of entries) {
      if (moduleRequest !== null) add(moduleRequest.value, [importName.name ?? '*']);
      else if (exportName.name !== null) exports.push(exportName.name);
    }
  }
  for (const { moduleRequest } of module.dynamicImports)
    add(text.slice(moduleRequest.start + 1, moduleRequest.end - 1), ['*']);
  return { imports, exports };
}

const files = new Map(everything.map((file) => [file, read(file)]));

/** The list in ARCHITECTURE.md, top first: a room may use those below it. */
function roomsInOrder(): readonly string[] {
  const list = /^```rooms\n(.*?)^```$/ms.exec(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'))?.[1];
  return (list ?? '')
    .trim()
    .split('\n')
    .map((line) => line.split(/\s{2,}/)[0] ?? '');
}

const rooms = roomsInOrder();

/** The room that a file lives in: the longest one that it lies below. */
function roomOf(file: string): string | undefined {
  return rooms
    .filter((room) => file === room || file.startsWith(`${room}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

describe('the rooms that ARCHITECTURE.md lists', () => {
  test('are all there, and every file lives in one', () => {
    expect(rooms.filter((room) => !existsSync(join(root, room)))).toEqual([]);
    expect(sources.filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  test('use only rooms below them', () => {
    const upwards = sources.flatMap((file) =>
      (files.get(file)?.imports ?? []).flatMap(({ of }) => {
        const [here, there] = [roomOf(file), roomOf(of)];
        if (here === undefined || there === undefined || here === there) return [];
        return rooms.indexOf(there) < rooms.indexOf(here) ? [`${file} uses ${of}`] : [];
      }),
    );
    expect(upwards).toEqual([]);
  });
});

describe('files', () => {
  test('do not need one another in a circle', () => {
    expect(circles()).toEqual([]);
  });

  test('lie at most 25 side by side', () => {
    const counts = new Map<string, number>();
    for (const file of sources) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > 25)).toEqual([]);
  });

  test('export only what somebody else uses', () => {
    const used = new Set<string>();
    for (const { imports } of files.values()) {
      for (const { of, names } of imports) for (const name of names) used.add(`${of} ${name}`);
    }
    const unused = sources.flatMap((file) =>
      (files.get(file)?.exports ?? [])
        .filter((name) => !used.has(`${file} ${name}`) && !used.has(`${file} *`))
        .map((name) => `${file}: ${name}`),
    );
    expect(unused).toEqual([]);
  });
});

/** Groups of files in which each reaches each other by imports (Tarjan's strongly connected components). */
function circles(): readonly (readonly string[])[] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file) ?? 0);
    stack.push(file);
    for (const { of } of files.get(file)?.imports ?? []) {
      if (!files.has(of)) continue;
      if (!index.has(of)) {
        visit(of);
        low.set(file, Math.min(low.get(file) ?? 0, low.get(of) ?? 0));
      } else if (stack.includes(of)) {
        low.set(file, Math.min(low.get(file) ?? 0, index.get(of) ?? 0));
      }
    }
    if (low.get(file) !== index.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1) found.push(group.toSorted());
  };
  for (const file of sources) if (!index.has(file)) visit(file);
  return found;
}
