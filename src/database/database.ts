import type { ContentsPort } from './contents-port.ts';
import type { CopiesPort } from './copies-port.ts';
import type { ExchangePort } from './exchange-port.ts';
import type { LockPort } from './lock-port.ts';
import type { RoutePort } from './route-port.ts';
import type { TargetPort } from './target-port.ts';
import type { WorkPort } from './work-port.ts';

export type { DatabaseAddress, ServerVersion, Unreachable } from './address.ts';
export type { ContentsPort, Snapshot, TableColumns, WriteCounters } from './contents-port.ts';
export type { CopiesPort, Fallback, ForeignDatabase } from './copies-port.ts';
export type { ExchangePort } from './exchange-port.ts';
export type { Fingerprint, TableContent } from './fingerprint.ts';
export type { LockPort, RunLock } from './lock-port.ts';
export type { MeetingPoint, ServerPlace, Visitor } from './meeting-point.ts';
export type { DatabaseProperties } from './properties.ts';
export type { RoutePort } from './route-port.ts';
export type { NamePlan, SwapOutcome, SwapPlan } from './swap-plan.ts';
export type { ConnectionRoom, Obstacle, ServerRole, TargetFacts } from './target-facts.ts';
export type { TargetPort } from './target-port.ts';
export type { WorkPort } from './work-port.ts';
export type { LockHolder, LockWatch, PreparedWork, WorkSession } from './work-session.ts';

/**
 * One target database and the server it lives on, put together of small ports; whoever needs one asks for that one. Every
 * statement and every tool goes the same way. Errors are SafeMigrateErrors; none of them holds row values or secrets.
 * Disposing ends its sessions and its tools.
 */
export interface Database
  extends TargetPort,
    ContentsPort,
    CopiesPort,
    ExchangePort,
    LockPort,
    RoutePort,
    WorkPort,
    AsyncDisposable {}
