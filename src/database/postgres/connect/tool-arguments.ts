/**
 * The arguments that make psql, pg_dump or pg_restore connect to `database`: the same for all three, and free of
 * secrets. Host, user and password come by environment; the name goes as a connection string because a bare name
 * that holds `=` or begins with `postgresql://` would be read as one (and pg_restore connects only when told -d).
 * Keepalives find out within about a minute that a silent server is gone. `tcp_user_timeout` would be wrong here:
 * Linux also counts the time in which a live but busy server does not read (a restore waiting for a lock).
 */
export function connectionArguments(database: string): string[] {
  const quoted = database.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return [
    '--no-password',
    `--dbname=dbname='${quoted}' keepalives=1 keepalives_idle=30 keepalives_interval=10 keepalives_count=3`,
  ];
}
