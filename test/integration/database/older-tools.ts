import { z } from 'zod';
import { MachineTools } from '../../../src/database/postgres/connect/machine-tools.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import { openSession } from '../../../src/database/postgres/session/session.ts';
import type { PostgresCluster } from '../../support/postgres.ts';

/** Of the tools of this machine; servers of other majors come from the test's parts, without tools. */
export const toolsMajor = 15;

/** A server reached with the tools of this machine, which may be older: they restore, though they would not dump. */
export async function reachWithOlderTools(
  cluster: PostgresCluster,
  database: string,
  user: string,
): Promise<PostgresServer> {
  const { target } = parsePostgresUrl(cluster.url({ database, user }));
  if (target === null) throw new Error('no target');
  const { binDirectory } = cluster.info;
  const tools = new MachineTools(
    {
      installation: {
        directory: binDirectory,
        version: { number: toolsMajor * 10_000, major: toolsMajor, text: String(toolsMajor) },
      },
      warnings: [],
    },
    target,
  );
  const connect = async (name: string, options = {}) =>
    (await openSession(tools, target.address, name, options)).session;
  await using session = await connect(database);
  const [row] = await session.query(
    `SELECT current_setting('server_version_num')::int AS "number"`,
    z.object({ number: z.number() }),
  );
  const number = row?.number ?? 0;
  return {
    address: target.address,
    version: { number, major: Math.trunc(number / 10_000), text: String(number) },
    tools,
    home: database,
    unreachable: null,
    connect,
    [Symbol.asyncDispose]: async () => {},
  };
}
