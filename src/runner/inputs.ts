import type { z } from 'zod';
import type { MigrateSettings, Settings } from '../commands/shared/settings.ts';
import { secretsIn } from '../database/postgres/server/url-secrets.ts';
import { type Command, commands } from '../report/report.ts';
import { type Problem, RefusedError } from '../system/errors.ts';
import { encryptionConflict, encryptionOf, encryptionWarnings, secretLines } from './encryption-fields.ts';
import type { GitHubContext } from './github-context.ts';
import {
  closestInput,
  type InputName,
  inputEntry,
  inputNames,
  inputVariable,
  type RawInputs,
} from './input-catalogue.ts';
import type { IssueParameters } from './input-fields.ts';
import { type Fields, fieldsFor } from './input-schema.ts';

interface ParsedInputs {
  readonly settings: Settings;
  readonly warnings: readonly string[];
}

/** Reads `INPUT_*` as the runner passes it; the only reader of inputs. */
export function readInputs(env: NodeJS.ProcessEnv): RawInputs {
  return Object.fromEntries(
    inputNames.map((name) => [name, (env[inputVariable(name)] ?? '').trim()]),
  ) as Record<InputName, string>;
}

/** Values that must be masked before anything else is done: every secret input, of URLs the parts as well. */
export function secretsOf(raw: RawInputs): readonly string[] {
  const given = inputNames.filter((name) => inputEntry(name).secret && raw[name] !== '');
  return given.flatMap((name) => {
    if (name.endsWith('-url')) return secretsIn(raw[name]);
    return name === 'encryption-identity' ? [raw[name], ...secretLines(raw[name])] : [raw[name]];
  });
}

/** The command that was asked for, for a report about inputs that cannot be parsed. */
export function requestedCommand(raw: RawInputs): Command {
  return commands.find((command) => command === raw.command) ?? 'migrate';
}

/**
 * Turns the inputs into settings that need no further checking, or rejects with one RefusedError
 * (phase `inputs`) that names everything that is wrong with them. No message holds a secret.
 */
export function parseInputs(env: NodeJS.ProcessEnv, context: GitHubContext): ParsedInputs {
  const raw = readInputs(env);
  const problems = [
    ...unknownInputs(env),
    ...notYetInputs(raw),
    ...encryptionConflict(raw),
    ...missingConfirmation(raw),
    ...archiveWithoutKey(raw),
  ];

  const parsed = fieldsFor(context, raw).safeParse(withDefaults(raw));
  if (!parsed.success) problems.push(...parsed.error.issues.map(problemOf));
  if (problems.length > 0 || !parsed.success) throw new RefusedError(problems, { phase: 'inputs' });

  const settings = settingsOf(parsed.data);
  return {
    settings,
    warnings: [
      ...unusedInputs(raw, parsed.data.command),
      ...('encryption' in settings ? encryptionWarnings(settings.encryption) : []),
    ],
  };
}

function settingsOf(fields: Fields): Settings {
  const project = {
    databaseUrl: fields['database-url'],
    workingDirectory: fields['working-directory'],
    prismaSchema: fields['prisma-schema'],
    prismaConfig: fields['prisma-config'],
    container: fields.container,
    clientImage: fields['client-image'],
  };
  if (fields.command === 'check') {
    return {
      command: 'check',
      ...project,
      failOn: fields['fail-on'],
      comment: fields.comment === 'true',
      shadowDatabaseUrl: fields['shadow-database-url'],
    };
  }
  const retention = {
    migrateDays: fields['retention-days'] ?? 30,
    otherDays: fields['retention-days'] ?? 7,
    keepLast: fields['keep-last'],
  };
  if (fields.storage === null) throw new TypeError('only check goes without a storage');
  if (fields.command === 'rollback') {
    return {
      command: 'rollback',
      ...project,
      storages: fields.storage,
      jobs: fields.jobs,
      keys: {
        passphrase: fields['encryption-passphrase'],
        identities: fields['encryption-identity'] ?? [],
      },
      backup: fields.backup,
      confirm: fields.confirm,
      dryRun: fields['dry-run'] === 'true',
      beforeMigrate: fields['before-migrate'],
      afterMigrate: fields['after-migrate'],
      hookTimeoutMinutes: fields['hook-timeout-minutes'],
    };
  }
  if (fields.command === 'prune') {
    return {
      command: 'prune',
      ...project,
      storages: fields.storage,
      retention,
      dryRun: fields['dry-run'] === 'true',
    };
  }
  const common = {
    ...project,
    storages: fields.storage,
    encryption: encryptionOf(fields),
    retention,
    jobs: fields.jobs,
    label: fields.label,
    verify: fields.verify,
  } satisfies Omit<
    MigrateSettings,
    'command' | 'migrateCommand' | 'recovery' | 'onNewWrites' | 'migrationTimeoutMs' | 'keepFailed'
  >;
  if (fields.command === 'backup') return { command: 'backup', ...common };
  return {
    command: 'migrate',
    ...common,
    migrateCommand: fields['migrate-command'],
    recovery: fields.recovery,
    onNewWrites: fields['on-new-writes'],
    migrationTimeoutMs: fields['migration-timeout-minutes'],
    keepFailed: fields['keep-failed'],
  };
}

