import { type Problem, SafeMigrateError } from '../../system/errors.ts';

/** Majors of Prisma that can be driven. */
export const supportedMajors = { oldest: 5, newest: 7 } as const;

/** What differs between the versions of Prisma's CLI, as far as it matters here. */
export interface PrismaTraits {
  /** `--config` exists (6.4); before it the CLI ends with its help text. */
  readonly hasConfigOption: boolean;
  /** `datasource` of the schema holds `url` and `directUrl` (up to 6); from 7 on only the config holds a URL. */
  readonly urlInSchema: boolean;
  /** The CLI wants the query engine on disk, or downloads it, whatever the command (up to 6). */
  readonly needsQueryEngine: boolean;
  /** `migrate diff` tells its sides apart by these options. */
  readonly diff: DiffOptions;
}

/** The options of `migrate diff`. Both families know `--from-empty`, `--from-migrations` and their counterparts. */
interface DiffOptions {
  /** Followed by `from` or `to` and this: a schema's models. */
  readonly schema: 'schema-datamodel' | 'schema';
  /** The database that the project is configured for: of a schema's datasource, or of the config. */
  readonly database: 'schema-datasource' | 'config-datasource';
  /** How the shadow database is named: by `--shadow-database-url`, or in the config alone. */
  readonly shadowDatabase: 'option' | 'config';
}

/** Looks the traits of an installed version up. `version` is one that `versionProblem` has nothing against. */
export function traitsOf(version: string): PrismaTraits {
  const { major, minor } = parseVersion(version);
  const isConfigured = major >= 7;
  return {
    hasConfigOption: isConfigured || (major === 6 && minor >= 4),
    urlInSchema: !isConfigured,
    needsQueryEngine: !isConfigured,
    diff: isConfigured
      ? { schema: 'schema', database: 'config-datasource', shadowDatabase: 'config' }
      : { schema: 'schema-datamodel', database: 'schema-datasource', shadowDatabase: 'option' },
  };
}

/** One side of a `migrate diff`. Paths are absolute. */
export type DiffSide =
  | { readonly kind: 'empty' }
  | { readonly kind: 'schema'; readonly schemaPath: string }
  | { readonly kind: 'migrations'; readonly directory: string }
  /** `schemaPath` is read up to Prisma 6; the config that Prisma finds or is given counts from 7 on. */
  | { readonly kind: 'database'; readonly schemaPath: string };

/** The arguments of `prisma migrate diff` for this version, without the shadow database. */
export function diffArguments(version: string, from: DiffSide, to: DiffSide): readonly string[] {
  const { diff } = traitsOf(version);
  const side = (name: 'from' | 'to', given: DiffSide): readonly string[] => {
    switch (given.kind) {
      case 'empty':
        return [`--${name}-empty`];
      case 'migrations':
        return [`--${name}-migrations`, given.directory];
      case 'schema':
        return [`--${name}-${diff.schema}`, given.schemaPath];
      case 'database':
        return diff.database === 'config-datasource'
          ? [`--${name}-${diff.database}`]
          : [`--${name}-${diff.database}`, given.schemaPath];
    }
  };
  return ['migrate', 'diff', ...side('from', from), ...side('to', to)];
}

/** Why this version cannot be driven and what to do, or null. `packageName` is the package that was found. */
export function versionProblem(packageName: string, version: string): SafeMigrateError | null {
  const { major } = parseVersion(version);
  if (major >= supportedMajors.oldest && major <= supportedMajors.newest) return null;
  const problem: Pick<Problem, 'message' | 'hint'> =
    major > supportedMajors.newest
      ? {
          message: `${packageName} ${version} is installed; Prisma 8 has no \`migrate deploy\``,
          hint: 'Keep Prisma 7 for migrations: npm install --save-dev prisma@7, or beside Prisma 8: npm install --save-dev @prisma/prisma7',
        }
      : {
          message: `${packageName} ${version} is installed; safe-migrate works with Prisma 5, 6 and 7`,
          hint: 'Upgrade it, for example with: npm install --save-dev prisma@5',
        };
  return new SafeMigrateError({ code: 'SM_PRISMA_UNSUPPORTED', ...problem, docs: 'prisma.md' });
}

/** `major` is 0 for what is no version. */
export function parseVersion(version: string): { readonly major: number; readonly minor: number } {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return { major: Number(major), minor: Number(minor) };
}
