import { type Command, commands } from '../report/report.ts';

/** What is known about an input apart from its description, which stands in action.yml only. */
interface InputEntry {
  /** The commands that use it; given to another one, it is a warning. */
  readonly commands: readonly Command[];
  /** Equal to action.yml's (a test holds that); also used when a workflow passes an empty text. */
  readonly default?: string;
  /** What it will do. Its part is not built yet: giving it is refused, never silently ignored. */
  readonly later?: string;
  /** The same for one of the commands, where others have it already. */
  readonly laterFor?: Partial<Record<Command, string>>;
  /** Never shown, always masked. */
  readonly secret?: true;
}

/** Every input of action.yml, in its order. */
const inputCatalogue = {
  command: { commands, default: 'migrate' },
  'database-url': { commands, secret: true },
  'working-directory': { commands, default: '.' },
  'prisma-schema': { commands },
  'prisma-config': { commands },
  storage: { commands, default: 'artifact://' },
  'encryption-passphrase': { commands: ['migrate', 'backup', 'rollback', 'drill'], secret: true },
  'encryption-recipients': { commands: ['migrate', 'backup'] },
  'encryption-identity': { commands: ['rollback', 'drill'], secret: true },
  container: { commands },
  'client-image': { commands },
  schemas: { commands, later: 'limit the backup to some schemas' },
  jobs: { commands: ['migrate', 'backup', 'rollback', 'drill'], default: '2' },
  label: { commands: ['migrate', 'backup'] },
  'retention-days': { commands: ['migrate', 'backup', 'prune'] },
  'keep-last': { commands: ['migrate', 'backup', 'prune'], default: '3' },
  'github-token': { commands, default: `\${{ github.token }}`, secret: true },
  verify: { commands: ['migrate', 'backup'], default: 'restore' },
  rehearse: { commands: ['migrate', 'check'], later: 'run the migration on a copy first' },
  recovery: { commands: ['migrate'], default: 'auto' },
  'on-new-writes': { commands: ['migrate'], default: 'restore' },
  'write-fence': { commands: ['migrate'], later: 'make the target read-only while the migration runs' },
  'data-loss': { commands: ['migrate'], later: 'fail when the rehearsal loses rows' },
  'before-migrate': {
    commands: ['migrate', 'rollback'],
    laterFor: { migrate: 'run a command before the snapshot' },
  },
  'smoke-test': { commands: ['migrate'], later: 'test the application after the migration' },
  'after-migrate': {
    commands: ['migrate', 'rollback'],
    laterFor: { migrate: 'run a command at the end' },
  },
  'hook-timeout-minutes': {
    commands: ['migrate', 'rollback'],
    default: '10',
    laterFor: { migrate: 'limit how long a hook may take' },
  },
  'migrate-command': { commands: ['migrate'] },
  'lock-timeout': { commands: ['migrate'], later: 'limit how long the migration waits for locks' },
  'statement-timeout': { commands: ['migrate'], later: 'limit how long a statement of the migration runs' },
  'migration-timeout-minutes': { commands: ['migrate'], default: '60' },
  'migration-window': { commands: ['migrate'], later: 'refuse migrations outside certain hours' },
  'max-recovery-seconds': { commands: ['migrate'], later: 'refuse when coming back would take longer' },
  'keep-failed': { commands: ['migrate'], default: '1' },
  backup: { commands: ['rollback', 'drill'], default: 'latest' },
  confirm: { commands: ['rollback'] },
  'dry-run': { commands: ['rollback', 'prune'], default: 'false' },
  'fail-on': { commands: ['check'], default: 'error' },
  comment: { commands: ['check'], default: 'true' },
  'shadow-database-url': { commands: ['check'], secret: true },
} as const satisfies Record<string, InputEntry>;

export type InputName = keyof typeof inputCatalogue;

/** Every input as it was given, trimmed; empty when it was not. Holds secrets. */
export type RawInputs = Readonly<Record<InputName, string>>;

/** Inputs that the parser has to read: all whose part is built. */
export type ParsedInputName = {
  [Name in InputName]: (typeof inputCatalogue)[Name] extends { readonly later: string } ? never : Name;
}[InputName];

export const inputNames = Object.keys(inputCatalogue) as readonly InputName[];

/** The entry in its general form, for code that treats all inputs alike. */
export function inputEntry(name: InputName): InputEntry {
  return inputCatalogue[name];
}

/** Name of the environment variable in which the runner passes an input. */
export function inputVariable(name: string): string {
  return `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`;
}

/** The known name that is closest to `given` (at most a third of it differs), or null. */
export function closestInput(given: string): InputName | null {
  const wanted = given.toLowerCase().replaceAll(/[_ ]/g, '-');
  let closest: InputName | null = null;
  let closestDistance = Math.floor(wanted.length / 3) + 1;
  for (const name of inputNames) {
    const distance = editDistance(wanted, name);
    if (distance < closestDistance) {
      closest = name;
      closestDistance = distance;
    }
  }
  return closest;
}

/** Levenshtein distance, one row at a time. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 0; i < left.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < right.length; j++) {
      const substituted = (row[j] ?? 0) + (left[i] === right[j] ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
