import { describe, expect, it } from 'vitest';
import { harmlessLine, LineSplitter, singleLine } from '../../../src/runner/log-text.ts';
import { CommandReader } from '../../support/runner-commands.ts';

describe('text that is not ours', () => {
  it.each([
    '::set-env name=PATH::/tmp',
    '   ::error::x',
    '\t\u0085\u00a0::add-mask::a',
    '::stop-commands::x',
    'text ##[error]x',
    '##[add-mask]a ##[group]b',
  ])('cannot give the runner a command: %j', (line) => {
    const reader = new CommandReader();
    reader.read(harmlessLine(line));
    expect(reader.annotations).toEqual([]);
    expect(reader.logLines).toHaveLength(1);
    expect(reader.logLines[0]?.replaceAll('\\', '')).toBe(line);
  });

  it('stays as it is when it is no command', () => {
    for (const line of ['', 'Datasource "db": a::b', '  indented', '# heading', 'x:: y']) {
      expect(harmlessLine(line)).toBe(line);
    }
  });

  it('becomes one line where one line is wanted', () => {
    expect(singleLine('a\r\nb\u2028c\n')).toBe('a b c');
    expect(singleLine('    psql\n')).toBe('    psql');
  });
});

describe('output that comes in pieces', () => {
  function linesOf(pieces: readonly string[]): string[] {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    for (const piece of pieces) splitter.push(piece);
    splitter.end();
    return lines;
  }

  it('is cut where the runner cuts it, never in between', () => {
    expect(linesOf(['a\nb', 'c\r', '\nd\re', '\n', ':', ':error::x'])).toEqual([
      'a',
      'bc',
      'd',
      'e',
      '::error::x',
    ]);
  });

  it('keeps empty lines and gives out an unfinished last one', () => {
    expect(linesOf(['a\n\n', 'b'])).toEqual(['a', '', 'b']);
    expect(linesOf(['a\r'])).toEqual(['a']);
  });
});
