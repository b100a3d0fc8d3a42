import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { literal } from '../../sql-text.ts';
import { copyName } from '../copy/copy-name.ts';
import type { SqlSession } from '../server/server.ts';

/** As `Database.failedPlace` promises. What is added to the run cannot be guessed. */
export async function failedPlace(
  session: SqlSession,
  target: string,
  run: string,
): Promise<{ readonly name: string; readonly run: string }> {
  for (let tried = run; ; tried = `${run}_${randomBytes(4).toString('hex')}`) {
    const name = copyName(target, 'failed', tried);
    const taken = await session.query(
      `SELECT oid::bigint AS "oid" FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`,
      z.object({ oid: z.number() }),
    );
    if (taken.length === 0) return { name, run: tried };
  }
}
