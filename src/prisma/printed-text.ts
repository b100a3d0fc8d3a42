import { stripVTControlCharacters } from 'node:util';

/** Lines that carry row values: PostgreSQL prints them after the primary message. */
const rowValueLine = /^\s*(DETAIL|CONTEXT|WHERE|STATEMENT|QUERY):/;
/** What Prisma prints after them. Row values may hold line breaks, so only these end the hidden part. */
const afterRowValues = /^(HINT:|Position:|DbError \{|Migration name:|Error: P\d{4}|P\d{4}$|\s*0: \w+::)/;
/** Fields of Rust's debug form of a database error that carry row values, and the queries of functions. */
const debugFields = /\b(detail|hint|where_|query): (Some\()?"(?:[^"\\]|\\.)*"\)?/g;
/** `scheme://user:password@`, wherever it stands. */
const urlPassword = /\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"'`]*):[^\s"'`]*@/gi;

const hidden = '*** (row values are not shown)';

/**
 * Makes what Prisma prints fit for a log, line by line: no passwords of URLs, and no row values, which PostgreSQL
 * puts into DETAIL and CONTEXT and which Prisma repeats in a `DbError { … }` line. Keeps state between lines.
 */
export class PrintedTextFilter {
  readonly #secrets: readonly string[];
  #isHiding = false;
  #rest = '';

  /** `secrets` are texts that must never be seen, besides what looks like a URL with a password. */
  constructor(secrets: readonly string[] = []) {
    this.#secrets = secrets.filter((secret) => secret !== '').toSorted((a, b) => b.length - a.length);
  }

  /** The part of `chunk` (and of what came before) that forms whole lines, filtered. */
  add(chunk: string): string {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map((line) => this.#line(line, '\n')).join('');
  }

  /** What is left when no more comes. */
  end(): string {
    const rest = this.#rest;
    this.#rest = '';
    return rest === '' ? '' : this.#line(rest, '');
  }

  #line(line: string, ending: string): string {
    const plain = stripVTControlCharacters(line);
    if (afterRowValues.test(plain)) this.#isHiding = false;
    if (this.#isHiding) return '';
    const label = rowValueLine.exec(plain)?.[1];
    if (label !== undefined) {
      this.#isHiding = true;
      return `${label}: ${hidden}${ending}`;
    }
    // PostgreSQL's hints never hold row values by themselves, but those of RAISE … USING HINT can.
    if (/^\s*HINT:/.test(plain)) return `HINT: ${hidden}${ending}`;
    return this.#secrets
      .reduce((text, secret) => text.replaceAll(secret, '***'), line)
      .replace(urlPassword, '$1:***@')
      .replace(debugFields, '$1: ***')
      .concat(ending);
  }
}

/** The same for a text that is there as a whole; colours are taken out. */
export function readableText(text: string, secrets: readonly string[] = []): string {
  const filter = new PrintedTextFilter(secrets);
  return stripVTControlCharacters(filter.add(text) + filter.end());
}
