import { recoveryWays } from '../../src/recovery/recovery-ways.ts';
import type { CheckReport } from '../../src/report/check-report.ts';
import type { MigrationFailure, Report } from '../../src/report/report.ts';
import { ReportBuilder } from '../../src/report/report-builder.ts';
import { RefusedError, SafeMigrateError } from '../../src/system/errors.ts';

/** Reports as runs make them, with fixed times: the ground for tests of everything that is rendered from one. */

const finishedAt = new Date('2026-11-22T14:25:29.100Z');

export const sampleFailure: MigrationFailure = {
  migration: '20260103_split_name',
  file: 'prisma/migrations/20260103_split_name/migration.sql',
  line: 4,
  sqlState: '23502',
  message: 'column "first" of relation "User" contains null values',
};

export function sampleBuilder(): ReportBuilder {
  return new ReportBuilder({
    command: 'migrate',
    run: {
      id: 'k3f9a2',
      startedAt: '2026-11-22T14:25:00.000Z',
      url: 'https://github.com/applizor/erp/actions/runs/1/attempts/1',
      commit: '0d1b2c3d4e5f60718293a4b5c6d7e8f901234567',
    },
  });
}

export function migratedReport(): Report {
  const builder = withBackup(sampleBuilder());
  addPhase(builder, 'migrate', 18_400, 1_900, '2 migrations applied');
  addPhase(builder, 'settle', 20_300, 300, 'fallback dropped');
  builder.applied(['20260102_add_templates', '20260103_split_name']);
  builder.warn('pg_dump 15.18 is older than 15.20: update the client');
  return builder.build('migrated', finishedAt);
}

export function restoredReport(): Report {
  const builder = withBackup(sampleBuilder());
  const fact = `failed in ${sampleFailure.migration}: ${sampleFailure.message}`;
  addPhase(builder, 'migrate', 18_400, 1_900, fact, 'failed');
  addPhase(builder, 'recover', 20_300, 400, 'swap; schema and history as before');
  builder.failure(sampleFailure);
  builder.recovery('swap', 0.412);
  builder.failedDatabase('applizor_erp__failed_k3f9a2');
  builder.kept([{ name: 'applizor_erp__failed_k3f9a2', sizeBytes: 1_400_000_000 }]);
  builder.writesBeforeMigration(['public.Invoice']);
  builder.newWrites([
    {
      schema: 'public',
      table: 'Invoice',
      onlyInFailed: 12_345,
      changed: 2,
      onlyInTarget: 1,
      key: ['id'],
      sampleKeys: ['["1"]', '["2"]', '["3"]', '["4"]', '["5"]', '["6"]'],
    },
  ]);
  builder.problem(
    new SafeMigrateError({
      code: 'SM_MIGRATION_FAILED',
      message: fact,
      hint: 'Repair the script and deploy again; nothing has to be resolved.',
      docs: 'recovery.md',
    }),
    'migrate',
  );
  builder.nextStep({
    text: 'When nothing in it is needed any more, drop the kept failed database:',
    commands: [`dropdb 'applizor_erp__failed_k3f9a2'`],
  });
  return builder.build('restored', finishedAt);
}

export function refusedReport(): Report {
  const builder = sampleBuilder();
  builder.problem(
    new RefusedError(
      [
        { code: 'SM_INPUT', message: 'verify: "arhive" is unknown', hint: 'Allowed: restore, archive.' },
        {
          code: 'SM_NOT_YET',
          message: 'container: arrives with a later version',
          hint: 'Remove container from this step until then.',
        },
      ],
      { phase: 'inputs' },
    ),
  );
  return builder.build('refused', finishedAt);
}

/** A target on which the role may not create databases. */
export function refusedTargetReport(): Report {
  const builder = sampleBuilder();
  const message = 'Role applizor may not create databases, so a backup cannot be restored beside the target.';
  builder.target({ database: 'applizor_erp', host: '127.0.0.1', port: 5432, serverVersion: '15.18' });
  const obstacle = {
    code: 'SM_NO_CREATEDB',
    message,
    hint: 'Let the server\'s administrator run: ALTER ROLE "applizor" CREATEDB;',
    closes: ['swap'],
  } as const;
  builder.recoveryWays(recoveryWays([obstacle], { recovery: 'auto' }));
  builder.problem(new RefusedError([obstacle], { phase: 'preflight' }));
  return builder.build('refused', finishedAt);
}

