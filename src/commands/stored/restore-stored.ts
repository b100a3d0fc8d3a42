import type { BackupDetails } from '../../backup/manifest/details.ts';
import type { FetchedBackup } from '../../backup/stored/fetch-backup.ts';
import type { CopiesPort, Fallback, TargetPort } from '../../database/database.ts';
import { countOf, formatCount } from '../../report/quantity.ts';
import type { CommandContext } from '../shared/context.ts';
import { proofFact, proofOf } from '../shared/proof-of.ts';

/**
 * Phase prove: restores a fetched backup beside the target and compares it with its manifest. A backup that was never
 * proved is proved by this, or it is not used.
 */
export function restoreStored(
  context: CommandContext,
  database: TargetPort & CopiesPort,
  details: BackupDetails,
  fetched: FetchedBackup,
  jobs: number,
): Promise<Fallback> {
  return context.log.phase('prove', async (log) => {
    const value = await database.restoreBeside(
      {
        name: database.copyName('fallback', context.run.id),
        run: context.run.id,
        dumpPath: fetched.dumpPath,
        expected: details.fingerprint,
        expectedSchemaText: details.schemaText,
        hasPublicSchema: details.hasPublicSchema,
        properties: details.properties,
        jobs,
        signal: context.signal,
      },
      log,
    );
    const proof = proofOf(value);
    context.report.proof(proof);
    if (details.fingerprint.serverMajor === database.server.major) {
      return { fact: proofFact(proof, 'the manifest'), value };
    }
    const compared = 'all counts equal to the manifest (contents are not compared between major versions)';
    return { fact: `${countOf(proof.tables, 'table')}, ${formatCount(proof.rows)} rows, ${compared}`, value };
  });
}
