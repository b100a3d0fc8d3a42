import { addQuotations, erpRows, splitNameFails } from '../support/erp.ts';

/** A run as it goes when nobody disturbs it. Faults are put into each of them. */
export interface Way {
  readonly name: WayName;
  /** For the page. */
  readonly story: string;
  readonly pending: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, string>>;
  /** Rows and whatever else is in the database before. */
  readonly rows: string;
  /** What the undisturbed run ends with. */
  readonly result: string;
  readonly method: string;
  /** Phases in which it can be hit, in their order. */
  readonly phases: readonly string[];
}

export const wayNames = [
  'migrated',
  'untouched',
  'history',
  'swap',
  'archive',
  'rollback',
  'container',
] as const;
export type WayName = (typeof wayNames)[number];

/** The migration that is pending in all of them. */
export const pendingName = '20260103000000_next';

/** Enough that dump and proof take a while. */
const rows = `${erpRows}
INSERT INTO "Note" ("text") SELECT md5(n::text) || md5((n + 0.5)::text) FROM generate_series(1, 15000) n;
`;

/** So that moments in the middle of a script are moments and not points. */
const aMoment = 'SELECT pg_sleep(0.25);\n';

/** The tail of every log: after the last phase the result is told, and the folder removed. */
const failing = ['preflight', 'dump', 'prove', 'store', 'migrate', 'recover', 'settle', 'end'];

const splitSlowly = splitNameFails
  .replace('-- AddForeignKey', `${aMoment}-- AddForeignKey`)
  .replace('-- AlterTable', `${aMoment}-- AlterTable`);

/** Refuses the row that Prisma writes before it runs a script, a moment after it was asked. */
const historyIsClosed = `
CREATE FUNCTION "refuse"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.25); RAISE EXCEPTION 'closed'; END $$;
CREATE TRIGGER "closed" BEFORE INSERT ON "_prisma_migrations" FOR EACH ROW EXECUTE FUNCTION "refuse"();
`;

/** Every way of recovery that there is, and a migration that succeeds. */
export const ways: Readonly<Record<WayName, Way>> = {
  migrated: {
    name: 'migrated',
    story: 'a migration that succeeds',
    pending: { [pendingName]: `${addQuotations}${aMoment}UPDATE "Customer" SET "name" = upper("name");\n` },
    inputs: {},
    rows,
    result: 'migrated',
    method: '',
    phases: ['preflight', 'dump', 'prove', 'store', 'migrate', 'confirm', 'settle', 'end'],
  },
  untouched: {
    name: 'untouched',
    story: 'one that fails before it changes anything',
    pending: { [pendingName]: addQuotations },
    inputs: {},
    rows: rows + historyIsClosed,
    result: 'untouched',
    method: 'none',
    phases: failing,
  },
  history: {
    name: 'history',
    story: 'one that leaves nothing but its row in the history',
    pending: {
      [pendingName]: `UPDATE "Customer" SET "name" = NULL WHERE "id" = 1 AND pg_sleep(0.25) IS NOT NULL;\n`,
    },
    inputs: {},
    rows,
    result: 'restored',
    method: 'history',
    phases: failing,
  },
  swap: {
    name: 'swap',
    story: 'one that fails half-way and is undone by swap',
    pending: { [pendingName]: splitSlowly },
    inputs: {},
    rows,
    result: 'restored',
    method: 'swap',
    phases: failing,
  },
  archive: {
    name: 'archive',
    story: 'the same with `verify: archive`: the dump is restored only after the failure',
    pending: { [pendingName]: splitSlowly },
    inputs: { verify: 'archive' },
    rows,
    result: 'restored',
    method: 'swap',
    phases: failing,
  },
  rollback: {
    name: 'rollback',
    story: '`command: rollback` to a stored backup',
    pending: {},
    inputs: { command: 'rollback' },
    rows,
    result: 'rolled-back',
    method: 'swap',
    phases: ['preflight', 'fetch', 'prove', 'recover', 'end'],
  },
  container: {
    name: 'container',
    story: 'undone by swap, with the tools in the container of the database',
    pending: { [pendingName]: splitSlowly },
    inputs: {},
    rows,
    result: 'restored',
    method: 'swap',
    phases: failing,
  },
};
