import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { startInContainer } from '../../../docker/container-processes.ts';
import type { Watchman } from '../../../docker/watchman.ts';
import type { ServerVersion } from '../../database.ts';
import type { ArchiveReading, ToolExit, ToolName, ToolProcess, Tools } from '../server/server.ts';
import { connectionArguments } from './tool-arguments.ts';
import type { ToolChoice } from './tool-choice.ts';

/** A running container in which the database's tools can be started. */
export interface ToolContainer {
  /** Its full id. */
  readonly id: string;
  /** What people call the place, e.g. `container applizor-postgres`. */
  readonly place: string;
  readonly watchman: Watchman;
  /** What error messages call the server that is reached from there; null: by the URL's host and port. */
  readonly serverName: string | null;
  /** The PG* variables that lead from inside to `database`; holds the password. */
  environment(database: string): Readonly<Record<string, string>>;
}

/**
 * The database's tools in a container, started by `docker exec`. Dumps come out and archives go in as streams: the
 * container has no file of ours, and pg_restore reads from a stream with one job.
 */
export class ContainerTools implements Tools {
  readonly version: ServerVersion;
  readonly fact: string;
  readonly warnings: readonly string[];
  readonly serverName: string | null;
  /** Even in the machine's own network: where Docker runs in a machine of its own, that is not ours. */
  readonly goesByUrl = false;
  readonly #directory: string;
  readonly #container: ToolContainer;

  constructor(choice: ToolChoice, container: ToolContainer) {
    const { directory, version } = choice.installation;
    this.version = version;
    this.fact = `tools ${version.text} in ${container.place}`;
    this.warnings = choice.warnings;
    this.serverName = container.serverName;
    this.#directory = directory;
    this.#container = container;
  }

  start(tool: ToolName, args: readonly string[], options: Parameters<Tools['start']>[2]): ToolProcess {
    return this.#start(tool, args, options);
  }

  async readArchive(reading: ArchiveReading): Promise<ToolExit & { readonly stdout: string }> {
    const { database, signal, entries } = reading;
    const process = this.#start('pg_restore', reading.args, {
      database,
      signal,
      stdin: 'pipe',
      // A line begins with the entry's id, which is all that pg_restore reads of it.
      ...(entries === null ? {} : { entries: entries.map((line) => line.split(';', 1)[0] ?? '') }),
    });
    if (process.stdin === null) throw new TypeError('pg_restore was started without stdin');
    // It may have read enough before the end (the list stands at the beginning): its exit code tells.
    const sent = pipeline(createReadStream(reading.archivePath), process.stdin).catch(() => {});
    const [stdout, exit] = await Promise.all([text(process.stdout), process.exited, sent]);
    return { ...exit, stdout };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#container.watchman[Symbol.asyncDispose]();
  }

  #start(
    tool: ToolName,
    args: readonly string[],
    options: Parameters<Tools['start']>[2] & { readonly entries?: readonly string[] },
  ): ToolProcess {
    const { database, entries, signal, stdin } = options;
    const connection = database === null ? [] : connectionArguments(database);
    const variables = database === null ? {} : this.#container.environment(database);
    return startInContainer(
      this.#container.id,
      this.#container.watchman,
      [`${this.#directory}/${tool}`, ...connection, ...args],
      {
        env: { ...variables, ...options.env },
        ...(entries === undefined ? {} : { entries }),
        ...(stdin === undefined ? {} : { stdin }),
        ...(signal === undefined ? {} : { signal }),
      },
    );
  }
}
