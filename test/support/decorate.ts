import type { World } from './world.ts';

/** Gives the database everything that neither a dump nor TEMPLATE carries. */
export async function decorate(world: World): Promise<void> {
  const name = `"${world.database}"`;
  await world.cluster.psql(
    'postgres',
    `CREATE ROLE "${world.database}_reader";
     REVOKE ALL ON DATABASE ${name} FROM PUBLIC;
     GRANT CONNECT ON DATABASE ${name} TO "${world.database}_reader";
     ALTER DATABASE ${name} CONNECTION LIMIT 77;
     ALTER DATABASE ${name} SET search_path = "$user", public, 'odd, name';
     ALTER DATABASE ${name} SET timezone = 'Europe/Berlin';
     ALTER DATABASE ${name} SET statement_timeout = '7s';
     ALTER ROLE "${world.user}" IN DATABASE ${name} SET work_mem = '5MB';
     COMMENT ON DATABASE ${name} IS 'the team''s "books"';`,
  );
}
