import type { ToolExit, ToolName } from './server.ts';

/** What a tool's last words say, without row values. */
export interface ToolFailure {
  /** e.g. `query failed: ERROR:  permission denied for table salaries`. */
  readonly message: string;
  /** What it was working on, e.g. `TABLE DATA invoices`; null when it did not say. */
  readonly object: string | null;
}

/**
 * Reads the first error out of what pg_dump, pg_restore or psql wrote to stderr. Only the lines that carry the
 * error itself are taken: DETAIL, CONTEXT, HINT, QUERY and `Command was` may hold values of the user's rows.
 */
export function describeToolFailure(tool: ToolName, exit: ToolExit): ToolFailure {
  const lines = exit.stderr.split('\n');
  const errorAt = lines.findIndex((line) => errorLine.test(line));
  const object = restoredObject(lines, errorAt) ?? tableOf(lines) ?? commandObject(lines);
  if (errorAt === -1) return { message: `${tool} ended with ${describeEnd(exit)} and said nothing`, object };
  const first = textOf(lines[errorAt]);
  const reported = serverMessage(lines.slice(errorAt + 1));
  const message = first.includes('ERROR: ') || reported === null ? first : `${first} ${reported}`;
  return { message: message.trim(), object };
}

/** Whether a tool failed because the server went away or was not back yet: the same may work in a moment. */
export function isConnectionLoss({ stderr }: Pick<ToolExit, 'stderr'>): boolean {
  return /server closed the connection|terminating connection|Connection (refused|reset)|the database system is (starting up|shutting down|in recovery mode|not yet accepting connections)/.test(
    stderr,
  );
}

/** `exit code 3` or `signal SIGKILL`. */
function describeEnd(exit: Pick<ToolExit, 'exitCode' | 'signal'>): string {
  return exit.signal === null ? `exit code ${exit.exitCode ?? 'unknown'}` : `signal ${exit.signal}`;
}

const errorLine =
  /^(pg_dump|pg_restore|psql): (error|fatal): |^psql:[^ ]*: (ERROR|FATAL|error): |^(ERROR|FATAL): /;

function textOf(line: string | undefined): string {
  return (line ?? '').replace(/^(pg_dump|pg_restore|psql): (error|fatal): /, '').replace(/^psql:[^ ]*: /, '');
}

/** pg_dump gives the server's own words on a line of detail. */
function serverMessage(lines: readonly string[]): string | null {
  for (const line of lines) {
    const match = /(?:pg_dump|pg_restore): (?:detail|error): Error message from server: (.+)$/.exec(line);
    if (match?.[1] !== undefined) return match[1].trim();
  }
  return null;
}

/**
 * pg_restore names the entry just before its error: `from TOC entry 3316; 0 16387 TABLE DATA bad owner`
 * (dump id; catalog and object id; type, name, owner).
 */
function restoredObject(lines: readonly string[], errorAt: number): string | null {
  const before = errorAt === -1 ? lines : lines.slice(0, errorAt + 1);
  for (const line of before.toReversed()) {
    const match = /from TOC entry \d+; \d+ \d+ (.+)$/.exec(line);
    if (match?.[1] !== undefined) return match[1].replace(/ \S*$/, '');
  }
  return null;
}

/** Both name the table whose rows they were copying; the parallel workers of pg_restore name no entry. */
function tableOf(lines: readonly string[]): string | null {
  for (const line of lines) {
    const match = /(?:Dumping the contents of|COPY failed for) table "(.+?)"(?: failed)?:/.exec(line);
    if (match?.[1] !== undefined) return `TABLE DATA ${match[1]}`;
  }
  return null;
}

const name = String.raw`(?:"(?:[^"]|"")*"|[^\s."();]+)`;
const commandHead = new RegExp(
  String.raw`^Command was: (?:CREATE|ALTER|REFRESH|COMMENT ON)((?: [A-Z]+)+) (${name}(?:\.${name})?)`,
);

/** The type and name in the head of the refused statement; the rest of it is not shown. */
function commandObject(lines: readonly string[]): string | null {
  for (const line of lines) {
    const [, words, object] = commandHead.exec(line) ?? [];
    if (words !== undefined) return `${words.replace(/ (OR REPLACE|UNIQUE|ONLY)\b/g, '').trim()} ${object}`;
  }
  return null;
}
