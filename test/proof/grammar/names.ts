import type { Random } from '../../faults/random.ts';

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const oddities: readonly ((plain: string) => string)[] = [
  (plain) => `Upper ${plain}`,
  (plain) => `qu"ote ${plain}`,
  (plain) => `it's ${plain}`,
  (plain) => `ünï漢😀 ${plain}`,
  (plain) => `with.dot.${plain}`,
  (plain) => `semi;--${plain}`,
  (plain) => `dollar$$${plain}`,
  (plain) => `back\\slash ${plain}`,
  (plain) => `new\nline ${plain}`,
  (plain) => `%s %I ${plain}`,
  // The longest that PostgreSQL takes.
  (plain) => plain.padEnd(63, '_long'),
  (plain) => `${plain}${'é'.repeat(Math.floor((63 - plain.length) / 2))}`,
];

/** A name, every third one in need of quotes. */
export function oddName(random: Random, plain: string): string {
  return random.number() < 0.67 ? plain : random.pick(oddities)(plain);
}
