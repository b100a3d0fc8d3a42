import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { databaseToolEnvironment } from '../../../system/child-environment.ts';
import { messageOf, SafeMigrateError } from '../../../system/errors.ts';
import { startProcess } from '../../../system/process.ts';
import type { ServerVersion } from '../../database.ts';
import type { ArchiveReading, ToolExit, ToolName, ToolProcess, Tools } from '../server/server.ts';
import type { ConnectionTarget } from '../server/url.ts';
import { connectionArguments } from './tool-arguments.ts';
import type { ToolChoice } from './tool-choice.ts';

/** The database's tools as they are installed on this machine. */
export class MachineTools implements Tools {
  readonly version: ServerVersion;
  readonly fact: string;
  readonly warnings: readonly string[];
  readonly goesByUrl = true;
  readonly serverName = null;
  readonly #directory: string;
  readonly #target: ConnectionTarget;

  constructor(choice: ToolChoice, target: ConnectionTarget) {
    const { directory, version } = choice.installation;
    this.version = version;
    this.fact = `tools ${version.text} in ${directory}`;
    this.warnings = choice.warnings;
    this.#directory = directory;
    this.#target = target;
  }

  start(tool: ToolName, args: readonly string[], options: Parameters<Tools['start']>[2]): ToolProcess {
    const { database } = options;
    const connection = database === null ? [] : connectionArguments(database);
    const variables = database === null ? {} : this.#target.environment(database);
    return startProcess(join(this.#directory, tool), [...connection, ...args], {
      env: databaseToolEnvironment({ ...variables, ...options.env }),
      stdin: options.stdin ?? 'ignore',
      // Out of our terminal's group: a Ctrl-C reaches us first, and we decide what to stop.
      ownGroup: true,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  }

  async readArchive(reading: ArchiveReading): Promise<ToolExit & { readonly stdout: string }> {
    const { archivePath, database, entries, jobs, signal } = reading;
    const args = [...reading.args, ...(jobs > 1 ? [`--jobs=${jobs}`] : [])];
    const listPath = `${archivePath}.${randomBytes(4).toString('hex')}.list`;
    try {
      if (entries !== null) {
        await writeFile(listPath, `${entries.join('\n')}\n`, { mode: 0o600 }).catch((error: unknown) => {
          throw listNotWritten(listPath, error);
        });
        args.push(`--use-list=${listPath}`);
      }
      const process = this.start('pg_restore', [...args, archivePath], { database, signal });
      const [stdout, exit] = await Promise.all([text(process.stdout), process.exited]);
      return { ...exit, stdout };
    } finally {
      await rm(listPath, { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Beside the dump, on the runner's disk. */
function listNotWritten(path: string, error: unknown): SafeMigrateError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new SafeMigrateError({
    code: isFull ? 'SM_DISK_FULL' : 'SM_DISK',
    message: isFull
      ? `the disk is full: ${path}, which names what is to be restored, could not be written`
      : `${path}, which names what is to be restored, could not be written (${code})`,
    hint: 'Look at the disk where the runner keeps its temporary files (RUNNER_TEMP): free space there, or use a larger one.',
    cause: error,
  });
}
