import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadParser } from '../../../src/lint/parse-sql.ts';
import { Arena, type Bout, type Outcome } from '../../adversary/arena.ts';
import { differences } from '../../adversary/oracle.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

let arena: Arena;
beforeAll(async () => {
  await loadParser();
  arena = await Arena.open(await sharedPostgres());
});
afterAll(() => arena[Symbol.asyncDispose]());

const addsColumn = `ALTER TABLE customer ADD COLUMN x int; CREATE TABLE fresh (id int); SELECT 1/0;`;
const write = `INSERT INTO note VALUES (500, 'of the application')`;

async function application(): Promise<pg.Client & AsyncDisposable> {
  await arena.ready();
  const client = new pg.Client({ connectionString: arena.url, application_name: 'erp' });
  client.on('error', () => {});
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => {}) });
}

/** Runs the migration and lets recovery decide, with `on-new-writes: stop`. `once`: after its first statement. */
async function fight(
  script: string,
  once?: () => Promise<unknown>,
  more: Partial<Bout> = {},
): Promise<Outcome> {
  let isDone = false;
  return await arena.fight({
    migrations: { '2': script },
    mode: 'by-statement',
    onNewWrites: 'stop',
    meanwhile: async () => {
      if (!isDone) await once?.();
      isDone = true;
    },
    ...more,
  });
}

describe('on-new-writes: stop, when a migration fails half-way', () => {
  test('stops for what the application wrote while it ran, and leaves the target open and unlocked', async () => {
    const { result, because, evidence, leftLocked } = await fight(addsColumn, async () => {
      await using client = await application();
      await client.query(write);
    });
    expect(result).toBe('stopped');
    expect(because).toBe('public.note was written to while the migration ran, and on-new-writes is stop');
    expect(evidence?.writesMeanwhile).toEqual({ byOthers: ['public.note'], notToldApart: [] });
    expect(leftLocked).toEqual([]);
  });

  test('swaps when nobody has written: columns and tables that the script has added are no writes', async () => {
    const outcome = await fight(addsColumn);
    expect(outcome).toMatchObject({
      result: 'restored',
      method: 'swap',
      evidence: { writesMeanwhile: { byOthers: [], notToldApart: [] } },
    });
    expect(differences(outcome.before, outcome.after)).toEqual([]);
  });

  test('stops where it cannot tell the application’s rows from those that the script has changed, and says so', async () => {
    const { result, because, evidence } = await fight(`UPDATE customer SET name = 'x'; SELECT 1/0;`);
    expect(result).toBe('stopped');
    expect(because).toContain('rows of public.customer differ from the backup');
    expect(because).toContain('cannot be told apart');
    expect(evidence?.writesMeanwhile).toEqual({ byOthers: [], notToldApart: ['public.customer'] });
  });

  test.for([
    ['a DO block', `DO $$ BEGIN EXECUTE 'ALTER TABLE customer ADD COLUMN x int'; END $$; SELECT 1/0;`],
    ['an old function', `ALTER TABLE customer ADD COLUMN x int; SELECT wipe() WHERE false; SELECT 1/0;`],
  ])('takes any table for the script’s that runs %s', async ([, script]) => {
    const { result, evidence } = await fight(script ?? '', async () => {
      await using client = await application();
      await client.query(write);
    });
    expect(result).toBe('stopped');
    expect(evidence?.writesMeanwhile).toEqual({ byOthers: [], notToldApart: ['public.note'] });
  });

  test('stops for what is written between the comparison and the swap', async () => {
    await using client = await application();
    let written: Promise<unknown> | null = null;
    const { result, evidence, after } = await fight(addsColumn, undefined, {
      onDetail: (line) => {
        if (line.startsWith('swap, because')) written ??= client.query(write);
      },
    });
    await written;
    expect(result).toBe('stopped');
    expect(evidence?.writesMeanwhile?.byOthers).toEqual(['public.note']);
    expect(after.catalogs['table public.fresh']).toBeDefined();
  });

  test('swaps over a transaction of the application that never committed', async () => {
    await using client = await application();
    const outcome = await fight(addsColumn, () => client.query(`BEGIN; ${write}`));
    expect(outcome).toMatchObject({ result: 'restored', method: 'swap' });
    expect(differences(outcome.before, outcome.after)).toEqual([]);
  });
});
