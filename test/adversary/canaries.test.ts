import { describe, expect, it } from 'vitest';
import { randomOf } from '../faults/random.ts';
import { cheapScrypt } from '../support/cheap-scrypt.ts';
import { readReport } from '../support/refusal.ts';
import type { ActionOptions } from '../support/runner.ts';
import { sharedCeph } from '../support/shared-servers.ts';
import { createWorld, type World } from '../support/world.ts';

const seed = 'canaries of 2026';

/** So many of each kind, 200 in all. */
const kinds = {
  row: 70,
  largeObject: 10,
  databaseSetting: 20,
  roleSetting: 10,
  mapping: 20,
  function: 20,
  schema: 20,
  comment: 10,
  input: 10,
  environment: 10,
} as const;
type Kind = keyof typeof kinds;

interface Canary {
  readonly kind: Kind;
  readonly text: string;
}

/** Texts that stand nowhere by chance, the same for the same seed. */
function canaries(): readonly Canary[] {
  const random = randomOf(seed);
  return Object.entries(kinds).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, number) => ({
      kind: kind as Kind,
      text: `canary-${kind}-${number}-${Math.floor(random.number() * 2 ** 48).toString(36)}`,
    })),
  );
}

/** In whatever clothes it comes. */
function formsOf(text: string): readonly string[] {
  return [
    text,
    ...['', 'x', 'xx'].map((before) => Buffer.from(`${before}${text}`).toString('base64').slice(4, -4)),
  ];
}

const setOf = (all: readonly Canary[], kind: Kind) =>
  all.filter((canary) => canary.kind === kind).map(({ text }) => text);

/** Puts them wherever a database can hold a secret. */
async function plant(world: World, all: readonly Canary[]): Promise<void> {
  const of = (kind: Kind) => setOf(all, kind);
  const superuser = (sql: string) => world.cluster.psql(world.database, sql);
  const { database, user } = world;
  await superuser(
    [
      `ALTER ROLE "${user}" SUPERUSER`,
      ...of('databaseSetting').map(
        (text, n) => `ALTER DATABASE "${database}" SET "app.secret_${n}" = '${text}'`,
      ),
      ...of('roleSetting').map(
        (text, n) => `ALTER ROLE "${user}" IN DATABASE "${database}" SET "app.role_secret_${n}" = '${text}'`,
      ),
    ].join(';\n'),
  );
  const [wrapper, ...mappings] = of('mapping');
  await world.psql(
    [
      ...of('row').map(
        (text) => `INSERT INTO "Customer" ("name", "t") VALUES ('${text}', '{"secret": "${text}"}')`,
      ),
      ...of('largeObject').map((text) => `SELECT lo_from_bytea(0, '${text}')`),
      `CREATE FOREIGN DATA WRAPPER elsewhere OPTIONS (key '${wrapper}')`,
      'CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere',
      `CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (${mappings.map((text, n) => `password_${n} '${text}'`).join(', ')})`,
      ...of('function').map(
        (text, n) => `CREATE FUNCTION secret_${n}() RETURNS text LANGUAGE sql AS $$ SELECT '${text}' $$`,
      ),
      `CREATE TABLE "Keys" (${of('schema')
        .map((text, n) => `"key_${n}" text DEFAULT '${text}' CHECK ("key_${n}" <> '${text}x')`)
        .join(', ')})`,
      ...of('comment').map((text, n) => `COMMENT ON COLUMN "Keys"."key_${n}" IS '${text}'`),
      `COMMENT ON DATABASE "${database}" IS '${of('comment')[0]}'`,
    ].join(';\n'),
  );
}

describe('200 canaries in inputs, environment and database', () => {
  it('are seen by nobody who may read log, report or storage, at RUNNER_DEBUG=1 as well', {
    timeout: 600_000,
  }, async () => {
    const all = canaries();
    expect(all).toHaveLength(200);
    await using world = await createWorld({
      rows: 'SELECT 1',
      // Changes every row, then breaks a unique index: PostgreSQL's DETAIL holds the key's value.
      pending: {
        '20260103000000_fails': `UPDATE "Customer" SET "email" = "name";
          INSERT INTO "Customer" ("name", "email") SELECT 'again', "name" FROM "Customer";`,
      },
    });
    // What a guess at the passphrase costs is nothing that could be seen anywhere.
    const dist = await cheapScrypt(world.folder);
    await plant(world, all);
    const before = await world.state();
    const [passphrase = '', githubToken = '', identity = '', ...unused] = setOf(all, 'input');
    const environment = Object.fromEntries(
      setOf(all, 'environment').map((text, n) => [`SERVICE_${n}_TOKEN`, text]),
    );
    const options = (inputs: Readonly<Record<string, string>>): ActionOptions => ({
      inputs: { 'encryption-passphrase': passphrase, 'github-token': githubToken, ...inputs },
      env: {
        ...environment,
        RUNNER_DEBUG: '1',
        ACTIONS_STEP_DEBUG: 'true',
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: identity,
        ...Object.fromEntries(unused.map((text, n) => [`INPUT_UNUSED_${n}`, text])),
      },
      watchProcesses: true,
    });
    const withoutUnknownInputs = (inputs: Readonly<Record<string, string>>): ActionOptions => {
      const given = options(inputs);
      const env = Object.entries(given.env ?? {}).filter(([name]) => !name.startsWith('INPUT_'));
      return { ...given, env: Object.fromEntries(env) };
    };
    const { secretKey } = (await sharedCeph()).info.owner;
    const secrets = [...all.map(({ text }) => text), secretKey];

    const runs: readonly [string, ActionOptions, string][] = [
      // Inputs that do not exist are refused by their names.
      ['refused', options({}), 'refused'],
      ['migrate', withoutUnknownInputs({}), 'restored'],
      ['rollback', withoutUnknownInputs({ command: 'rollback', confirm: world.database }), 'rolled-back'],
    ];
    for (const [name, given, expected] of runs) {
      await using run = await world.migrate({ dist, ...given });
      const { result } = run;
      expect(result.outputs.result, result.log).toBe(expected);
      const post = await run.post();
      const report = await readReport(result);
      const seen = new Map<string, string | Buffer>([
        ['log', result.rawLog + post.rawLog],
        ['summary', result.summary + post.summary],
        ['annotations', JSON.stringify(result.annotations)],
        ['outputs', JSON.stringify(result.outputs)],
        ['state', JSON.stringify(result.state)],
        ['report', JSON.stringify(report)],
        // report.json, its attachments, and whatever else is left on the machine.
        ...(await run.filesWritten()),
        ...(await world.stored()),
        ...result.processes.map(({ commandLine }, n): [string, string] => [`process ${n}`, commandLine]),
      ]);
      for (const secret of secrets) {
        const places = [...seen].filter(([, content]) =>
          formsOf(secret).some((form) => content.includes(form)),
        );
        expect(
          places.map(([place]) => place),
          `${name}: ${secret}`,
        ).toEqual([]);
      }
    }
    expect(await world.state()).toEqual(before);

    // They would have been seen: without encryption the details hold them.
    await using plain = await world.migrate({ inputs: { command: 'backup', label: 'plain' } });
    const id = plain.result.outputs['backup-id'] ?? '';
    const [, details] = [...(await world.stored())].find(([key]) => key.endsWith(`${id}/details.json`)) ?? [];
    for (const kind of [
      'databaseSetting',
      'roleSetting',
      'mapping',
      'function',
      'schema',
      'comment',
    ] as const)
      for (const text of setOf(all, kind)) expect(details?.includes(text), text).toBe(true);
  });
});
