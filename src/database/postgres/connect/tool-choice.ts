import { SafeMigrateError } from '../../../system/errors.ts';
import type { ServerVersion } from '../../database.ts';
import type { ToolInstallation } from './tool-installations.ts';

/** First minor release of each maintained major without CVE-2026-116314 (a crafted archive runs code in pg_restore). */
const firstSafeMinor: Readonly<Record<number, number>> = { 14: 25, 15: 20, 16: 16, 17: 12, 18: 7 };

export interface ToolChoice {
  readonly installation: ToolInstallation;
  readonly warnings: readonly string[];
}

/**
 * Chooses the tools for a server: those of its own major, otherwise the nearest newer ones (pg_dump refuses a
 * server that is newer than itself). `noImage`: why tools of an image are no way out; null when that was no question.
 * `place`: where the tools are, when not on this machine. Throws SM_CLIENT_MISSING or SM_CLIENT_TOO_OLD.
 */
export function chooseTools(
  installations: readonly ToolInstallation[],
  server: ServerVersion,
  noImage: string | null = null,
  place: string | null = null,
): ToolChoice {
  const fitting = installations
    .filter((installation) => installation.version.major >= server.major)
    .sort((a, b) => a.version.major - b.version.major || b.version.number - a.version.number);
  const [installation] = fitting;
  if (installation !== undefined) return { installation, warnings: warningsFor(installation, server) };
  const [newest] = [...installations].sort((a, b) => b.version.number - a.version.number);
  if (newest === undefined) throw noTools(server.major, noImage);
  if (place !== null) {
    throw new SafeMigrateError({
      code: 'SM_CLIENT_TOO_OLD',
      message: `The PostgreSQL tools in ${place} (${newest.version.text}) are older than the server (${server.text}) and cannot dump it.`,
      hint: `Use an image of PostgreSQL ${server.major} or later, e.g. postgres:${server.major}. An older client cannot be used.`,
      docs: 'docker.md',
    });
  }
  throw new SafeMigrateError({
    code: 'SM_CLIENT_TOO_OLD',
    message: `The PostgreSQL tools of this machine (${newest.version.text} in ${newest.directory}) are older than the server (${server.text}) and cannot dump it.`,
    hint: `Either: ${installHint(server.major)} ${imageHint(server.major, noImage)} An older client cannot be used.`,
    docs: 'postgresql.md',
  });
}

/** SM_CLIENT_MISSING; `major` is the server's when it is known. */
export function noTools(major: number | null, noImage: string | null = null): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_CLIENT_MISSING',
    message:
      'psql, pg_dump and pg_restore were not found on this machine (neither in /usr/lib/postgresql nor on PATH).',
    hint: `Either: ${installHint(major)} ${imageHint(major, noImage)}`,
    docs: 'postgresql.md',
  });
}

function imageHint(major: number | null, noImage: string | null): string {
  const image = `postgres:${major ?? '<server major>'}`;
  return `Or: let Docker run them from ${image} (client-image names another image)${noImage === null ? '.' : `; now it does not: ${noImage}`}`;
}

function installHint(major: number | null): string {
  const name = `postgresql-client-${major ?? '<server major>'}`;
  return `Install them in a step before this one: sudo apt-get install -y postgresql-common && sudo /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y && sudo apt-get install -y ${name}.`;
}

function warningsFor({ version }: ToolInstallation, server: ServerVersion): string[] {
  const warnings: string[] = [];
  if (version.major > server.major) {
    warnings.push(
      `The tools are of PostgreSQL ${version.text}, the server of ${server.text}: a newer pg_restore may emit settings that the server rejects; postgresql-client-${server.major} fits exactly.`,
    );
  }
  const safeMinor = firstSafeMinor[version.major];
  if (safeMinor !== undefined && version.number % 10_000 < safeMinor) {
    warnings.push(
      `The tools are of PostgreSQL ${version.text}, which has CVE-2026-116314 (a crafted archive runs code in pg_restore); it is fixed in ${version.major}.${safeMinor}. Update the client packages.`,
    );
  } else if (version.major < 14) {
    warnings.push(`The tools are of PostgreSQL ${version.text}, which gets no security fixes any more.`);
  }
  return warnings;
}
