/** Where the target is, for people; holds no secret. */
export interface DatabaseAddress {
  readonly database: string;
  /** Host name, address, or directory of the socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

export interface ServerVersion {
  /** `server_version_num`, e.g. 150018. */
  readonly number: number;
  readonly major: number;
  /** e.g. `15.18`. */
  readonly text: string;
}

/** A target that a rollback is to replace although nobody can connect to it. */
export interface Unreachable {
  /** There is no such database; otherwise it is there. */
  readonly isMissing: boolean;
  /** What the server said. */
  readonly because: string;
}
