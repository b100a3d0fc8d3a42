/**
 * The simple commands of a shell text as lists of words, quotes taken off. Enough to see which commands are named;
 * what variables and substitutions hold is not known to anybody before it runs.
 */
export function simpleCommands(text: string): readonly (readonly string[])[] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  const endWord = (): void => {
    if (word !== null) words.push(word);
    word = null;
  };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  // A line that ends in a backslash goes on in the next one.
  const joined = text.replaceAll(/\\\r?\n/g, '');
  for (let index = 0; index < joined.length; index += 1) {
    const character = joined[index] ?? '';
    if (character === '\\' && quote !== "'") {
      index += 1;
      word = (word ?? '') + (joined[index] ?? '');
    } else if (quote !== null) {
      if (character === quote) quote = null;
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '#' && word === null) {
      const end = joined.indexOf('\n', index);
      index = end < 0 ? joined.length : end - 1;
    } else if (/[;&|()`\n{}]/.test(character)) {
      endCommand();
    } else if (/\s/.test(character)) {
      endWord();
    } else word = (word ?? '') + character;
  }
  endCommand();
  return commands;
}
