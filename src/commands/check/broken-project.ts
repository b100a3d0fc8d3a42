import {
  type CheckPart,
  type CheckReport,
  type CheckSubject,
  checkPartNames,
} from '../../report/check-report.ts';
import type { SafeMigrateError } from '../../system/errors.ts';
import type { CheckSettings } from '../shared/settings.ts';
import { asFinding } from './as-finding.ts';

/** A project that Prisma itself would refuse, e.g. for a lock file of another provider: one finding, nothing else. */
export function brokenProject(
  error: SafeMigrateError,
  settings: CheckSettings,
  subject: CheckSubject,
): CheckReport {
  return {
    fails: settings.failOn !== 'none',
    subject,
    parts: checkPartNames.map((name): CheckPart => {
      const isFirst = name === 'history';
      return {
        name,
        fact: 'not checked',
        findings: isFirst ? [asFinding(error)] : [],
        notChecked: isFirst ? ['Nothing else was checked: Prisma would refuse this project.'] : [],
      };
    }),
    pending: [],
    changesDatabase: null,
    missingMigrationSql: null,
    drift: null,
    prismaStatus: null,
  };
}
