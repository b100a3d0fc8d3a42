import { identifier } from '../../sql-text.ts';
import type { Step } from './reconcile.ts';

interface ScriptParts {
  /** Grants that could only be worked out, not tried: their roles are not on the scratch server, or are its own. */
  readonly untriedGrants: readonly Step[];
  readonly steps: readonly Step[];
  /** Of the target's URL: there Prisma's statements find their tables. */
  readonly schema: string;
  /** The role of the target that runs the migrations. */
  readonly migrator: string;
  /** Who owns an object of grants in the target. */
  readonly ownerOf: (object: string) => string;
}

/** The steps as a script for the target; empty when there are none. */
export function reconcileScript(parts: ScriptParts): string {
  const { untriedGrants, steps, schema, migrator, ownerOf } = parts;
  if (steps.length === 0 && untriedGrants.length === 0) return '';
  const untried = untriedGrants.map((step) => textOf(step, ownerOf));
  return [
    `-- Takes the database back to what its migrations made. Back it up first, and run this as ${identifier(migrator)}, which runs the migrations.
-- It was tried on a copy of the schema without rows: rows can still refuse a constraint.
SET search_path TO ${identifier(schema)};
SET check_function_bodies = off;`,
    ...(untried.length === 0
      ? []
      : [
          `-- Not tried, because the roles of the server of shadow-database-url are others:\n${untried.join('\n')}`,
        ]),
    ...steps.map((step) => textOf(step, ownerOf)),
  ].join('\n\n');
}

function textOf({ statements, about }: Step, ownerOf: ScriptParts['ownerOf']): string {
  if (about?.type === 'ACL' || about?.type === 'DEFAULT ACL') {
    // Whoever runs the script may be somebody else than the owner, whose privileges these are.
    const owner = identifier(ownerOf(about.object));
    return statements
      .join('\n')
      .replaceAll(/\b(FROM|TO|FOR ROLE) CURRENT_USER(?=[ ;])/g, (_, word: string) => `${word} ${owner}`);
  }
  // On the copy it stays empty: filling it would run functions of the target there.
  const text =
    about?.type === 'MATERIALIZED VIEW'
      ? statements.map((statement) => statement.replace(/\n\s*WITH NO DATA;$/, ';')).join('\n')
      : statements.join('\n');
  return statements.length < 2 ? text : `BEGIN;\n${text}\nCOMMIT;`;
}
