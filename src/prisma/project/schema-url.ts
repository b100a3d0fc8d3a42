/** Where the schema has the URL that Migrate uses (up to Prisma 6: `directUrl` if there is one, else `url`). */
export interface SchemaUrl {
  readonly property: 'url' | 'directUrl';
  /** The variable that it is read from; null: the URL is written into the schema itself. */
  readonly variable: string | null;
}

/** Reads the datasource block out of the texts of the schema's files; null when it names no URL. */
export function schemaUrlIn(texts: readonly string[]): SchemaUrl | null {
  const block = firstDatasource(texts);
  for (const property of ['directUrl', 'url'] as const) {
    const value = new RegExp(String.raw`^\s*${property}\s*=\s*(?:env\(\s*"([^"]*)"\s*\)|")`, 'm').exec(block);
    if (value !== null) return { property, variable: value[1] ?? null };
  }
  return null;
}

/** Variables that the datasource reads `url` and `directUrl` from: up to 6 Migrate loads with both or not at all. */
export function urlVariablesIn(texts: readonly string[]): readonly string[] {
  return [...firstDatasource(texts).matchAll(/^\s*(?:url|directUrl)\s*=\s*env\(\s*"([^"]*)"\s*\)/gm)].map(
    ([, name = '']) => name,
  );
}

/** The datasource's provider, e.g. `postgresql`; null when it is not to be seen. */
export function providerIn(texts: readonly string[]): string | null {
  for (const text of texts) {
    const provider = /^\s*provider\s*=\s*"([^"]*)"/m.exec(datasourceIn(text) ?? '')?.[1];
    if (provider !== undefined) return provider;
  }
  return null;
}

/** The `schemas` of the datasource; empty when it names none, and Prisma looks at the URL's alone. */
export function schemasIn(texts: readonly string[]): readonly string[] {
  const block = firstDatasource(texts);
  const list = /^\s*schemas\s*=\s*\[([^\]]*)\]/m.exec(block)?.[1] ?? '';
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([quoted]) => JSON.parse(quoted) as string);
}

function firstDatasource(texts: readonly string[]): string {
  return texts.map(datasourceIn).find((each) => each !== null) ?? '';
}

/** What stands between the braces, without lines that are comments; strings may hold braces. */
function datasourceIn(text: string): string | null {
  const withoutComments = text.replace(/^\s*\/\/.*$/gm, '');
  return /^[ \t]*datasource\s+\w+\s*\{((?:"(?:[^"\\]|\\.)*"|[^"}])*)\}/m.exec(withoutComments)?.[1] ?? null;
}
