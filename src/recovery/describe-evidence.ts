import type { RecoveryEvidence } from '../report/recovery-evidence.ts';
import type { FinalDecision } from './answer.ts';
import { sameHistory } from './decision/decide.ts';
import type { Evidence } from './decision/evidence.ts';

/** The evidence as the report holds it: what was compared and found, without the rows themselves. */
export function describeEvidence(evidence: Evidence, decision: FinalDecision): RecoveryEvidence {
  const { before, now, script, writesMeanwhile: writes } = evidence;
  const known = new Set(before.history?.map(({ id }) => id));
  const statements = script?.parsed === true ? script.statements : [];
  return {
    decision: decision.way,
    because: decision.because,
    begun: evidence.begun,
    lock: evidence.lock,
    foreignDeploy: evidence.foreignDeploy,
    stillWorking: evidence.stillWorking,
    history: sameHistory(before.history, now.history) ? 'as-before' : 'changed',
    newRows: (now.history ?? []).filter(({ id }) => !known.has(id)).length,
    historyReach: evidence.historyReach,
    historyIsWatched: evidence.historyIsWatched,
    catalogs: before.witness === now.witness ? 'as-before' : 'changed',
    contents: evidence.contents,
    rewoundSequences: evidence.rewoundSequences,
    eventTriggers: evidence.eventTriggers,
    script:
      script === null
        ? null
        : {
            parsed: script.parsed,
            statements: statements.length,
            mayChangeData: !script.parsed || statements.some((each) => each.mayChangeData),
            breaksAtomicity: !script.parsed || statements.some((each) => each.breaksAtomicity),
          },
    execution: evidence.execution,
    writesBeforeMigration: evidence.writesBeforeMigration,
    writesMeanwhile:
      writes === null ? null : { byOthers: writes.byOthers, notToldApart: writes.notToldApart },
  };
}
