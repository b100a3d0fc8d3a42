/**
 * What the runner gives to actions and to nobody else. A migration, a hook or a database tool that could read
 * these could mint cloud credentials or write the workflow's cache and artifacts.
 */
const runnerSecrets = new Set([
  'ACTIONS_RUNTIME_TOKEN',
  'ACTIONS_RUNTIME_URL',
  'ACTIONS_RESULTS_URL',
  'ACTIONS_CACHE_URL',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'ACTIONS_ID_TOKEN_REQUEST_URL',
  // Files by which a step speaks to the runner: post reads our state back and must be able to trust it.
  'GITHUB_STATE',
]);

/** Files by which a step speaks to the runner: what is written there, later steps of the job believe. */
const runnerFiles = new Set(['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STEP_SUMMARY']);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment for what the checkout brings (Prisma and its config, the migrator) and for git: ours, without the action's
 * inputs and state, the runner's tokens and its files. `GITHUB_TOKEN` stays: it is only there when the workflow put it there.
 */
export function childEnvironment(
  extra: Readonly<Record<string, string>> = {},
  own: Environment = process.env,
): Record<string, string> {
  return { ...keep(own, (name) => !isOfTheAction(name) && !runnerFiles.has(name.toUpperCase())), ...extra };
}

/** The same for a hook, which the workflow itself wrote: like a step's `run:` it may write to the runner's files. */
export function hookEnvironment(
  extra: Readonly<Record<string, string>> = {},
  own: Environment = process.env,
): Record<string, string> {
  return { ...keep(own, (name) => !isOfTheAction(name)), ...extra };
}

/**
 * The environment for psql, pg_dump and pg_restore. Where they connect is said by `extra` alone: an inherited
 * PGSERVICE, PGHOSTADDR or PGOPTIONS would send them elsewhere than Prisma goes, so no PG* variable is inherited.
 */
export function databaseToolEnvironment(
  extra: Readonly<Record<string, string>> = {},
  own: Environment = process.env,
): Record<string, string> {
  const inherited = keep(
    own,
    (name) =>
      !isOfTheAction(name) &&
      !runnerFiles.has(name) &&
      !/^(PG|PSQL)/.test(name) &&
      !/^(LC_.*|LANGUAGE|LANG)$/.test(name),
  );
  // Messages of the tools are read (which connection error is it?), so they must not be translated.
  return { ...inherited, LC_ALL: 'C', ...extra };
}

function isOfTheAction(name: string): boolean {
  const upper = name.toUpperCase();
  return upper.startsWith('INPUT_') || upper.startsWith('STATE_') || runnerSecrets.has(upper);
}

function keep(own: Environment, wanted: (name: string) => boolean): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && wanted(name)) kept[name] = value;
  }
  return kept;
}
