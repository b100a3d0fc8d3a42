import { createHash, randomBytes } from 'node:crypto';
import type { PostgresCluster } from './postgres.ts';

/** A database of a test's own, as createOwnedDatabase gives it. */
type OwnedDatabase = Awaited<ReturnType<PostgresCluster['createOwnedDatabase']>>;

/**
 * An owned database that `fill` has filled, for the cost of a copy: the first world with these `ingredients` fills a
 * template, the others copy it. Two workers may fill the same one; the second rename finds the name taken, and its
 * work is dropped.
 */
export async function createFromTemplate(
  cluster: PostgresCluster,
  stem: string,
  ingredients: readonly unknown[],
  fill: (owned: OwnedDatabase) => Promise<void>,
): Promise<OwnedDatabase> {
  const digest = createHash('sha256').update(JSON.stringify(ingredients)).digest('hex').slice(0, 16);
  const template = `world_template_${digest}`;
  if (!(await cluster.databases()).includes(template)) await makeTemplate(cluster, template, fill);
  const owned = await whenNobodyIsIn(() => cluster.createOwnedDatabase(stem, template));
  const filler = await cluster.psql(
    'postgres',
    `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${template}'`,
  );
  await cluster.psql(owned.database, `REASSIGN OWNED BY "${filler}" TO "${owned.user}";`);
  return owned;
}

async function makeTemplate(
  cluster: PostgresCluster,
  template: string,
  fill: (owned: OwnedDatabase) => Promise<void>,
): Promise<void> {
  // Database and role. What is in the template belongs to the role until it is handed to a world's own; with one role for
  // all, REASSIGN OWNED for one world would take away the draft that another worker is filling.
  const draft = `${template}_${randomBytes(4).toString('hex')}`;
  await cluster.psql('postgres', `CREATE ROLE "${draft}" LOGIN PASSWORD '${draft}';`);
  await cluster.createDatabase(draft, draft);
  await fill({
    database: draft,
    user: draft,
    password: draft,
    url: cluster.url({ database: draft, user: draft }),
  });
  // Not the role's any more: REASSIGN OWNED would hand on the template as well.
  await cluster.psql(
    'postgres',
    `ALTER DATABASE "${draft}" OWNER TO CURRENT_USER;
     COMMENT ON DATABASE "${draft}" IS '${draft}';
     ALTER DATABASE "${draft}" ALLOW_CONNECTIONS false;`,
  );
  try {
    await whenNobodyIsIn(() =>
      cluster.psql('postgres', `ALTER DATABASE "${draft}" RENAME TO "${template}";`),
    );
  } catch (error) {
    if (!/already exists/.test(String(error))) throw error;
    await cluster.psql('postgres', `DROP DATABASE "${draft}" WITH (FORCE);`);
    await cluster.psql('postgres', `DROP ROLE "${draft}";`);
  }
}

/** A session that has just said goodbye, or autovacuum, may still be there for longer than the server's five seconds. */
async function whenNobodyIsIn<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 10 || !/being accessed by other users/.test(String(error))) throw error;
    }
  }
}
