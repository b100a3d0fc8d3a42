const namedAtMost = 10;

/** `3 tables (a, b, c)`, `table a`, or the first ten and how many more: for messages. */
export function namedSome(names: readonly string[], one: string, many: string): string {
  const [first] = names;
  if (first !== undefined && names.length === 1) return `${one} ${first}`;
  const more = names.length - namedAtMost;
  const listed = names.slice(0, namedAtMost).join(', ');
  return `${names.length} ${many} (${listed}${more > 0 ? ` and ${more} more` : ''})`;
}
