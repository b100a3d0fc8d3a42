/** Statements that take one set of privileges to another, and those that could not be turned round. */
interface Reconciled {
  readonly statements: readonly string[];
  readonly others: readonly string[];
}

/**
 * From the GRANT and REVOKE statements that pg_dump prints for an object as it is (`is`) to those that it prints for
 * it as it should be: what only `is` has is turned round, what only `should` has is run.
 */
export function reconcileGrants(is: string, should: string): Reconciled {
  const [before, after] = [statementsIn(is), statementsIn(should)];
  const others: string[] = [];
  const undone = before
    .filter((statement) => !after.includes(statement))
    .flatMap((statement) => {
      const opposite = oppositeOf(statement);
      if (opposite === null) others.push(statement);
      return opposite ?? [];
    });
  return { statements: [...undone.toReversed(), ...after.filter((each) => !before.includes(each))], others };
}

function statementsIn(body: string): readonly string[] {
  return body
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

const grant = /^(ALTER DEFAULT PRIVILEGES .*)?GRANT (.*) TO (.*?)( WITH GRANT OPTION)?;$/;
const revoke = /^(ALTER DEFAULT PRIVILEGES .*)?REVOKE (.*) FROM (.*);$/;

function oppositeOf(statement: string): string | null {
  const granted = grant.exec(statement);
  if (granted !== null) return `${granted[1] ?? ''}REVOKE ${granted[2]} FROM ${granted[3]};`;
  const revoked = revoke.exec(statement);
  if (revoked !== null) return `${revoked[1] ?? ''}GRANT ${revoked[2]} TO ${revoked[3]};`;
  return null;
}
