import { type ComparableEntry, linesOfTable } from './comparable-entries.ts';
import { withoutComments } from './prisma-pieces.ts';

const name = '"(?:[^"]|"")+"';
const table = new RegExp(`^(?:DROP|ALTER) TABLE (${name}(?:\\.${name})?)`);
const droppedColumn = new RegExp(`\\bDROP COLUMN (${name})`, 'g');

/**
 * Whether a piece of Prisma's script leaves alone what the migrations have as well. Prisma changes some types by
 * dropping the column and making it again, and knows nothing of schemas that its datasource does not name: the rows would
 * be gone. Tables and columns like that are left to ways that keep them.
 */
export function keepsWhatBelongs(
  piece: readonly string[],
  expected: ReadonlyMap<string, ComparableEntry>,
  schema: string,
): boolean {
  return piece.every((statement) => {
    const words = withoutComments(statement);
    const [, named] = table.exec(words) ?? [];
    if (named === undefined) return true;
    const parts = [...named.matchAll(new RegExp(name, 'g'))].map(([quoted]) => unquoted(quoted));
    const belonging = expected.get(`TABLE ${parts.length === 1 ? `${schema}.` : ''}${parts.join('.')}`);
    if (belonging === undefined) return true;
    if (words.startsWith('DROP ')) return false;
    const lines = linesOfTable(belonging.body);
    return [...words.matchAll(droppedColumn)].every(
      ([, column = '']) =>
        !lines.some(
          (line) => line.startsWith(`    ${column} `) || line.startsWith(`    ${unquoted(column)} `),
        ),
    );
  });
}

function unquoted(quoted: string): string {
  return quoted.slice(1, -1).replaceAll('""', '"');
}
