import { createHash, randomBytes } from 'node:crypto';
import type { PostgresCluster } from './postgres.ts';

/** A database of a test's own, as createOwnedDatabase gives it. */
type OwnedDatabase = Awaited<ReturnType<PostgresCluster['createOwnedDatabase']>>;

/** Owns what is in the templates, until it is handed to a world's own role. */
const templateOwner = 'world_template';

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
  await cluster.psql(owned.database, `REASSIGN OWNED BY ${templateOwner} TO "${owned.user}";`);
  return owned;
}

async function makeTemplate(
  cluster: PostgresCluster,
  template: string,
  fill: (owned: OwnedDatabase) => Promise<void>,
): Promise<void> {
  const draft = `${template}_${randomBytes(4).toString('hex')}`;
  await cluster.psql(
    'postgres',
    `DO $$ BEGIN
       CREATE ROLE ${templateOwner} LOGIN PASSWORD '${templateOwner}';
     EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
     CREATE DATABASE "${draft}" OWNER ${templateOwner} TEMPLATE template0;`,
  );
  await fill({
    database: draft,
    user: templateOwner,
    password: templateOwner,
    url: cluster.url({ database: draft, user: templateOwner }),
  });
  // Not the owner's any more: REASSIGN OWNED would hand on the template as well.
  await cluster.psql(
    'postgres',
    `ALTER DATABASE "${draft}" OWNER TO CURRENT_USER;
     ALTER DATABASE "${draft}" ALLOW_CONNECTIONS false;`,
  );
  try {
    await whenNobodyIsIn(() =>
      cluster.psql('postgres', `ALTER DATABASE "${draft}" RENAME TO "${template}";`),
    );
  } catch (error) {
    if (!/already exists/.test(String(error))) throw error;
    await cluster.psql('postgres', `DROP DATABASE "${draft}" WITH (FORCE);`);
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
