import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { z } from 'zod';
import type { Database, Fingerprint, RunLock } from '../../src/database/database.ts';
import { openDatabase } from '../../src/database/postgres/database.ts';
import { parsePostgresUrl } from '../../src/database/postgres/url.ts';
import { readHistory } from '../../src/prisma/history.ts';
import type { DeployResult } from '../../src/prisma/migrator.ts';
import { judge } from '../../src/prisma/plan.ts';
import { recover } from '../../src/recovery/recover.ts';
import type { Recovery } from '../../src/recovery/recovery-request.ts';
import { RunJournal } from '../../src/recovery/run-journal.ts';
import type { RecoveryEvidence } from '../../src/report/recovery-evidence.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import { type Mode, migrationFile, runMigrations } from './engine.ts';
import { fillIn } from './grammar.ts';
import { type ArenaState, readArenaState } from './oracle.ts';
import { seedHistory, seedSql } from './seed.ts';

export interface Bout {
  /** migration.sql by name, in their order. */
  readonly migrations: Readonly<Record<string, string>>;
  readonly mode: Mode;
  /** What happens in the target while the migrations run, besides them. */
  readonly meanwhile?: (client: pg.Client) => Promise<void>;
  readonly onNewWrites?: 'restore' | 'stop';
  /** The migrator is gone before it could say a word. */
  readonly cutOff?: boolean;
  /** Hears every line of recovery's log, before what it tells of is done. */
  readonly onDetail?: (line: string) => void;
}

export interface Outcome {
  readonly result: 'migrated' | Recovery['result'];
  readonly method: Recovery['method'] | null;
  readonly because: string;
  readonly evidence: RecoveryEvidence | null;
  readonly deployed: DeployResult;
  readonly before: ArenaState;
  readonly after: ArenaState;
  /** Tables that a session of the product's holds locked when all is over. */
  readonly leftLocked: readonly string[];
}

/**
 * A target with its proved copy, on which hostile migrations are let loose and recovery decides, as the action has it do:
 * the product's own decision, database and swap. What the migrator is, stands in engine.ts; who judges, in oracle.ts.
 */
export class Arena implements AsyncDisposable {
  readonly #cluster: PostgresCluster;
  readonly #name: string;
  readonly #url: string;
  readonly #seed: string;
  readonly #friend: string;
  #standing: Standing | null = null;
  #known: Known | null = null;

  private constructor(cluster: PostgresCluster, name: string, url: string, seed: string, friend: string) {
    this.#cluster = cluster;
    this.#name = name;
    this.#url = url;
    this.#seed = seed;
    this.#friend = friend;
  }

  /** `asSuperuser`: the URL's role is one, and so are its scripts. */
  static async open(
    cluster: PostgresCluster,
    options: { readonly asSuperuser?: boolean } = {},
  ): Promise<Arena> {
    const { database: seed, user } = await cluster.createOwnedDatabase('arena_seed');
    await cluster.psql('postgres', `CREATE ROLE "${user}_friend"; GRANT "${user}_friend" TO "${user}"`);
    await cluster.psql(seed, seedHistory + seedSql(`${user}_friend`), { user });
    const name = `arena_${randomBytes(4).toString('hex')}`;
    const url =
      options.asSuperuser === true
        ? cluster.url({ database: name })
        : cluster.url({ database: name, user, password: user });
    return new Arena(cluster, name, url, seed, `${user}_friend`);
  }

