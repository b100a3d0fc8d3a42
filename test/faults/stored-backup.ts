import { readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disturbance, disturb, type Fault } from './fault.ts';
import type { FaultWorld } from './ground.ts';
import { randomOf } from './random.ts';
import { ways } from './ways.ts';

const passphrase = 'correct horse battery staple';
const group = 'a stored backup is damaged or exchanged; `rollback` to it';

/** Folders of the world's backups, oldest first. */
async function makeBackups(world: FaultWorld, number: number, inputs: Readonly<Record<string, string>>) {
  for (let made = 0; made < number; made += 1) {
    if (made > 0) await world.psql(`DELETE FROM "Invoice" WHERE "id" <= 10`);
    await using backup = await world.migrate({
      inputs: { command: 'backup', confirm: '', label: `number_${made}`, ...inputs },
    });
    if (backup.result.outputs.result !== 'backed-up') throw new Error(`no backup:\n${backup.result.log}`);
  }
  const all = await readdir(world.backups, { recursive: true });
  return all
    .filter((path) => path.endsWith('/manifest.json'))
    .toSorted()
    .map((path) => join(world.backups, path.slice(0, -'/manifest.json'.length)));
}

/** A rollback to the newest backup after `damage`, which must refuse before anything is touched. */
function refusing(
  name: string,
  story: string,
  damage: (folders: readonly string[], seed: string) => Promise<string>,
  expects: RegExp,
  options: { readonly backups?: number; readonly isSealed?: boolean } = {},
): Fault {
  const inputs = options.isSealed === true ? { 'encryption-passphrase': passphrase } : {};
  return {
    name,
    group,
    way: 'rollback',
    story,
    go: (ground, seed) => {
      let what = '';
      const fault: Disturbance = {
        way: ways.rollback,
        where: 'fetch',
        get what() {
          return what;
        },
        expects,
        ends: 'before',
        prepare: async (world) => {
          const folders = await makeBackups(world, options.backups ?? 1, inputs);
          what = await damage(folders, seed);
          await world.psql(`DELETE FROM "Note" WHERE "id" % 2 = 0`);
          return { inputs };
        },
      };
      return disturb(ground, fault);
    },
  };
}

async function flipBit(file: string, seed: string): Promise<string> {
  const whole = await readFile(file);
  const at = Math.floor(randomOf(seed).number() * whole.length);
  whole[at] = (whole[at] ?? 0) ^ (1 << Math.floor(randomOf(`${seed} bit`).number() * 8));
  await writeFile(file, whole);
  return `a bit of byte ${at} of ${whole.length} flipped`;
}

const dumpOf = (folders: readonly string[], from = -1) => join(folders.at(from) ?? '', 'database.dump');
const manifestOf = (folders: readonly string[]) => join(folders.at(-1) ?? '', 'manifest.json');

async function oneRowLess(manifest: string): Promise<string> {
  const text = await readFile(manifest, 'utf8');
  const rows = Number(/"rows": (\d+)/.exec(text)?.[1]);
  await writeFile(manifest, text.replace(`"rows": ${rows}`, `"rows": ${rows - 1}`));
  return `the manifest says ${rows - 1} rows instead of ${rows}`;
}

/** Every one of them is found before `pg_restore` sees a byte. */
export const storedBackupFaults: readonly Fault[] = [
  ...[1, 2, 3].map((number) =>
    refusing(
      `bit flip ${number}`,
      'one bit of the stored dump is flipped, anywhere',
      (folders, seed) => flipBit(dumpOf(folders), seed),
      /^run: refused \(SM_BACKUP_DAMAGED\)/,
    ),
  ),
  refusing(
    'bit flip in a sealed dump',
    'one bit of the encrypted dump is flipped',
    (folders, seed) => flipBit(`${dumpOf(folders)}.age`, seed),
    /^run: refused \(SM_BACKUP_DAMAGED\)/,
    { isSealed: true },
  ),
  ...([1, 0.5, 0] as const).map((share) =>
    refusing(
      `truncation to ${share === 1 ? 'all but one byte' : `${share * 100} %`}`,
      `the stored dump is cut to ${share === 1 ? 'all but one byte' : `${share * 100} %`}`,
      async (folders) => {
        const { length } = await readFile(dumpOf(folders));
        await truncate(dumpOf(folders), share === 1 ? length - 1 : Math.floor(length * share));
        return `${length} bytes cut short`;
      },
      /^run: refused \(SM_BACKUP_DAMAGED\)/,
    ),
  ),
  refusing(
    'tampered manifest',
    'the manifest of a plain backup is given another number of rows',
    async (folders) => {
      return oneRowLess(manifestOf(folders));
    },
    /^run: refused \(SM_/,
  ),
  refusing(
    'tampered signed manifest',
    'the same, of a backup with a passphrase, whose manifest is signed',
    async (folders) => {
      return oneRowLess(manifestOf(folders));
    },
    /^run: refused \(SM_MANIFEST_NOT_AUTHENTIC\)/,
    { isSealed: true },
  ),
  refusing(
    'swapped archives',
    'the dumps of two backups change places',
    async (folders) => {
      const [older, newer] = [dumpOf(folders, -2), dumpOf(folders)];
      await rename(older, `${older}.aside`);
      await rename(newer, older);
      await rename(`${older}.aside`, newer);
      return 'the dumps of two backups changed places';
    },
    /^run: refused \(SM_BACKUP_DAMAGED\)/,
    { backups: 2 },
  ),
  refusing(
    'swapped backups',
    'dump and manifest of two backups change places together',
    async (folders) => {
      const [older = '', newer = ''] = folders.slice(-2);
      await rename(older, `${older}.aside`);
      await rename(newer, older);
      await rename(`${older}.aside`, newer);
      return 'two whole backups changed places';
    },
    /^run: refused \(SM_BACKUP_(UNREADABLE|NOT_FOUND)\)/,
    { backups: 2 },
  ),
];
