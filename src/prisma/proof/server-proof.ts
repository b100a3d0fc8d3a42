import { setTimeout as sleep } from 'node:timers/promises';
import type {
  LockHolder,
  MeetingPoint,
  RoutePort,
  ServerPlace,
  TargetPort,
} from '../../database/database.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import { errorCodeIn } from '../cli/deploy.ts';
import type { Migrator, ScriptRun } from '../migrator.ts';

/** `certain`: not asked, because the route is one and the same. `not-proved` holds a line for people. */
type ServerProof =
  | { readonly outcome: 'certain' }
  | { readonly outcome: 'proved'; readonly applicationName: string }
  | { readonly outcome: 'not-proved'; readonly because: string };

const pollMs = 50;
/** A container that has to be made first, on a busy machine. */
const timeoutMs = 120_000;

/** Errors after which a migration could not begin either: authentication, no server, time-out, no database, no access. */
const cannotConnect = new Set(['P1000', 'P1001', 'P1002', 'P1003', 'P1010', 'P1011', 'P1017']);

/**
 * Proves that the migrator works on the very database that the tools back up: both are led to a meeting point in the
 * target. Rejects with SM_OTHER_SERVER when the migrator turns up elsewhere, naming both servers, with
 * SM_SERVER_UNPROVED when it cannot connect at all, for then it could not migrate either, and with SM_MIGRATOR_BUSY
 * when somebody wants to migrate meanwhile: a deploy of somebody else, which is let through, or the migrator unasked.
 */
export async function proveServer(
  database: Pick<TargetPort, 'address' | 'toolsFact'> & RoutePort,
  migrator: Pick<Migrator, 'kind' | 'runScript' | 'runsEntrypoint'>,
  signal: AbortSignal,
): Promise<ServerProof> {
  // The tools and Prisma were compared to use the same host, port and database: here that is the same server.
  if (migrator.kind === 'prisma' && (await database.isOneRoute())) return { outcome: 'certain' };
  const { runScript } = migrator;
  if (runScript === null) {
    return {
      outcome: 'not-proved',
      because:
        'migrate-command is not Prisma’s `migrate deploy` alone, and what else is in it must not run before there is a backup',
    };
  }
  // An entrypoint may migrate before it runs what it was given, and there is no backup yet.
  await using meeting = await database.openMeetingPoint({ keepsMigratorsOut: migrator.runsEntrypoint });
  const visit = await waitForVisit(meeting, (aborted) => runScript(meeting.script, aborted), signal);
  if (visit.applicationName !== null) return { outcome: 'proved', applicationName: visit.applicationName };
  if (visit.waiting !== null) throw somebodyMigrates(database, visit.waiting);

  const other = meeting.otherServerIn(visit.run.output);
  if (other !== null) throw otherServer(database, migrator, meeting.server, other);
  const said = whatItSaid(visit.run);
  if (migrator.kind === 'prisma' || cannotConnect.has(errorCodeIn(visit.run.output) ?? '')) {
    throw new SafeMigrateError({
      code: 'SM_SERVER_UNPROVED',
      message: `${who(migrator)} could not be led to the database that would be backed up: ${said}`,
      hint: 'The migration would fail the same way. See whether `prisma db execute --stdin` works where the migration runs, with the same environment.',
      docs: 'prisma.md',
    });
  }
  return {
    outcome: 'not-proved',
    because: `run as \`prisma db execute --stdin\` it did not turn up: ${said}`,
  };
}

interface Visit {
  /** Of the session that came; null when none did. */
  readonly applicationName: string | null;
  /** Whoever wanted to migrate meanwhile, for whose sake the script was given up. */
  readonly waiting: LockHolder | null;
  readonly run: ScriptRun;
}

/** Waits until the script's session stands at the meeting point, or the script has ended elsewhere. */
async function waitForVisit(
  meeting: MeetingPoint,
  run: (signal: AbortSignal) => Promise<ScriptRun>,
  signal: AbortSignal,
): Promise<Visit> {
  const stop = new AbortController();
  const limits = AbortSignal.any([signal, stop.signal, AbortSignal.timeout(timeoutMs)]);
  let hasEnded = false;
  const running = run(limits).finally(() => {
    hasEnded = true;
  });
  running.catch(() => {});
  try {
    let applicationName: string | null = null;
    let waiting: LockHolder | null = null;
    while (!hasEnded && applicationName === null && waiting === null) {
      applicationName = (await meeting.visitor())?.applicationName ?? null;
      if (applicationName === null) waiting = await meeting.waitingMigrator();
      await Promise.race([running.catch(() => {}), sleep(pollMs)]);
    }
    // It may be ours: when the lock is free, nobody of ours may be left to take it. That is a matter of a second or two,
    // so somebody else's deploy gets the lock within its ten.
    if (waiting !== null) {
      stop.abort();
      await running.catch(() => {});
    }
    // Lets the visitor, or that deploy, go on.
    await meeting[Symbol.asyncDispose]();
    const ended = await running;
    signal.throwIfAborted();
    return { applicationName, waiting, run: ended };
  } finally {
    stop.abort();
    await running.catch(() => {});
  }
}

function otherServer(
  database: Pick<TargetPort, 'toolsFact' | 'address'>,
  migrator: Pick<Migrator, 'kind'>,
  ours: ServerPlace,
  other: ServerPlace,
): SafeMigrateError {
  const { host, port } = database.address;
  const way = migrator.kind === 'prisma' ? `${who(migrator)} (by its URL, ${host}:${port})` : who(migrator);
  return new SafeMigrateError({
    code: 'SM_OTHER_SERVER',
    message: `one database would be backed up and another one migrated: the backup's tools (${database.toolsFact}) reach ${place(ours)}; ${way} reaches ${place(other)}`,
    hint: 'Make both meet in one database: correct container or database-url for the tools, or the URL and port for the migration.',
    docs: 'prisma.md',
  });
}

/** Whose it is cannot be told: a container has an address, a role and names like anybody else's. */
function somebodyMigrates({ address }: Pick<TargetPort, 'address'>, waiting: LockHolder): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_MIGRATOR_BUSY',
    message: `a session of ${waiting.user} wanted to migrate ${address.database} while migrate-command was only asked where it connects to: another deploy, which was let through, or the entrypoint of migrate-command's own container, which was ended before it could begin`,
    hint: 'Nothing was touched by this run. Run it again when the other deploy has ended. Where there is none, the entrypoint of the image runs `prisma migrate deploy`: run the command without it (docker compose run --entrypoint …), and take it out of the image, or it migrates without a backup.',
    docs: 'prisma.md',
  });
}

function who({ kind }: Pick<Migrator, 'kind'>): string {
  return kind === 'prisma' ? 'Prisma' : 'migrate-command';
}

function place(server: ServerPlace): string {
  return [
    `database ${server.database} at ${server.address === null ? 'a socket' : `${server.address}:${server.port}`}`,
    `PostgreSQL ${server.version} running since ${server.startedAt}`,
    ...(server.systemIdentifier === null ? [] : [`system identifier ${server.systemIdentifier}`]),
  ].join(', ');
}

/** Its own last words: the line of an error, or how it ended. */
function whatItSaid({ exitCode, output }: ScriptRun): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const error = lines.findIndex((line) => /^(Error|ERROR):/.test(line));
  const told = error < 0 ? lines.at(-1) : lines.slice(error, error + 2).join(' ');
  if (exitCode === 0) return 'it ended without an error, so it probably does not pass its standard input on';
  return `exit code ${exitCode ?? 'unknown'}${told === undefined ? '' : `, ${told.slice(0, 300)}`}`;
}