  /** A script with this arena's names in it. */
  fill(script: string): string {
    return fillIn(script, this.#cluster, { database: this.#name, friend: this.#friend });
  }

  /** Makes target and copy, where the last bout has left none; `fight` does so by itself. */
  async ready(): Promise<Standing> {
    this.#standing ??= await this.#stand().catch(async (error: unknown) => {
      await this.#fall();
      throw error;
    });
    return this.#standing;
  }

  async fight(bout: Bout): Promise<Outcome> {
    const { database, lock, fingerprint, schemaDigest, before } = await this.ready();
    const run = randomBytes(5).toString('hex');
    const files = Object.entries(bout.migrations).map(([name, script]) => migrationFile(name, script));
    const pending = files.map(({ name }) => name);
    const history = await readHistory(database, 'public');
    const witness = await database.witness();
    const [clock] = await database.query(
      `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "now"`,
      z.object({ now: z.string() }),
    );
    const columns = bout.onNewWrites === 'stop' ? await database.columns() : null;
    const deployed = await runMigrations({ ...bout, url: this.#url, run, files });
    const verdict = await readHistory(database, 'public').then(
      (now) => judge(history, now, files, pending, deployed),
      () => null,
    );
    if (verdict?.isComplete === true) {
      const after = await this.state();
      await this.#fall();
      return {
        result: 'migrated',
        method: null,
        because: '',
        evidence: null,
        deployed,
        before,
        after,
        leftLocked: [],
      };
    }
    const targetOid = await database.oidOf(this.#name);
    const fallback = `${this.#name}__fallback_x`;
    const fallbackOid = await database.oidOf(fallback);
    if (targetOid === null || fallbackOid === null) throw new Error('the arena has lost a database');
    const told: RecoveryEvidence[] = [];
    const recovery = await recover(
      {
        database,
        lock,
        journal: RunJournal.of(
          lock,
          { run, command: 'migrate', targetOid, comment: null, historySchema: 'public', migrations: [] },
          () => {},
        ),
        migrator: {
          kind: 'prisma',
          historySchema: 'public',
          migrations: files,
          deployProbe: async (url) =>
            runMigrations({
              url: url.reveal(),
              run,
              mode: bout.mode,
              isProbe: true,
              files: [migrationFile('probe', 'CREATE TABLE "safe_migrate_probe" (id int);\nSELECT 1/0;\n')],
            }),
        },
        migrationNames: pending,
        baseline: {
          history,
          witness,
          serverTime: clock?.now ?? '',
          targetOid,
          fingerprint,
          fallback: { name: fallback, oid: fallbackOid, schemaDigest },
          dump: null,
          roles: null,
          columns,
        },
        writesBeforeMigration: 0,
        deployed,
        prismaLock: { sight: 'taken', othersSeen: false },
        mayNotGoBack: null,
        tellEvidence: (evidence) => told.push(evidence),
        properties: { comment: null },
        run,
        settings: { recovery: 'auto', onNewWrites: bout.onNewWrites ?? 'restore', jobs: 1 },
      },
      { detail: bout.onDetail ?? (() => {}), warn: () => {}, output: () => {}, progress: () => {} },
    ).catch(async (error: unknown) => {
      await this.#fall();
      throw error;
    });
    const after = await this.state();
    const locked = await this.#cluster.psql(
      this.#name,
      `SELECT l.relation::regclass FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE a.datname = current_database() AND a.application_name LIKE 'safe-migrate%' AND l.locktype = 'relation'`,
    );
    if (recovery.result === 'stopped' || recovery.swapped !== null) await this.#fall();
    const { result, method, because } = recovery;
    const leftLocked = locked.split('\n').filter(Boolean);
    return { result, method, because, evidence: told.at(-1) ?? null, deployed, before, after, leftLocked };
  }

  /** The URL of the application, which uses the same role. */
  get url(): string {
    return this.#url;
  }

  state(): Promise<ArenaState> {
    return readArenaState(this.#cluster.url({ database: this.#name }));
  }

  async #stand(): Promise<Standing> {
    const { superuser } = this.#cluster.info;
    const owner = await this.#cluster.psql(
      'postgres',
      `SELECT datdba::regrole FROM pg_database WHERE datname = '${this.#seed}'`,
    );
    const copies = [this.#name, `${this.#name}__fallback_x`];
    for (const copy of copies) {
      await this.#cluster.psql(
        'postgres',
        `CREATE DATABASE "${copy}" TEMPLATE "${this.#seed}" OWNER ${owner}`,
      );
    }
    await this.#cluster.psql('postgres', `ALTER DATABASE "${copies[1]}" ALLOW_CONNECTIONS false`);
    const { target } = parsePostgresUrl(this.#url);
    if (target === null) throw new Error(`no URL of an arena for ${superuser}`);
    const database = await openDatabase(target);
    const lock = await database.lock({
      run: 'arena',
      description: 'arena',
      startedAt: new Date().toISOString(),
    });
    this.#known ??= await this.#look(database);
    return { database, lock, ...this.#known };
  }

  /** The same of every copy of the seed. */
  async #look(database: Database): Promise<Known> {
    await using snapshot = await database.openSnapshot();
    const { signal } = new AbortController();
    return {
      fingerprint: await snapshot.fingerprint(1, signal),
      schemaDigest: await database.schemaDigest(signal),
      before: await this.state(),
    };
  }

  /** After a bout that left another database in the target's place, or a target that is not as before. */
  async #fall(): Promise<void> {
    const standing = this.#standing;
    this.#standing = null;
    await standing?.lock[Symbol.asyncDispose]();
    await standing?.database[Symbol.asyncDispose]();
    const made = (await this.#cluster.databases()).filter((name) => name.startsWith(this.#name));
    for (const name of made) {
      await this.#cluster.psql('postgres', `ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`);
      await this.#rollBackPrepared(name);
      await this.#cluster.psql('postgres', `DROP DATABASE "${name}" WITH (FORCE)`);
    }
  }

  async #rollBackPrepared(name: string): Promise<void> {
    const gids = await this.#cluster.psql(
      'postgres',
      `SELECT quote_literal(gid) FROM pg_prepared_xacts WHERE database = '${name}'`,
    );
    for (const gid of gids.split('\n').filter(Boolean))
      await this.#cluster.psql(name, `ROLLBACK PREPARED ${gid}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fall();
    await this.#cluster.psql('postgres', `DROP DATABASE "${this.#seed}" WITH (FORCE)`);
  }
}

interface Standing extends Known {
  readonly database: Database;
  readonly lock: RunLock;
}

interface Known {
  readonly fingerprint: Fingerprint;
  readonly schemaDigest: string;
  readonly before: ArenaState;
}
