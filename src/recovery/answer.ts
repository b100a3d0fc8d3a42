import type { PhaseLog } from '../report/run-log.ts';
import { compareContents } from './compare-contents.ts';
import { compareWrites } from './compare-writes.ts';
import { type Decision, decide, type Question, withoutEvidence } from './decide.ts';
import type { Evidence } from './evidence.ts';
import { measureExecution } from './measure-execution.ts';
import type { RecoveryRequest } from './recovery-request.ts';
import { whenReachable } from './when-reachable.ts';

/** Decides, and finds out what the decision asks for until it asks no more: reading every table takes long, so only then. */
export async function decideBy(
  gathered: Evidence,
  request: RecoveryRequest,
  log: PhaseLog,
): Promise<{ readonly decision: FinalDecision; readonly evidence: Evidence }> {
  let evidence = gathered;
  for (;;) {
    const decision = decide(evidence);
    if (!isQuestion(decision)) return { decision, evidence };
    evidence = { ...evidence, ...(await answer(decision.way, request, log)) };
  }
}

export type FinalDecision = Exclude<Decision, { readonly way: Question }>;

async function answer(
  question: Question,
  request: RecoveryRequest,
  log: PhaseLog,
): Promise<Partial<Evidence>> {
  switch (question) {
    case 'compare-contents':
      return { contents: await whenReachable(() => compareContents(request, log), log) };
    case 'compare-writes':
      return { writesMeanwhile: await whenReachable(() => compareWrites(request), log) };
    case 'measure-execution': {
      const execution = await measureExecution(request, log);
      if (execution !== 'not-measurable')
        log.detail(
          `this Prisma runs a script ${execution === 'one-query' ? 'as one query' : 'statement by statement'}`,
        );
      return { execution };
    }
  }
}

/**
 * A migration can leave the target so that it cannot even be looked at (its history table altered, rights revoked, a
 * lock left behind). The swap needs no look at it; what forbids a swap still does.
 */
export function decideBlind(
  known: Omit<Parameters<typeof withoutEvidence>[0], 'because' | 'writesMeanwhile'>,
  reason: string,
): FinalDecision {
  const because = `what the migration left cannot be read: ${reason}`;
  const decision = withoutEvidence({ ...known, writesMeanwhile: null, because });
  return isQuestion(decision)
    ? { way: 'stopped', because: `${because}; so nobody can say who wrote what, and on-new-writes is stop` }
    : decision;
}

function isQuestion(decision: Decision): decision is { readonly way: Question } {
  return (
    decision.way === 'compare-contents' ||
    decision.way === 'compare-writes' ||
    decision.way === 'measure-execution'
  );
}
