import pg from 'pg';
import { isAtWork, journalOf, until } from '../support/dead-run.ts';
import { disturb, type Fault, failsSoon } from './fault.ts';
import type { FaultWorld } from './ground.ts';
import { lineOf } from './kill.ts';
import { ways } from './ways.ts';

const isAsleep = (world: FaultWorld) => until(world, isAtWork(world, '^\\s*SELECT pg_sleep'));

/** Swaps that cannot happen: both errors are told, and the printed commands finish the job once the way is clear. */
const recoveryFails = /^run: recovery-failed \(SM_MIGRATION_FAILED, SM_RECOVERY_FAILED\)/;

/** A session of a superuser, which an ordinary role may not end. */
const superusersSession: Fault = {
  name: 'superuser in the way',
  group: "a superuser's session in the database that is to be swapped",
  way: 'swap',
  story: 'stays until a person ends it',
  go: async (ground) => {
    const sessions: pg.Client[] = [];
    const end = async () => {
      for (const session of sessions.splice(0)) await session.end();
    };
    try {
      return await disturb(ground, {
        way: failsSoon,
        where: 'migrate',
        what: 'a superuser came in while the migration ran',
        expects: recoveryFails,
        ends: 'before',
        disturb: async (world) => {
          await isAsleep(world);
          const session = new pg.Client({
            connectionString: world.cluster.url({ database: world.database }),
          });
          session.on('error', () => {});
          await session.connect();
          sessions.push(session);
        },
        clear: end,
      });
    } finally {
      await end();
    }
  },
};

/** Survives every session, and PostgreSQL renames no database that holds one. */
const preparedTransaction: Fault = {
  name: 'prepared transaction',
  group: 'a prepared transaction in the database that is to be swapped',
  way: 'swap',
  story: 'stays until a person rolls it back',
  go: (ground) => {
    const gid = (world: FaultWorld) => `held_${world.database}`;
    return disturb(ground, {
      way: failsSoon,
      where: 'migrate',
      what: 'the application prepared a transaction while the migration ran',
      expects: recoveryFails,
      ends: 'before',
      disturb: async (world) => {
        await isAsleep(world);
        await world.psql(
          `BEGIN; INSERT INTO "Note" ("text") VALUES ('held'); PREPARE TRANSACTION '${gid(world)}'`,
        );
      },
      clear: async (world) => {
        await world.psql(`ROLLBACK PREPARED '${gid(world)}'`);
      },
    });
  },
};

/** Somebody else's database that bears the very name which the copy is to have. */
const nameIsTaken: Fault = {
  name: 'fallback name exists',
  group: "the fallback's name exists already",
  way: 'migrated',
  story: "somebody else's database bears it; it must be left alone",
  go: async (ground) => {
    let taken = '';
    return disturb(ground, {
      way: ways.migrated,
      where: 'prove',
      what: "somebody else's database of that name was made during the dump",
      expects: /^run: refused \(SM_\w+\)/,
      ends: 'before',
      prepare: async () => undefined,
      disturb: async (world, run) => {
        const holder = new pg.Client({ connectionString: world.url });
        await holder.connect();
        await holder.query('BEGIN; LOCK TABLE "Note" IN ACCESS EXCLUSIVE MODE');
        try {
          await until(
            world,
            `EXISTS (SELECT FROM pg_stat_activity WHERE datname = '${world.database}' AND application_name = 'safe-migrate dump' AND wait_event_type = 'Lock')`,
          );
          taken = `${world.database}__fallback_${(await journalOf(world))?.run}`;
          await world.cluster.createDatabase(taken);
          await world.cluster.psql(taken, 'CREATE TABLE "theirs" ()');
        } finally {
          await holder.end();
        }
        await run.finished;
        await world.cluster.psql(taken, 'SELECT FROM "theirs"');
      },
      isOurs: (leftover) => leftover === `database ${taken}`,
    });
  },
};

/** CREATE DATABASE and the comment that marks the copy are two statements. */
const unmarkedCopy: Fault = {
  name: 'died before the mark',
  group: "the run dies between the copy's CREATE DATABASE and its mark",
  way: 'swap',
  story: 'killed in the dump, and the copy made as it would have made it',
  go: (ground) =>
    disturb(ground, {
      way: ways.swap,
      where: 'prove',
      what: 'killed before it could mark its copy',
      expects: /^run: killed post: untouched/,
      ends: 'before',
      disturb: async (world, run) => {
        await run.waitForLog(lineOf('preflight'));
        await until(world, journalIsOpen(world));
        await run.killTree();
        await world.cluster.createDatabase(
          `${world.database}__fallback_${(await journalOf(world))?.run}`,
          world.user,
        );
      },
    }),
};

const journalIsOpen = (world: FaultWorld) =>
  `EXISTS (SELECT FROM pg_database WHERE datname = '${world.database}__safe_migrate' AND shobj_description(oid, 'pg_database') LIKE '%"journal"%')`;

/** What stands in the way of a swap or of a copy. */
export const inTheWayFaults: readonly Fault[] = [
  superusersSession,
  preparedTransaction,
  nameIsTaken,
  unmarkedCopy,
];
