import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { SqlSession } from '../server/server.ts';

/**
 * A name has no encoding: in a database of another one than that in which it was given, its bytes are other letters, and what
 * this session is told about the database by its name is about none.
 */
export async function refuseOtherSpelling(session: SqlSession): Promise<void> {
  const [here] = await session.query(
    `select current_database()::text as "name", pg_encoding_to_char(d.encoding) as "encoding"
       from pg_database d where d.datname = current_database()`,
    z.object({ name: z.string(), encoding: z.string() }),
  );
  if (here === undefined || here.name === session.database) return;
  throw new SafeMigrateError({
    code: 'SM_NAME_ENCODING',
    message: `The name of database ${session.database} reads ${here.name} in its own encoding, ${here.encoding}: it was given from a database of another encoding, and cannot be spoken of from within.`,
    hint: 'Rename it from a database of UTF8 to letters without accents: ALTER DATABASE … RENAME TO …;',
    docs: 'postgresql.md',
    phase: 'preflight',
  });
}
