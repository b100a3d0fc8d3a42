import { type ConnectionTarget, parsePostgresUrl } from '../../database/postgres/server/url.ts';
import type { Problem } from '../../system/errors.ts';
import type { Secret } from '../../system/secret.ts';
import type { SchemaUrl } from './schema-url.ts';

/**
 * Problems when the URL that the action was given (`given`) and the one that Migrate will use (`used`) lead to
 * different databases: one would be backed up and another migrated. Host, port, database and schema count; user and
 * password may differ. Host names are compared as written: two names of one server cannot be told from here.
 * `schemaUrl`: where the schema has the URL, for the hint.
 */
export function comparePrismaUrl(
  given: Secret,
  used: Secret,
  directory: string,
  schemaUrl: SchemaUrl | null = null,
): readonly Problem[] {
  const [ours, prismas] = [
    parsePostgresUrl(given.reveal(), { directory }),
    parsePostgresUrl(used.reveal(), { directory }),
  ];
  if (ours.target === null) return ours.problems;
  if (prismas.target === null) return prismas.problems;
  const [a, b] = [ours.target, prismas.target];
  const differing = [
    ...(a.address.host === b.address.host ? [] : ['host']),
    ...(a.address.port === b.address.port ? [] : ['port']),
    ...(a.address.database === b.address.database ? [] : ['database']),
    ...(a.schema === b.schema ? [] : ['schema']),
  ];
  if (differing.length === 0) return [];
  return [
    {
      code: 'SM_URL_MISMATCH',
      message: `database-url leads to ${place(a)}, but Prisma would migrate ${place(b)} (different: ${differing.join(', ')})`,
      hint: `Make both the same: leave database-url out to use what Prisma uses, or ${wayToTheSame(schemaUrl)}.`,
    },
  ];
}

function wayToTheSame(schemaUrl: SchemaUrl | null): string {
  if (schemaUrl === null) {
    return 'let prisma.config.ts read DATABASE_URL and set that in the env of the step';
  }
  const { property, variable } = schemaUrl;
  return variable === null
    ? `write ${property} = env("DATABASE_URL") into the datasource of the schema, which holds a URL itself`
    : `set ${variable} in the env of the step to the same URL (${property} of the schema reads it)`;
}

function place({ address, schema }: ConnectionTarget): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}, database ${address.database}, schema ${schema}`;
}
