import type { Reconciled } from './reconcile-grants.ts';
import type { SchemaEntry } from './schema-text.ts';

/** `    CONSTRAINT amount_positive CHECK ((amount > 0)),` inside of a CREATE TABLE. */
const checkConstraint = /^\s+CONSTRAINT ("(?:[^"]|"")+"|\S+) (CHECK .*?),?$/;
const tableName =
  /^CREATE (?:UNLOGGED |FOREIGN )?TABLE ((?:"(?:[^"]|"")+"|[^\s."]+)(?:\.(?:"(?:[^"]|"")+"|[^\s."(]+))?)/;

/**
 * Check constraints, which Prisma does not model, of a table that is not as the migrations made it. Its columns are
 * Prisma's; what is neither is returned in `others`, line by line.
 */
export function reconcileTable(is: SchemaEntry, should: SchemaEntry): Reconciled {
  const table = tableName.exec(should.body)?.[1] ?? tableName.exec(is.body)?.[1];
  const before = linesOf(is.body);
  const after = linesOf(should.body);
  const statements: string[] = [];
  const others: string[] = [];
  for (const line of before.filter((each) => !after.includes(each))) {
    const constraint = checkConstraint.exec(line);
    if (constraint === null || table === undefined) others.push(`only in the database: ${line.trim()}`);
    else statements.push(`ALTER TABLE ${table} DROP CONSTRAINT ${constraint[1]};`);
  }
  for (const line of after.filter((each) => !before.includes(each))) {
    const constraint = checkConstraint.exec(line);
    if (constraint === null || table === undefined) others.push(`only in the migrations: ${line.trim()}`);
    else statements.push(`ALTER TABLE ${table} ADD CONSTRAINT ${constraint[1]} ${constraint[2]};`);
  }
  return { statements, others };
}

/** Without the commas at their ends: the last line has none, whichever that is. */
function linesOf(body: string): readonly string[] {
  return body
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.replace(/,$/, ''));
}
