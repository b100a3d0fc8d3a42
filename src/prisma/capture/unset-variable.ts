/** An environment variable without which Prisma could not load a project. */
interface UnsetVariable {
  readonly name: string;
  /** It is the datasource's `url` or `directUrl`, which Migrate needs both; a config may read it for anything else. */
  readonly holdsUrl: boolean;
}

/**
 * The variable that Prisma missed, from what it printed; null when it missed none. Up to 6 the error points at the
 * schema's line (measured on 5.0 to 6.19), from a config it only names the variable (6.19, 7.10).
 */
export function unsetVariableIn(said: string): UnsetVariable | null {
  const name =
    /Environment variable not found: (\w+)/.exec(said)?.[1] ??
    /environment variable `(\w+)` resolved to an empty string/.exec(said)?.[1] ??
    /environment variable:\s+`?"?(\w+)/i.exec(said)?.[1];
  if (name === undefined) return null;
  // A shadow database is reset without asking: its variable must never count as the target's.
  const line = new RegExp(String.raw`^\s*\d+ \|\s+(?:url|directUrl)\s*=\s*env\(\s*"${name}"\s*\)`, 'm');
  return { name, holdsUrl: line.test(said) };
}
