import { resolve } from 'node:path';
import { z } from 'zod';
import { type Command, commands } from '../report/report.ts';
import { identities, passphrase, recipients } from './encryption-fields.ts';
import type { GitHubContext } from './github-context.ts';
import type { ParsedInputName, RawInputs } from './input-catalogue.ts';
import {
  anyText,
  backupChoice,
  backupLabel,
  choice,
  containerName,
  databaseUrl,
  existingPath,
  imageName,
  migrateCommand,
  minutes,
  storageUrls,
  wholeNumber,
} from './input-fields.ts';

const supportedCommands = ['migrate', 'backup', 'check', 'rollback', 'prune'] as const;

/** The schema of all inputs that are in force; relative paths are resolved on the way. */
export function fieldsFor(context: GitHubContext, raw: RawInputs) {
  const project = resolve(context.workspace, raw['working-directory']);
  return z.object({
    command: choice(supportedCommands, laterCommands()),
    'database-url': databaseUrl(project).nullable(),
    'working-directory': existingPath(context.workspace, 'folder'),
    'prisma-schema': existingPath(project, 'any').nullable(),
    'prisma-config': existingPath(project, 'file').nullable(),
    storage: raw.command === 'check' ? noStorage : storageUrls(context.hosted),
    container: containerName().nullable(),
    'client-image': imageName().nullable(),
    'encryption-passphrase': passphrase().nullable(),
    'encryption-recipients': recipients().nullable(),
    'encryption-identity': identities().nullable(),
    'retention-days': wholeNumber(1, 3650).nullable(),
    'keep-last': wholeNumber(1, 1000),
    jobs: wholeNumber(1, 16),
    label: backupLabel().nullable(),
    verify: choice(['restore', 'archive']),
    recovery: choice(['auto', 'swap'], ['in-place']),
    'on-new-writes': choice(['restore', 'stop']),
    'migration-timeout-minutes': minutes(1440),
    'keep-failed': wholeNumber(0, 100),
    'migrate-command': migrateCommand(project).nullable(),
    backup: backupChoice(),
    confirm: anyText().nullable(),
    'dry-run': choice(['true', 'false']),
    'before-migrate': anyText().nullable(),
    'after-migrate': anyText().nullable(),
    'hook-timeout-minutes': wholeNumber(1, 360),
    'fail-on': choice(['error', 'warning', 'none']),
    comment: choice(['true', 'false']),
    'shadow-database-url': databaseUrl(project).nullable(),
    // Of the doors, not of the commands: they read it as it is.
    'github-token': z.string(),
    // An input of the catalogue that is forgotten here would be ignored without a word.
  } satisfies Record<ParsedInputName, z.ZodType>);
}
export type Fields = z.output<ReturnType<typeof fieldsFor>>;

/** `check` stores nothing; a `storage` given to it is a warning like every input that it does not use. */
const noStorage = z.unknown().transform(() => null);

function laterCommands(): readonly Command[] {
  return commands.filter((command) => !(supportedCommands as readonly Command[]).includes(command));
}
