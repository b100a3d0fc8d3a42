import type { ScratchDatabase, ScratchServer } from '../../database/scratch-server.ts';
import type { CheckPart, Finding } from '../../report/check-report.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import { asFinding } from './as-finding.ts';
import type { CheckGround } from './check-ground.ts';
import type { HistorySight } from './look-at-history.ts';

export interface SchemaSight {
  readonly part: CheckPart;
  readonly missingMigrationSql: string | null;
  /** A scratch database that holds all migrations; null when there is none. */
  readonly replayed: ScratchDatabase | null;
}

/** Part 3: whether schema.prisma says what the migrations make, found out by running them on an empty database. */
export async function lookAtSchema(
  ground: CheckGround,
  history: HistorySight,
  signal: AbortSignal,
): Promise<SchemaSight> {
  const { scratch } = ground;
  if (scratch.value === null)
    return notChecked(`Whether schema.prisma fits the migrations was not checked: ${scratch.because}`);
  const unreadable = history.folders.find((folder) => folder.script === null);
  if (unreadable !== undefined) {
    return notChecked(
      `Whether schema.prisma fits the migrations was not checked: ${unreadable.name} has no migration.sql.`,
    );
  }
  try {
    return await compareWithSchema(ground, scratch.value, history, signal);
  } catch (error) {
    if (!(error instanceof SafeMigrateError)) throw error;
    return notChecked(`Whether schema.prisma fits the migrations was not checked: ${error.message}.`, [
      asFinding(error),
    ]);
  }
}

async function compareWithSchema(
  { project, fileOf }: CheckGround,
  scratch: ScratchServer,
  history: HistorySight,
  signal: AbortSignal,
): Promise<SchemaSight> {
  const replayed = await scratch.create(project.historySchema);
  const names = history.folders.map((folder) => folder.name);
  const replay = await project.replay(replayed.url, names, signal);
  if (!replay.isWhole) {
    const folder = history.folders.find((each) => each.name === replay.migration);
    return notChecked(
      'Whether schema.prisma fits the migrations was not checked: they do not run on an empty database.',
      [
        {
          severity: 'error',
          code: 'SM_REPLAY_FAILED',
          message: `the migrations cannot be run on an empty database${replay.migration === null ? '' : `; ${replay.migration} fails`}: ${replay.message}`,
          hint: 'A new environment, and prisma migrate dev, run them from the start: they must work there. Correct the migration if it is new; otherwise make the missing objects in an earlier one.',
          file: folder?.file ?? null,
          line: 1,
        },
      ],
    );
  }
  const sql = await project.missingMigration(replayed.url, signal);
  const schemaFile = fileOf(project.schemaPath);
  const findings: readonly Finding[] =
    sql === null
      ? []
      : [
          {
            severity: 'error',
            code: 'SM_SCHEMA_NOT_MIGRATED',
            message: `${schemaFile} says something else than the migrations make`,
            hint: 'Make the missing migration: npx prisma migrate dev --name and words that say what it does.',
            file: schemaFile.endsWith('.prisma') ? schemaFile : null,
            line: schemaFile.endsWith('.prisma') ? 1 : null,
          },
        ];
  return {
    part: {
      name: 'schema',
      fact:
        sql === null
          ? `${schemaFile} says what the migrations make`
          : `${schemaFile} and the migrations differ`,
      findings,
      notChecked: [],
    },
    missingMigrationSql: sql,
    replayed,
  };
}

function notChecked(because: string, findings: readonly Finding[] = []): SchemaSight {
  return {
    part: { name: 'schema', fact: 'not checked', findings, notChecked: [because] },
    missingMigrationSql: null,
    replayed: null,
  };
}
