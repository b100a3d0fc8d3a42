import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const sources = globSync('src/**/*.ts', { cwd: root });

/** Every code that the sources name in a string. */
const codes = [
  ...new Set(sources.flatMap((file) => read(file).match(/(?<=['"`])SM_[A-Z0-9_]+(?=['"`])/g) ?? [])),
].sort();

/** The page that each error points to, as far as its code and its page stand side by side. */
const pages = sources.flatMap((file) =>
  [...read(file).matchAll(/\{[^{}]*\bcode: '(SM_[A-Z0-9_]+)'[^{}]*(?:\$\{[^{}]*\}[^{}]*)*\}/g)].flatMap(
    ([object, code = '']) => {
      const page = /\bdocs: '([a-z]+\.md)'/.exec(object)?.[1];
      return page === undefined ? [] : [{ code, page }];
    },
  ),
);

test('docs/errors.md explains every error code, and none that does not exist', () => {
  const documented = [...read('docs/errors.md').matchAll(/^### (SM_[A-Z0-9_]+)$/gm)].map(([, code]) => code);
  expect(documented.toSorted()).toEqual(codes);
});

test('every page that an error links to has an anchor with its code', () => {
  const missing = pages.filter(
    ({ code, page }) => page !== 'errors.md' && !read(`docs/${page}`).includes(`id="${code.toLowerCase()}"`),
  );
  expect(missing).toEqual([]);
});

test('links between the documents lead somewhere', () => {
  const documents = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], {
    cwd: root,
    exclude: (name) => name.includes('node_modules'),
  });
  const broken = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => join(file, '..', target))
      .filter((target) => globSync(target, { cwd: root }).length === 0)
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});
