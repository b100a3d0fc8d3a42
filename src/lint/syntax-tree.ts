import type { SyntaxNode } from './parse-sql.ts';

type Fields = Readonly<Record<string, SyntaxNode>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of a node of that kind; empty when it is another one. */
export function fieldsOf(node: SyntaxNode, kind: string): Fields {
  const fields = isFields(node) ? node[kind] : undefined;
  return isFields(fields) ? fields : {};
}

/**
 * Visits every object inside a tree, the tree itself included. What `enter` returns false for is not looked into.
 * Without recursion: a script with a thousand nested parentheses must not end the process.
 */
export function* objectsIn(
  tree: SyntaxNode,
  enter: (fields: Fields) => boolean = () => true,
): Generator<Fields> {
  const waiting: unknown[] = [tree];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (Array.isArray(next)) waiting.push(...next);
    else if (isFields(next)) {
      yield next;
      if (enter(next)) waiting.push(...Object.values(next));
    }
  }
}

/** Whether CONCURRENTLY stands anywhere in the statement: it then works in transactions of its own. */
export function isConcurrent(node: SyntaxNode): boolean {
  for (const fields of objectsIn(node)) {
    if (fields.concurrent === true) return true;
    const { defname } = fields;
    if (defname === 'concurrently') return true;
  }
  return false;
}

/** `['pg_catalog', 'lower']` of a list of String nodes. */
export function nameParts(list: SyntaxNode): readonly string[] {
  if (!Array.isArray(list)) return [];
  return list.map((item: unknown) => String(fieldsOf(item, 'String').sval ?? ''));
}