export function recoveryFailedReport(): Report {
  const builder = withBackup(sampleBuilder());
  addPhase(builder, 'migrate', 18_400, 1_900, 'failed', 'failed');
  addPhase(builder, 'recover', 20_300, 5_200, 'failed: sessions could not be ended', 'failed');
  builder.failure(sampleFailure);
  builder.problem(
    new SafeMigrateError({ code: 'SM_MIGRATION_FAILED', message: sampleFailure.message, hint: 'Repair it.' }),
    'migrate',
  );
  builder.problem(
    new SafeMigrateError({
      code: 'SM_SWAP_FAILED',
      message: 'a session of a superuser could not be ended',
      hint: 'End it and run the commands below.',
      docs: 'recovery.md',
    }),
    'recover',
  );
  builder.nextStep({
    text: 'Finish the recovery by hand:',
    commands: [`psql -c 'ALTER DATABASE "applizor_erp" RENAME TO "applizor_erp__failed_k3f9a2"'`],
  });
  return builder.build('recovery-failed', finishedAt);
}

/** A report in which everything that users or servers can choose tries to break out of its place. */
export function hostileReport(): Report {
  const hostile =
    '`| <img src=x onerror=1> @octocat **b** $x$ [l](http://x) ```\n## h\n::error::x ##[error]y |`';
  const builder = sampleBuilder();
  builder.target({ database: hostile, host: hostile, port: 5432, serverVersion: '15.18' });
  builder.prisma(hostile);
  builder.pending([hostile]);
  builder.backup({
    id: hostile,
    locations: [{ url: `s3://bucket/${hostile}`, storage: 's3', verified: hostile }],
    sizeBytes: 1,
    sha256: 'ab',
    restoreProved: 'true',
    encryption: null,
  });
  builder.failure({ migration: hostile, file: hostile, line: 1, sqlState: hostile, message: hostile });
  builder.failedDatabase(hostile);
  builder.kept([{ name: hostile, sizeBytes: 1 }]);
  builder.dataLoss([{ migration: hostile, statement: hostile, object: hostile }]);
  builder.newWrites([
    {
      schema: hostile,
      table: hostile,
      onlyInFailed: 1,
      changed: 0,
      onlyInTarget: 0,
      key: [],
      sampleKeys: [hostile],
    },
  ]);
  builder.recoveryWays([{ way: 'swap', open: false, because: [hostile] }]);
  builder.warn(hostile);
  builder.problem(
    new SafeMigrateError({ code: 'SM_UNEXPECTED', message: hostile, hint: hostile }),
    'migrate',
  );
  builder.nextStep({ text: hostile, commands: [hostile] });
  addPhase(builder, 'migrate', 0, 10, hostile, 'failed');
  return builder.build('restored', finishedAt);
}

function withBackup(builder: ReportBuilder): ReportBuilder {
  builder.target({ database: 'applizor_erp', host: '127.0.0.1', port: 5432, serverVersion: '15.18' });
  builder.prisma('7.10.1');
  builder.pending(['20260102_add_templates', '20260103_split_name']);
  const id = 'backup_20261122_142500Z_before_20260102_add_templates';
  const url = `s3://applizor-backups/erp/applizor_erp/${id}`;
  builder.backup({
    id,
    locations: [{ url, storage: 's3', verified: 'length and CRC64NVME as uploaded' }],
    sizeBytes: 109_000_000,
    sha256: '9f2c41d0'.repeat(8),
    restoreProved: 'true',
    encryption: null,
  });
  addPhase(builder, 'preflight', 0, 400, '1.4 GB, 214 tables; may create databases');
  addPhase(builder, 'dump', 400, 4_500, '109 MB of 1.4 GB, sha256 9f2c41d0…');
  addPhase(builder, 'prove', 4_900, 13_200, '214 tables, 7 500 061 rows, all equal to the snapshot');
  addPhase(builder, 'store', 18_100, 300, url);
  return builder;
}

function addPhase(
  builder: ReportBuilder,
  phase: Report['phases'][number]['phase'],
  offsetMs: number,
  durationMs: number,
  fact: string,
  status: 'done' | 'failed' = 'done',
): void {
  const startedAt = new Date(Date.parse('2026-11-22T14:25:00.000Z') + offsetMs).toISOString();
  builder.phase({ phase, status, startedAt, durationMs, fact });
}

/** A check that found nothing, because it looked at nothing. */
export const emptyCheck: CheckReport = {
  fails: false,
  subject: { project: '.', schema: null, config: null, database: null },
  parts: [],
  pending: [],
  changesDatabase: null,
  missingMigrationSql: null,
  drift: null,
  prismaStatus: null,
};
