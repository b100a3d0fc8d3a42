import type { Finding } from '../report/check-report.ts';

/** The files of one commit: path below the repository's root → git's blob id. */
type Listing = ReadonlyMap<string, string>;

interface BranchComparison {
  readonly findings: readonly Finding[];
  /** Migrations that this branch adds, sorted as Prisma sorts. */
  readonly added: readonly string[];
  /** Names of migrations that the base branch has and this one may not have yet: then it is just behind. */
  readonly ahead: ReadonlySet<string>;
}

/**
 * What a branch does to migrations that its base holds already and that are most likely applied somewhere: edited,
 * deleted, renamed; and new ones that sort before old ones. `folder`: the migrations', relative to the repository.
 * `isMerged`: the head is known to come from `base`, so what is missing in it was deleted and is not just behind.
 * `tip`: the base branch as it is now, when it has moved on since.
 */
export function compareBranches(
  base: Listing,
  head: Listing,
  options: { readonly isMerged: boolean; readonly folder: string; readonly tip?: Listing },
): BranchComparison {
  const { folder, isMerged } = options;
  const [before, after] = [scriptsIn(base, folder), scriptsIn(head, folder)];
  const fileOf = (name: string) => `${folder === '' ? '' : `${folder}/`}${name}/migration.sql`;
  const added = [...after.keys()].filter((name) => !before.has(name)).toSorted();
  const gone = [...before.keys()].filter((name) => !after.has(name)).toSorted();
  const findings: Finding[] = [];
  const renamed = new Set<string>();
  for (const name of gone) {
    const twin = added.find((other) => after.get(other) === before.get(name));
    if (twin !== undefined) renamed.add(twin);
    findings.push(twin === undefined ? deleted(name, isMerged) : renaming(name, twin, fileOf));
  }
  for (const [name, blob] of before) {
    const here = after.get(name);
    if (here !== undefined && here !== blob) findings.push(edited(name, fileOf));
  }
  const now = scriptsIn(options.tip ?? base, folder);
  const last = [...now.keys()].toSorted().at(-1);
  for (const name of added) {
    if (last !== undefined && name < last && !renamed.has(name)) {
      findings.push(outOfOrder(name, last, fileOf));
    }
  }
  const ahead = [...now.keys()].filter((name) => !isMerged || !before.has(name));
  return { findings, added, ahead: new Set(ahead) };
}

/** `name → blob` of every `<name>/migration.sql`. */
function scriptsIn(listing: Listing, folder: string): ReadonlyMap<string, string> {
  const scripts = new Map<string, string>();
  const prefix = folder === '' ? '' : `${folder}/`;
  for (const [path, blob] of listing) {
    if (!path.startsWith(prefix)) continue;
    const name = /^([^/]+)\/migration\.sql$/.exec(path.slice(prefix.length))?.[1];
    if (name !== undefined) scripts.set(name, blob);
  }
  return scripts;
}

function edited(name: string, fileOf: (name: string) => string): Finding {
  return {
    severity: 'error',
    code: 'SM_HISTORY_EDITED',
    message: `migration ${name} is on the base branch already and is edited here`,
    hint: 'Where it was applied, the change will never run. Restore the file and put the change into a new migration.',
    file: fileOf(name),
    line: 1,
  };
}

function deleted(name: string, isMerged: boolean): Finding {
  return {
    severity: isMerged ? 'error' : 'warning',
    code: 'SM_HISTORY_MISSING',
    message: isMerged
      ? `migration ${name} is on the base branch and is deleted here`
      : `migration ${name} is on the base branch and not here: deleted, or this branch is behind`,
    hint: 'Restore its folder; databases that have it applied would be ahead of the files.',
    file: null,
    line: null,
  };
}

function renaming(name: string, twin: string, fileOf: (name: string) => string): Finding {
  return {
    severity: 'error',
    code: 'SM_HISTORY_RENAMED',
    message: `migration ${name} of the base branch is renamed to ${twin} here`,
    hint: 'Where it was applied it would run a second time under the new name. Give it its old name back.',
    file: fileOf(twin),
    line: 1,
  };
}

function outOfOrder(name: string, last: string, fileOf: (name: string) => string): Finding {
  return {
    severity: 'warning',
    code: 'SM_MIGRATION_ORDER',
    message: `migration ${name} sorts before ${last}, which is on the base branch already`,
    hint: 'A database that has the later one applied runs them in another order than a new one. Make the migration anew with a later timestamp.',
    file: fileOf(name),
    line: 1,
  };
}
