import { decodePercent } from './url-refusals.ts';

/**
 * Shorter values are not masked on their own: replacing every `a` in a log hides nothing and makes it unreadable.
 * The URL as a whole is masked all the same.
 */
const shortestSecretLength = 4;

/** Parameters whose values are secrets, whoever reads them. */
const secretParameters = ['password', 'sslpassword', 'sslidentity', 'api_key', 'apikey', 'token'];

/**
 * Every text that must be masked when this URL is known: masking is by exact match, so masking the URL alone
 * does not hide a password that a tool prints by itself. Works on URLs that cannot be parsed, too.
 * Longest first, so that no replaced part hides a longer one.
 */
export function secretsIn(url: string): string[] {
  const trimmed = url.trim();
  const found = new Set<string>([url, trimmed]);
  const add = (value: string | null | undefined): void => {
    if (value === null || value === undefined) return;
    for (const form of formsOf(value)) {
      if (form.length >= shortestSecretLength) found.add(form);
    }
  };
  // As written: between the first colon of the authority and its last @, whatever stands between them.
  add(/^[a-z+:]+:\/\/[^:/?#]*:(.*)@/is.exec(trimmed)?.[1]);
  // And as a parser sees it, which may differ when @ or / stand unencoded in other parts.
  if (URL.canParse(trimmed)) {
    const parsed = new URL(trimmed);
    add(parsed.password);
    for (const name of secretParameters) add(parsed.searchParams.get(name));
  }
  return [...found].filter((value) => value.trim() !== '').sort((a, b) => b.length - a.length);
}

/** A value as written, decoded, and in the encodings in which it may turn up again. */
function formsOf(value: string): string[] {
  const decoded = decodePercent(value) ?? value;
  const encoded = decoded.isWellFormed() ? encodeURIComponent(decoded) : decoded;
  return [value, decoded, encoded, JSON.stringify(decoded).slice(1, -1)];
}
