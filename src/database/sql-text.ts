/** PostgreSQL cuts longer names silently, and a cut name may be another database's. */
const nameLimitBytes = 63;

/** A name as a quoted identifier. Throws on names that PostgreSQL could not hold as they are. */
export function identifier(name: string): string {
  const sizeBytes = Buffer.byteLength(name);
  if (sizeBytes === 0 || sizeBytes > nameLimitBytes) {
    throw new RangeError(`a PostgreSQL name has 1 to ${nameLimitBytes} bytes, this one has ${sizeBytes}`);
  }
  return `"${checked(name).replaceAll('"', '""')}"`;
}

/** `"schema"."name"`. */
export function qualified(schema: string, name: string): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

/** A text as a literal that means the same whatever `standard_conforming_strings` says. */
export function literal(text: string): string {
  const quoted = checked(text).replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

function checked(text: string): string {
  if (text.includes('\0')) throw new RangeError('PostgreSQL text cannot hold a NUL character');
  if (!text.isWellFormed()) throw new RangeError('text with a lone surrogate has no UTF-8 form');
  return text;
}
