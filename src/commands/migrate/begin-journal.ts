import { RunJournal } from '../../recovery/journal/run-journal.ts';
import type { Ready } from '../preflight/preflight.ts';
import type { CommandContext } from '../shared/context.ts';
import type { BackupMaking } from '../shared/settings.ts';

/** The journal of a run that is about to begin; null without a lock, because only its holder may write one. */
export function beginJournal(
  context: CommandContext,
  command: BackupMaking['command'],
  { lock, migrator, facts, pending }: Ready,
): RunJournal | null {
  if (lock === null) return null;
  const names = new Set(pending);
  return RunJournal.of(
    lock,
    {
      run: context.run.id,
      command,
      targetOid: facts.oid,
      comment: facts.properties.comment,
      historySchema: migrator?.historySchema ?? 'public',
      migrations: (migrator?.migrations ?? [])
        .filter(({ name }) => command === 'migrate' && names.has(name))
        .map(({ name, checksums }) => ({ name, checksums: [...new Set(checksums)] })),
    },
    context.journalIsOpen,
  );
}
