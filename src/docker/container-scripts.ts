/**
 * What runs inside of a container: POSIX sh, for images with dash, bash or busybox. Nothing is written there.
 *
 * A signal to `docker exec` does not reach the process inside, and that process outlives its client. So every process
 * tells its id before it begins, and one watchman in the container, fed through its stdin, signals them for us. When
 * that stdin ends, because we have ended however we ended, the watchman ends what is left.
 */

/** `started <pid>`: field 22 of /proc/<pid>/stat, by which a process is told from a later one with the same id. */
const started = `started() {
  { read -r line < "/proc/$1/stat"; } 2>/dev/null || return 1
  set -- \${line##*) }
  echo "\${20}"
}`;

/** What the watchman and every process say first, to stdout and stderr. */
export const readyLine = 'safe-migrate: ready';
export const startedPattern = /^safe-migrate: started (\d+) (\d+)\n/m;

/** Lines on stdin: `watch <pid> <start>`, `signal <pid> <start> <name>`. */
export const watchmanScript = `${started}
watched=
echo '${readyLine}'
while read -r verb pid start signal; do
  case $verb in
    watch) watched="$watched $pid:$start" ;;
    signal) [ "$(started "$pid")" = "$start" ] && kill -s "$signal" "$pid" ;;
  esac
done 2>/dev/null
for signal in TERM KILL; do
  found=
  for each in $watched; do
    [ "$(started "\${each%%:*}")" = "\${each#*:}" ] && kill -s "$signal" "\${each%%:*}" && found=yes
  done
  [ -n "$found" ] && [ "$signal" = TERM ] && sleep 2
done 2>/dev/null
exit 0`;

/**
 * Arguments: the names of all PG* variables that were given, then the command. Variables of the image itself
 * (PGHOSTADDR, PGOPTIONS, …) would lead the tool elsewhere and are taken away. Begins only when told to.
 */
export const processScript = `${started}
for name in $(env | sed -n 's/^\\(PG[A-Z0-9_]*\\)=.*/\\1/p'); do
  case " $1 " in *" $name "*) ;; *) unset "$name" ;; esac
done
shift
echo "safe-migrate: started $$ $(started $$)" >&2
read -r word && [ "$word" = go ] || exit 125
exec "$@"`;

/**
 * Arguments: the script above, the names, then pg_restore's command. The first line of stdin holds the ids of the
 * entries to restore; pg_restore reads them from a pipe as its list, and the archive from what remains of stdin.
 */
export const selectionScript = `IFS= read -r entries || exit 125
exec 4<&0
script=$1
shift
printf '%s\\n' "$entries" | tr ' ' '\\n' | sh -c "$script" sh "$@" --use-list=/dev/fd/3 3<&0 0<&4 4<&-`;
