import { docker } from '../../../docker/docker-client.ts';
import { parseToolVersion, type ToolInstallation } from './tool-installations.ts';

const probeTimeoutMs = 30_000;

/**
 * Prints, for every folder of the container that has all three tools, its path and what each says of its version.
 * /usr/bin/psql of Debian is a wrapper that picks a version by rules of its own; the real ones come first.
 */
const probeScript = `IFS=:
for folder in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/bitnami/postgresql/bin 2>/dev/null | tr '\\n' ':')$PATH; do
  [ -x "$folder/psql" ] && [ -x "$folder/pg_dump" ] && [ -x "$folder/pg_restore" ] || continue
  case $(readlink -f "$folder/psql") in */pg_wrapper) continue ;; esac
  echo "folder $folder"
  for tool in psql pg_dump pg_restore; do LC_ALL=C "$folder/$tool" --version; done
done 2>/dev/null`;

/** All complete sets of PostgreSQL's tools in a running container, newest first; none when it has no shell either. */
export async function findInstallationsIn(container: string): Promise<readonly ToolInstallation[]> {
  const { stdout } = await docker(['exec', container, 'sh', '-c', probeScript], {
    timeoutMs: probeTimeoutMs,
  });
  const found: ToolInstallation[] = [];
  for (const [directory, ...lines] of stdout
    .split('folder ')
    .slice(1)
    .map((part) => part.trim().split('\n'))) {
    const versions = lines.map(parseToolVersion);
    const [first] = versions;
    if (directory === undefined || first === undefined || first === null || versions.length !== 3) continue;
    if (found.some((other) => other.directory === directory)) continue;
    if (versions.every((version) => version?.number === first.number)) {
      found.push({ directory, version: first });
    }
  }
  return found.sort((a, b) => b.version.number - a.version.number);
}
