/**
 * Makes lines that are not ours harmless to the runner. The runner takes a line for a command when its first
 * characters after white space are `::` (the runner's ActionCommand.TryParseV2), and when `##[` stands anywhere
 * in it (the older form, ActionCommand.TryParse). A backslash in the middle keeps both readable.
 */
export function harmlessLine(line: string): string {
  return line.replace(/^([\s\u0085]*):(?=:)/, '$1\\:').replaceAll('##[', '##\\[');
}

/** Text as one harmless line; its indentation stays. */
export function singleLine(text: string): string {
  return harmlessLine(text.replaceAll(/[\r\n\u0085\u2028\u2029]+/g, ' ').trimEnd());
}

/** Cuts a child's output into lines as it comes, so that no command can be put together from two pieces. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(text: string): void {
    this.#rest += text;
    // A trailing \r may be the first half of \r\n; the runner ends a line at either.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line);
  }

  /** Gives out what stands behind the last line break. */
  end(): void {
    const rest = this.#rest.replace(/\r$/, '');
    this.#rest = '';
    if (rest !== '') this.#onLine(rest);
  }
}
