import { relative } from 'node:path';
import {
  type CheckReport,
  type CheckSubject,
  findingsOf,
  type PendingMigration,
  type Severity,
} from '../report/check-report.ts';
import type { Result } from '../report/report.ts';
import { SafeMigrateError } from '../system/errors.ts';
import type { Secret } from '../system/secret.ts';
import { brokenProject } from './check/broken-project.ts';
import { type CheckGround, openGround } from './check/check-ground.ts';
import { beginDrift, lookAtDrift } from './check/look-at-drift.ts';
import { lookAtHistory } from './check/look-at-history.ts';
import { lookAtPending } from './check/look-at-pending.ts';
import { lookAtSchema } from './check/look-at-schema.ts';
import type { CommandContext } from './shared/context.ts';
import type { CheckSettings } from './shared/settings.ts';

/**
 * Looks at a pull request: history, pending migrations, schema, drift. Writes nothing to the target; scratch databases
 * are made on the server of shadow-database-url alone. Rejects only where no part could run.
 */
export async function check(context: CommandContext, settings: CheckSettings): Promise<Result> {
  const { log, report, signal } = context;
  await using ground = await log.phase('preflight', async (phaseLog) => {
    const value = await openGround(context, settings, phaseLog).catch((error: unknown) => {
      if (!(error instanceof SafeMigrateError) || error.code !== 'SM_PROVIDER') throw error;
      report.check(brokenProject(error, settings, subjectOf(context, settings, settings.databaseUrl)));
      return null;
    });
    if (value === null) return { fact: 'Prisma would refuse this project', value, failed: true };
    await context.ports.loadParser();
    report.prisma(value.project.version);
    return { fact: `prisma ${value.project.version}; ${sights(value)}`, value };
  });
  if (ground === null) return 'checked';
  const part = <T extends { readonly part: { readonly name: string; readonly fact: string } }>(
    look: () => T | Promise<T>,
  ): Promise<T> =>
    log.phase('check', async () => {
      const value = await look();
      return { fact: `${value.part.name}: ${value.part.fact}`, value };
    });

  // Takes as long as Prisma takes to start, so it is asked while the others look.
  const status = ground.database.value === null ? null : ground.project.status(signal);
  status?.catch(() => {});
  const history = await part(() => lookAtHistory(ground));
  const begun = beginDrift(ground, history, signal);
  const pending = await part(() => lookAtPending(history));
  const schema = await part(() => lookAtSchema(ground, history, signal));
  const drift = await part(() => lookAtDrift(ground, { history, schema, begun }, signal));

  const parts = [history, pending, schema, drift].map((sight) => sight.part);
  report.pending(history.pending ?? []);
  report.dataLoss(pending.migrations.flatMap(lossesOf));
  report.drift(drift.drift === null ? 'unknown' : drift.drift.differences.length > 0 ? 'true' : 'false');
  const found: CheckReport = {
    fails: failsBy(
      settings.failOn,
      findingsOf({ parts }).map(({ severity }) => severity),
    ),
    subject: subjectOf(context, settings, ground.project.url),
    parts,
    pending: pending.migrations,
    changesDatabase: changesDatabase(ground),
    missingMigrationSql: schema.missingMigrationSql,
    drift: drift.drift,
    prismaStatus: await status,
  };
  report.check(found);
  return 'checked';
}

function subjectOf(context: CommandContext, settings: CheckSettings, url: Secret | null): CheckSubject {
  const pathOf = (path: string): string => relative(context.repository, path).replaceAll('\\', '/') || '.';
  const { workingDirectory, prismaSchema, prismaConfig } = settings;
  const address = url === null ? null : context.ports.addressOf(url, workingDirectory);
  return {
    project: pathOf(workingDirectory),
    schema: prismaSchema === null ? null : pathOf(prismaSchema),
    config: prismaConfig === null ? null : pathOf(prismaConfig),
    database: address === null ? null : { host: address.host, port: address.port, name: address.database },
  };
}

function sights(ground: CheckGround): string {
  return [
    ground.base.value === null ? 'base branch not compared with' : 'base branch read',
    ground.database.value === null ? 'database not looked at' : 'database read',
    ground.scratch.value === null ? 'no scratch server' : 'scratch server ready',
  ].join(', ');
}

function lossesOf(migration: PendingMigration) {
  return migration.destructive
    .filter(({ isCertain }) => isCertain)
    .map(({ statement, object }) => ({ migration: migration.name, statement, object }));
}

function failsBy(failOn: CheckSettings['failOn'], severities: readonly Severity[]): boolean {
  if (failOn === 'none') return false;
  return severities.includes('error') || (failOn === 'warning' && severities.includes('warning'));
}

function changesDatabase(ground: CheckGround): boolean | null {
  if (ground.base.value === null) return null;
  const { base, head } = ground.base.value;
  return base.size !== head.size || [...head].some(([path, blob]) => base.get(path) !== blob);
}
