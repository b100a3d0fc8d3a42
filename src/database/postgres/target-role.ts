/** Who we are in the target, as the questions about rights need it. */
export interface TargetRole {
  readonly name: string;
  readonly isSuperuser: boolean;
  readonly mayCreateDatabases: boolean;
}
