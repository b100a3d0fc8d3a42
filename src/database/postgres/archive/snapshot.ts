import { z } from 'zod';
import type { Snapshot } from '../../database.ts';
import { readCounters } from '../fingerprint/counters.ts';
import { exportSnapshot, readFingerprint } from '../fingerprint/fingerprint.ts';
import { readSequences } from '../fingerprint/sequences.ts';
import { readWitness } from '../fingerprint/witness.ts';
import { readSchemaText } from '../schema/schema-text.ts';
import type { PostgresServer } from '../server/server.ts';
import { readingSession } from '../session/reading-sessions.ts';
import { dumpSnapshot } from './dump.ts';

const timeRow = z.object({ takenAt: z.string(), hasPublicSchema: z.boolean(), encoding: z.string() });

/**
 * Opens a transaction in the target that keeps one snapshot for the dump, the fingerprint and the schema text.
 * Sequences know no snapshot and only move on: they are read at once, so that the values known for the snapshot
 * never lie after those that pg_dump finds later.
 */
export async function openSnapshot(server: PostgresServer): Promise<Snapshot> {
  const exporter = await server.connect(server.address.database, {
    applicationName: readingSession.snapshot,
  });
  try {
    const snapshotId = await exportSnapshot(exporter);
    const sequences = await readSequences(exporter);
    const [time] = await exporter.query(
      `SELECT pg_catalog.to_char(pg_catalog.transaction_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "takenAt",
              pg_catalog.current_setting('server_encoding') AS "encoding",
              EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public') AS "hasPublicSchema"`,
      timeRow,
    );
    if (time === undefined) throw new TypeError('transaction_timestamp() returned no row');
    const witness = await readWitness(exporter);
    const counters = await readCounters(exporter);
    const source = { database: server.address.database, snapshotId };

    // Asked for twice, by the fingerprint's digest and by the comparison: one pg_dump serves both.
    let schemaText: Promise<string> | undefined;
    const readSchemaOnce = (signal: AbortSignal): Promise<string> => {
      schemaText ??= readSchemaText(server, source, signal);
      schemaText.catch(() => {
        // A failed or aborted reading is no answer for whoever asks next.
        schemaText = undefined;
      });
      return schemaText;
    };

    return {
      witness,
      counters,
      takenAt: time.takenAt,
      hasPublicSchema: time.hasPublicSchema,
      dump: (sink, signal) => dumpSnapshot(server, { ...source, encoding: time.encoding }, sink, signal),
      fingerprint: (jobs, signal, onTable) =>
        readFingerprint(
          server,
          exporter,
          snapshotId,
          { schemaText: readSchemaOnce(signal), sequences },
          { jobs, signal, onTable },
        ),
      schemaText: readSchemaOnce,
      [Symbol.asyncDispose]: () => exporter[Symbol.asyncDispose](),
    };
  } catch (error) {
    await exporter[Symbol.asyncDispose]();
    throw error;
  }
}
