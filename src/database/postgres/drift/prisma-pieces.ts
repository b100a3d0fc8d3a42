import { splitStatements } from '../session/sql-split.ts';

/**
 * The pieces of Prisma's script that can be run one by one, each with the comments above it; what Prisma puts between
 * BEGIN and COMMIT is one piece, without these two.
 */
export function prismaPieces(script: string): readonly (readonly string[])[] {
  const pieces: string[][] = [];
  let open: string[] | null = null;
  for (const statement of statementsOf(script)) {
    const words = withoutComments(statement);
    if (/^BEGIN$/i.test(words)) open = [];
    else if (/^COMMIT$/i.test(words)) {
      if (open !== null) pieces.push(open);
      open = null;
    } else (open ?? newPiece(pieces)).push(`${statement};`);
  }
  if (open !== null) pieces.push(open);
  return pieces.filter((piece) => piece.length > 0);
}

/** `DROP TABLE "x"` of `-- DropTable\nDROP TABLE "x";`. */
export function withoutComments(statement: string): string {
  return statement.replaceAll(/^\s*(?:--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)/gm, '').trim();
}

function newPiece(pieces: string[][]): string[] {
  const piece: string[] = [];
  pieces.push(piece);
  return piece;
}

/** A script that cannot be split is one statement. */
function statementsOf(script: string): readonly string[] {
  try {
    return splitStatements(script);
  } catch {
    return [script.trim().replace(/;$/, '')];
  }
}
