import type { CopiesPort, ExchangePort, LockPort, TargetPort } from '../../database/database.ts';
import type { JournalEntry } from '../../database/journal.ts';
import { closeByHand, finishByHand } from '../../recovery/finish/finish-by-hand.ts';
import { finishRollbackByHand } from '../../recovery/finish/finish-rollback-by-hand.ts';
import type { NextStep } from '../../report/report.ts';
import { type RestorableBackup, restoreByHandCommands, shellWord } from '../../report/restore-by-hand.ts';

/**
 * What a person can do about a run that is left unfinished, from where the server stands now: commands for before the
 * swap are no use after it. `backup` null: nobody knows where it is stored.
 */
export async function waysToFinish(
  database: Pick<TargetPort, 'address'> &
    Pick<CopiesPort, 'copyName' | 'copyMark' | 'leftoverCopies'> &
    Pick<ExchangePort, 'oidOf' | 'failedPlace'> &
    Pick<LockPort, 'closedJournal'>,
  entry: JournalEntry,
  backup: RestorableBackup | null,
): Promise<readonly NextStep[]> {
  const target = database.address.database;
  const failed = database.copyName('failed', entry.run);
  // Who cannot be asked is most likely as he was.
  const ask = (name: string) => database.oidOf(name).catch(() => null);
  if (entry.targetOid !== null && (await ask(failed)) === entry.targetOid)
    return [closeByHand({ target, failed }, database.closedJournal)];
  const copy = entry.fallback;
  const bearsName = await database.oidOf(target).catch(() => undefined);
  if (copy !== null && bearsName === copy.oid)
    return [closeByHand({ target, failed: null }, database.closedJournal)];
  const place = await database.failedPlace(entry.run).catch(() => ({ name: failed, run: entry.run }));
  const isThere = copy !== null && (await ask(copy.name)) === copy.oid;
  const fallback = database.copyName('fallback', entry.run);
  const names = {
    target,
    fallback,
    failed: place.name,
    failedMark: database.copyMark('failed', place.run),
    comment: entry.comment,
    restore:
      isThere || backup === null
        ? []
        : [...(await makeRoom(database, fallback)), ...restoreByHandCommands(backup, fallback)],
    hasCopy: isThere,
    closedJournal: database.closedJournal,
  };
  const targetIsMissing = bearsName === null;
  return entry.command === 'rollback' || targetIsMissing
    ? finishRollbackByHand({ ...names, targetIsMissing })
    : finishByHand(names);
}

/** A copy that was being restored when its run died bears the name that the next one needs. */
async function makeRoom(
  database: Pick<CopiesPort, 'leftoverCopies'>,
  name: string,
): Promise<readonly string[]> {
  const copies = await database.leftoverCopies().catch(() => []);
  return copies.some((copy) => copy.name === name) ? [`dropdb ${shellWord(name)}`] : [];
}
