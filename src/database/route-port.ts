import type { MeetingPoint } from './meeting-point.ts';

/** Whether everybody who says the target means the same server. */
export interface RoutePort {
  /** Whether the URL's host and port lead everybody on this machine to the server that the tools reach. */
  isOneRoute(): Promise<boolean>;
  /**
   * `keepsMigratorsOut`: whatever else the visitor brings along cannot migrate meanwhile, because Prisma's lock is held
   * here; rejects with SM_MIGRATOR_BUSY when somebody has it.
   */
  openMeetingPoint(options: { readonly keepsMigratorsOut: boolean }): Promise<MeetingPoint>;
}
