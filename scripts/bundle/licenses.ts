import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Plugin } from 'rolldown';
import { packageOf } from './chunk-names.ts';

/** Licences that may be in a bundle which is handed to everybody; anything else fails the build. */
const allowed = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'PostgreSQL',
  'Unlicense',
]);

interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

/** Whether an SPDX expression can be satisfied with allowed licences: `A OR B` needs one of them, `A AND B` all. */
export function isAllowed(expression: string): boolean {
  const bare = expression.replaceAll(/[()]/g, ' ');
  return bare
    .split(/\sOR\s/)
    .some((choice) => choice.split(/\sAND\s/).every((license) => allowed.has(license.trim())));
}

/** The folder of the installed package that a module came from; the package.json files further in say only what is a module. */
function packageFolder(moduleId: string, name: string): string {
  const folder = join('node_modules', name);
  return moduleId.slice(0, moduleId.lastIndexOf(`${sep}${folder}${sep}`) + 1 + folder.length);
}

function readPackage(folder: string): BundledPackage {
  const manifest: { name: string; version: string; license?: string } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  const files = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .sort();
  const text = files
    .map((file) => readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim())
    .join('\n\n');
  return { name: manifest.name, version: manifest.version, license: manifest.license ?? 'none given', text };
}

/** Code that is compiled into a package's WebAssembly and is named by no package.json. */
function compiledIn(packageName: string): string {
  if (packageName !== 'libpg-query') return '';
  return `\n\n${readFileSync(join(import.meta.dirname, 'libpg-query-notices.txt'), 'utf8').trim()}`;
}

/** One section for each licence text, above it the packages that come under it. */
function render(packages: readonly BundledPackage[]): string {
  const byText = new Map<string, string[]>();
  for (const { name, version, license, text } of packages) {
    const own = text === '' ? `(No licence file in the package; its package.json says ${license}.)` : text;
    const body = `${own}${compiledIn(name)}`;
    byText.set(body, [...(byText.get(body) ?? []), `${name} ${version} (${license})`]);
  }
  const sections = [...byText].map(
    ([body, names]) => `${[...new Set(names)].sort().join('\n')}\n\n${body}\n`,
  );
  return sections.sort().join(`\n${'-'.repeat(80)}\n\n`);
}

/** Writes dist/licenses.txt from the modules that really went into the bundle. */
export function licenses(): Plugin {
  return {
    name: 'licenses',
    generateBundle(_options, bundle) {
      const folders = new Set<string>();
      for (const file of Object.values(bundle)) {
        if (file.type !== 'chunk') continue;
        for (const id of file.moduleIds) {
          const name = packageOf(id);
          if (name !== null) folders.add(packageFolder(id, name));
        }
      }
      const packages = [...folders].map(readPackage);
      const refused = packages.filter(({ license }) => !isAllowed(license));
      if (refused.length > 0) {
        this.error(
          `licences that may not be bundled: ${refused.map((p) => `${p.name} (${p.license})`).join(', ')}`,
        );
      }
      const source = `The packages that safe-migrate is bundled with, and their licences.\n\n${render(packages)}`;
      this.emitFile({ type: 'asset', fileName: 'licenses.txt', source });
    },
  };
}
