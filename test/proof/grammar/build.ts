import pg from 'pg';
import { type Random, randomOf } from '../../faults/random.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { type Kind, NothingYet } from './kind.ts';
import { allKinds, contentKinds, lateSettingKinds, settingKinds } from './kinds.ts';
import { quoted } from './names.ts';
import { Place } from './place.ts';
import { refreshAll, staleView } from './views.ts';

/** A database as the seed wants it. */
export interface Plan {
  readonly seed: string;
  readonly major: number;
  /** Whether a superuser owns and proves it, or an ordinary role. */
  readonly superuser: boolean;
  readonly statements: number;
}

export interface Built extends AsyncDisposable {
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** What was accepted, in order. */
  readonly accepted: readonly Accepted[];
  /** By kind: how often it was accepted, and the last refusal. */
  readonly counts: ReadonlyMap<string, Count>;
}

export interface Accepted {
  readonly kind: string;
  readonly sql: string;
  readonly by: 'owner' | 'superuser';
}

export interface Count {
  accepted: number;
  rejected: number;
  reason: string;
}

/** Roles and an empty database; disposing of it drops whatever bears its name. */
export async function createEmpty(cluster: PostgresCluster, stem: string, superuser: boolean) {
  const [owner, member, reader, stranger] = ['owner', 'member', 'reader', 'stranger'].map((each) => `${stem}_${each}`);
  const roles = [superuser ? cluster.info.superuser : `${owner}`, `${member}`, `${reader}`, `${stranger}`] as const;
  const created = superuser ? roles.slice(1) : roles;
  for (const role of created) await cluster.createRole(role, { attributes: role === roles[0] ? 'CREATEDB' : '' });
  await cluster.psql('postgres', `GRANT ${quoted(roles[1])}, ${quoted(roles[2])} TO ${quoted(roles[0])}`);
  await cluster.createDatabase(stem, roles[0]);
  await cluster.psql(stem, `GRANT CREATE ON DATABASE ${quoted(stem)} TO ${quoted(roles[1])}; GRANT ALL ON SCHEMA public TO ${quoted(roles[1])}`);
  return {
    database: stem,
    user: roles[0],
    password: superuser ? cluster.info.password : roles[0],
    roles,
    async [Symbol.asyncDispose]() {
      const names = (await cluster.databases()).filter((name) => name === stem || name.startsWith(`${stem}__`));
      await dropSubscriptions(cluster, names);
      await cluster.psql('postgres', [...names.map((name) => `DROP DATABASE ${quoted(name)} WITH (FORCE)`), ...created.toReversed().map((role) => `DROP ROLE ${quoted(role)}`)].join(';\n'));
    },
  };
}

/** Their database cannot be dropped with them. */
async function dropSubscriptions(cluster: PostgresCluster, databases: readonly string[]): Promise<void> {
  const lines = await cluster.psql('postgres', 'SELECT json_build_array(d.datname, s.subname)::text FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid');
  for (const line of lines.split('\n').filter((each) => each !== '')) {
    const [database, name] = JSON.parse(line) as [string, string];
    if (!databases.includes(database)) continue;
    await cluster.psql('postgres', `ALTER DATABASE ${quoted(database)} ALLOW_CONNECTIONS true`);
    await cluster.psql(database, `ALTER SUBSCRIPTION ${quoted(name)} DISABLE; ALTER SUBSCRIPTION ${quoted(name)} SET (slot_name = NONE); DROP SUBSCRIPTION ${quoted(name)}`);
  }
}

export type Empty = Awaited<ReturnType<typeof createEmpty>>;

