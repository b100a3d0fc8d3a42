const identifierStart = /[A-Za-z_\u0080-\uffff]/;
const identifierPart = /[A-Za-z0-9_$\u0080-\uffff]/;
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
/** What may stand between two pieces of one string constant: white space with a line break in it. */
const stringContinues = /[ \t\f\v]*[\n\r]\s*'/y;

/**
 * Splits SQL at its semicolons, as PostgreSQL's lexer reads them (with `standard_conforming_strings` on): those in
 * strings, quoted names, dollar quotes and comments do not count. Pieces that hold nothing but white space and
 * comments are left out. Bodies written as `BEGIN ATOMIC … END` are split too: joined again they are whole.
 *
 * Throws SyntaxError when a quote or comment is left open, and on a backslash outside of quotes: psql, which reads
 * this text, would wait for the rest for ever or run a command of its own.
 */
export function splitStatements(sql: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  let hasContent = false;
  let position = 0;
  const cut = (end: number): void => {
    if (hasContent) pieces.push(sql.slice(start, end).trim());
    hasContent = false;
  };
  while (position < sql.length) {
    const end = skipComment(sql, position);
    if (end !== null) {
      position = end;
      continue;
    }
    const character = sql.charAt(position);
    if (character === ';') {
      cut(position);
      position += 1;
      start = position;
      continue;
    }
    if (character === '\\') throw new SyntaxError('a backslash outside of quotes');
    if (character === '\0') throw new SyntaxError('a NUL character');
    if (/\S/.test(character)) hasContent = true;
    position = skipToken(sql, position);
  }
  cut(sql.length);
  return pieces;
}

/** The end of the comment that begins at `position`, or null when none does. */
function skipComment(sql: string, position: number): number | null {
  if (sql.startsWith('--', position)) {
    const newline = sql.slice(position).search(/[\n\r]/);
    return newline < 0 ? sql.length : position + newline;
  }
  if (!sql.startsWith('/*', position)) return null;
  let depth = 1;
  let end = position + 2;
  while (depth > 0) {
    if (end >= sql.length) throw new SyntaxError('a comment that does not end');
    if (sql.startsWith('/*', end)) {
      depth += 1;
      end += 2;
    } else if (sql.startsWith('*/', end)) {
      depth -= 1;
      end += 2;
    } else end += 1;
  }
  return end;
}

/** The end of the token (or single character) that begins at `position`. */
function skipToken(sql: string, position: number): number {
  const character = sql.charAt(position);
  if (character === "'") return skipString(sql, position, false);
  if (character === '"') return skipQuoted(sql, position, '"', false);
  if (character === '$') {
    dollarTag.lastIndex = position;
    const tag = dollarTag.exec(sql)?.[0];
    if (tag === undefined) return position + 1;
    const end = sql.indexOf(tag, position + tag.length);
    if (end < 0) throw new SyntaxError('a dollar quote that does not end');
    return end + tag.length;
  }
  if (!identifierStart.test(character)) return position + 1;
  let end = position + 1;
  while (end < sql.length && identifierPart.test(sql.charAt(end))) end += 1;
  const isEscapeString = end === position + 1 && /[eE]/.test(character) && sql.charAt(end) === "'";
  return isEscapeString ? skipString(sql, end, true) : end;
}

function skipString(sql: string, position: number, hasEscapes: boolean): number {
  const end = skipQuoted(sql, position, "'", hasEscapes);
  stringContinues.lastIndex = end;
  const gap = stringContinues.exec(sql)?.[0];
  return gap === undefined ? end : skipString(sql, end + gap.length - 1, hasEscapes);
}

function skipQuoted(sql: string, position: number, quote: string, hasEscapes: boolean): number {
  let end = position + 1;
  while (end < sql.length) {
    const character = sql.charAt(end);
    if (hasEscapes && character === '\\') end += 2;
    else if (character !== quote) end += 1;
    else if (sql.charAt(end + 1) === quote) end += 2;
    else return end + 1;
  }
  throw new SyntaxError(quote === '"' ? 'a quoted name that does not end' : 'a string that does not end');
}