/** Empty texts become the default, or null where there is none. */
function withDefaults(raw: RawInputs): Record<string, string | null> {
  return Object.fromEntries(
    inputNames.map((name) => [name, raw[name] || (inputEntry(name).default ?? null)]),
  );
}

/**
 * The runner passes inputs that action.yml does not know as well (it only prints a warning), so a mistyped
 * name would silently mean its default.
 */
function unknownInputs(env: NodeJS.ProcessEnv): Problem[] {
  const known = new Set(inputNames.map(inputVariable));
  return Object.keys(env)
    .filter((variable) => variable.startsWith('INPUT_') && !known.has(variable))
    .sort()
    .map((variable) => {
      const given = variable.slice('INPUT_'.length).toLowerCase();
      const closest = closestInput(given);
      return {
        code: 'SM_INPUT',
        message: `${given}: there is no such input`,
        hint: closest
          ? `Did you mean ${closest}?`
          : `Remove it from the step's \`with:\`, or the variable ${variable} from the environment.`,
      };
    });
}

/** A rollback replaces a database, so its name has to be given a second time. Which one it is, is known later. */
function missingConfirmation(raw: RawInputs): Problem[] {
  if (raw.command !== 'rollback' || raw['dry-run'] === 'true' || raw.confirm !== '') return [];
  return [
    {
      code: 'SM_INPUT',
      message: 'confirm: must be given: a rollback replaces the database',
      hint: 'Look at what `dry-run: true` says, then give the name of the database as `confirm`.',
    },
  ];
}

/** Without a copy on the server, who finishes a dead run has only the stored backup, and must be able to open it. */
function archiveWithoutKey(raw: RawInputs): Problem[] {
  if (requestedCommand(raw) !== 'migrate' || raw.verify !== 'archive' || raw['encryption-recipients'] === '')
    return [];
  return [
    {
      code: 'SM_INPUT',
      message:
        'verify: archive does not go with encryption-recipients: after a run that died nobody here could open its backup',
      hint: 'Leave verify at restore, or encrypt with encryption-passphrase.',
    },
  ];
}

/** Inputs whose part is not built yet, given by the user. */
function notYetInputs(raw: RawInputs): Problem[] {
  return inputNames.flatMap((name) => {
    const entry = inputEntry(name);
    const later = entry.later ?? entry.laterFor?.[requestedCommand(raw)];
    if (later === undefined || raw[name] === '' || raw[name] === entry.default) return [];
    return [
      {
        code: 'SM_NOT_YET' as const,
        message: `${name}: arrives with a later version of safe-migrate (it will ${later})`,
        hint: `Remove ${name} from this step until then; nothing was touched.`,
      },
    ];
  });
}

/** Inputs that were given, differ from their default, and mean nothing to this command. */
function unusedInputs(raw: RawInputs, command: Command): string[] {
  return inputNames
    .filter((name) => !inputEntry(name).commands.includes(command))
    .filter((name) => raw[name] !== '' && raw[name] !== inputEntry(name).default)
    .map((name) => `${name}: not used by command ${command}`);
}

function problemOf(issue: z.core.$ZodIssue): Problem {
  const parameters: Partial<IssueParameters> = issue.code === 'custom' ? (issue.params ?? {}) : {};
  return {
    code: parameters.code ?? 'SM_INPUT',
    message: `${issue.path.join('.')}: ${issue.message}`,
    hint: parameters.hint ?? 'See the table of inputs in the README.',
  };
}
