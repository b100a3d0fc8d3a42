/**
 * `application_name` of the sessions that a run's migrator opens: tells them from anybody else's. Given by PGAPPNAME, which
 * not every engine reads, and in the URL (`nameSessions`).
 */
export function migratorApplicationName(run: string): string {
  return `safe-migrate migrate ${run}`;
}

/**
 * The environment with `application_name` in every variable that holds exactly `url`, the one that Prisma was seen to use;
 * the rest as it was. A URL that a config or a `.env` file holds is not in the environment and stays as it is: the sessions
 * have to be known by something else then.
 */
export function nameSessions(
  env: Readonly<Record<string, string>>,
  url: string,
  name: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).map(([variable, value]) => [
      variable,
      value === url && value !== '' ? withApplicationName(value, name) : value,
    ]),
  );
}

/** As text: whatever else is in the URL stays as it was written. */
function withApplicationName(url: string, name: string): string {
  const [address = '', query = ''] = splitOnce(url, '?');
  const others = query.split('&').filter((each) => each !== '' && !/^application_name=/i.test(each));
  return `${address}?${[...others, `application_name=${encodeURIComponent(name)}`].join('&')}`;
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
