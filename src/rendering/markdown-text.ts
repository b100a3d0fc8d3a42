/**
 * Other people's text in GitHub's Markdown: names of databases, messages of the server, SQL. None of it may
 * break out of its place, become markup or mention anybody.
 */

/** Longest message shown; the whole of it stands in report.json. */
const maximumLength = 2_000;
/** Word joiner: keeps a name after `@` from being a mention, which is looked for after entities are decoded. */
const wordJoiner = '\u2060';

/** Text among our words. One line; everything that Markdown or HTML could take for markup becomes an entity. */
export function plain(text: string): string {
  return oneLine(text)
    .replaceAll(/[&<>`*[\]|\\~#$!]/g, entity)
    .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, entity)
    .replaceAll('@', `&#64;${wordJoiner}`)
    .replace(/^(\s*)([-+=])/, (_, space: string, sign: string) => space + entity(sign))
    .replace(/^(\s*\d+)([.)])(?=\s|$)/, (_, digits: string, sign: string) => digits + entity(sign));
}

/** Text as inline code. Mentions and links are not looked for in code. */
export function code(text: string): string {
  const line = oneLine(text);
  if (line === '') return '';
  // A code span cannot hold backticks simply, nor a pipe when it stands in a table.
  if (/^[^`|\\\s]+$|^[^`|\\\s][^`|\\]*[^`|\\\s]$/.test(line)) return `\`${line}\``;
  return `<code>${line.replaceAll(/[^\p{L}\p{N} .,/()=+-]/gu, entity)}</code>`;
}

/** Lines as a block of code, in a fence longer than any in them. */
export function codeBlock(lines: readonly string[], language = ''): string {
  const text = lines
    .map((line) => withoutControls(line, /[\p{Cc}]/gu, (c) => (c === '\n' || c === '\t' ? c : '')))
    .join('\n');
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** A table; cells are Markdown made by `plain` and `code`, in which no pipe is left. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A part that is folded until somebody clicks. `title` is Markdown-free. */
export function fold(title: string, markdown: string): string {
  return `<details><summary>${plain(title)}</summary>\n\n${markdown}\n\n</details>`;
}

function oneLine(text: string): string {
  const line = withoutControls(text, /[\p{Cc}\u2028\u2029]+/gu, () => ' ').trim();
  return line.length > maximumLength ? `${line.slice(0, maximumLength)}…` : line;
}

/** Also takes out what turns the reading direction, which could make one name look like another. */
function withoutControls(text: string, pattern: RegExp, replacement: (found: string) => string): string {
  return text.replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, '').replaceAll(pattern, replacement);
}

function entity(character: string): string {
  return `&#${character.codePointAt(0)};`;
}