export async function clientOf(cluster: PostgresCluster, database: string, user?: string, password?: string): Promise<pg.Client> {
  const client = new pg.Client({
    host: cluster.info.host,
    port: cluster.info.port,
    database,
    user: user ?? cluster.info.superuser,
    password: password ?? cluster.info.password,
    // Settings of the database must not stop who builds or reads it.
    options:
      '-c statement_timeout=20s -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off -c client_min_messages=warning -c client_encoding=UTF8 -c standard_conforming_strings=on -c exit_on_error=off -c idle_session_timeout=0 -c quote_all_identifiers=off -c gin_fuzzy_search_limit=0 -c default_transaction_isolation=read\\ committed',
  });
  // The server ends sessions of databases that are swapped; whoever needs this one then hears of it by its queries.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Fills an empty database with what the seed makes of the grammar. */
export async function build(cluster: PostgresCluster, empty: Empty, plan: Plan): Promise<Built> {
  const random = randomOf(plan.seed);
  const builder = new Builder(cluster, empty, plan, random);
  const usable = (kinds: readonly Kind[]) => kinds.filter((each) => isUsable(each, plan));
  // Settings come first, as they do in life; the sessions that fill the database have them.
  const settings = usable(settingKinds).filter(() => random.number() < 0.16);
  await builder.run(settings);
  // One of the rare kinds in every third database: what stops a restore would otherwise hide all the rest.
  const rare = random.number() < 0.35 ? random.pick(usable(contentKinds).filter((each) => each.rare === true)) : null;
  const ordinary = usable(contentKinds).filter((each) => each.foreign !== true && (each.rare !== true || each === rare));
  const foreign = contentKinds.filter((each) => each.foreign === true);
  await builder.run(Array.from({ length: plan.statements }, () => weighted(random, ordinary)));
  await builder.fill();
  await builder.run([refreshAll, ...(random.number() < 0.05 ? [staleView] : [])]);
  if (!plan.superuser && random.number() < 0.08) await builder.run([random.pick(foreign)]);
  await builder.run(usable(lateSettingKinds).filter(() => random.number() < 0.06));
  return { ...empty, accepted: builder.accepted, counts: builder.counts };
}

function isUsable(each: Kind, { major, superuser }: Plan): boolean {
  return (each.from ?? 0) <= major && (each.until ?? 99) > major && (superuser || each.by === undefined);
}

function weighted(random: Random, kinds: readonly Kind[]): Kind {
  const total = kinds.reduce((sum, { weight = 1 }) => sum + weight, 0);
  let rest = random.number() * total;
  for (const each of kinds) {
    rest -= each.weight ?? 1;
    if (rest < 0) return each;
  }
  return random.pick(kinds);
}

class Builder {
  readonly accepted: Accepted[] = [];
  readonly counts = new Map<string, Count>();
  readonly #cluster: PostgresCluster;
  readonly #empty: Empty;
  readonly #plan: Plan;
  readonly #random: Random;
  #made = 0;

  constructor(cluster: PostgresCluster, empty: Empty, plan: Plan, random: Random) {
    this.#cluster = cluster;
    this.#empty = empty;
    this.#plan = plan;
    this.#random = random;
  }

  async run(kinds: readonly Kind[]): Promise<void> {
    await this.#within(async (place, superuser) => {
      for (const each of kinds) await this.#try(each, place, superuser);
    });
  }

  /** Rows for tables that are still empty: an empty one proves little. */
  async fill(): Promise<void> {
    await this.#within(async (place, superuser) => {
      const tables = await place.rows(`SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'proof_net', 'proof_vault') AND pg_relation_size(c.oid) = 0 ORDER BY 1`);
      for (const { name = '' } of tables) {
        await this.#try({ name: 'rows', make: () => place.inserts(name, 6) }, place, superuser);
      }
    });
  }

  async #within(work: (place: Place, superuser: pg.Client) => Promise<void>): Promise<void> {
    const { database, user, password, roles } = this.#empty;
    const client = await clientOf(this.#cluster, database, user, password);
    const superuser = await clientOf(this.#cluster, database);
    try {
      const place = new Place(client, {
        random: this.#random,
        major: this.#plan.major,
        database,
        roles,
        taken: this.#made,
      });
      await work(place, superuser);
      this.#made = place.taken;
    } finally {
      await Promise.all([client.end(), superuser.end()]);
    }
  }

  async #try(each: Kind, place: Place, superuser: pg.Client): Promise<void> {
    const count = this.counts.get(each.name) ?? { accepted: 0, rejected: 0, reason: '' };
    this.counts.set(each.name, count);
    let texts: readonly string[];
    try {
      texts = [await each.make(place)].flat();
    } catch (error) {
      if (error instanceof NothingYet) return;
      throw new Error(`${each.name}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
    const by = each.foreign === true ? 'superuser' : 'owner';
    const client = by === 'superuser' ? superuser : place.client;
    let isAccepted = false;
    for (const sql of texts) {
      try {
        await client.query(sql);
        isAccepted = true;
        this.accepted.push({ kind: each.name, sql, by });
      } catch (error) {
        count.reason = `${error instanceof Error ? error.message : String(error)}: ${sql.slice(0, 300)}`;
        await client.query('ROLLBACK; RESET ROLE').catch(() => {});
      }
    }
    if (isAccepted) count.accepted += 1;
    else count.rejected += 1;
  }
}

/** Kinds that were rejected so often and never accepted, with why. */
export function neverAccepted(counts: readonly ReadonlyMap<string, Count>[], times: number): readonly string[] {
  return allKinds.flatMap(({ name }) => {
    const mine = counts.flatMap((each) => each.get(name) ?? []);
    const rejected = mine.reduce((sum, each) => sum + each.rejected, 0);
    if (rejected < times || mine.some(({ accepted }) => accepted > 0)) return [];
    return [`${name}: ${mine.findLast(({ reason }) => reason !== '')?.reason}`];
  });
}
