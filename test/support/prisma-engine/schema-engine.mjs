#!/usr/bin/env node
/**
 * Prisma's schema engine for machines that cannot download the native one: the same engine, compiled to
 * WebAssembly (@prisma/schema-engine-wasm), behind the command line and the JSON-RPC that the Prisma CLI speaks.
 * `PRISMA_SCHEMA_ENGINE_BINARY` points at this file; `SAFE_MIGRATE_TEST_ENGINE_MODE` says how scripts are sent.
 * Plain JavaScript, because the CLI may run it under Node 20.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectionFrom, createEngineAdapter } from './engine-adapter.mjs';
import { describeConnectionError, migrationFailure } from './engine-errors.mjs';
import { loadEngine } from './engine-wasm.mjs';
import { inTodaysWords, urlOfRequest, urlOfSchema, withoutUrls } from './older-requests.mjs';

const request = parseArguments(process.argv.slice(2));
if (request.command === null) serve(request);
else if (request.command === 'pull') await pull(request.url, process.env.SAFE_MIGRATE_TEST_PULL);
else await runCommand(request.command, request);

/** `--datamodels FILE… --datasource JSON [cli COMMAND]`, or `-d` and a plain URL up to Prisma 6; what else the CLI gives does not matter here. */
function parseArguments(args) {
  const datamodels = [];
  let url = null;
  let shadowUrl = null;
  let command = null;
  for (let index = 0; index < args.length; index += 1) {
    if (args[index] === '--version') {
      process.stdout.write('schema-engine-cli wasm\n');
      process.exit(0);
    }
    if (args[index] === '--datamodels' || args[index] === '-d') datamodels.push(args[index + 1]);
    if (args[index] === '--datasource') {
      const given = args[index + 1];
      const datasource = given.startsWith('{') ? JSON.parse(given) : { url: given };
      url = datasource.url ?? null;
      shadowUrl = datasource.shadowDatabaseUrl ?? null;
    }
    if (args[index] === 'cli') command = args[index + 1];
  }
  return { datamodels, url, shadowUrl, command };
}

function schemasOf(schema) {
  const list = /^\s*schemas\s*=\s*(\[.*\])/m.exec(schema)?.[1];
  return list === undefined ? null : JSON.parse(list);
}

/** Our own command: prints the schema of a database, below what `empty` says of the datasource. The bindings hold one engine in a process, so it needs its own. */
async function pull(url, empty) {
  const { factory, begin } = createEngineAdapter(connectionFrom(url), 'by-statement', null);
  const engine = await loadEngine([['schema.prisma', empty]], factory);
  begin('introspect', {});
  const files = [{ path: 'schema.prisma', content: empty }];
  const request = {
    schema: { files },
    baseDirectoryPath: process.cwd(),
    force: true,
    compositeTypeDepth: -1,
    namespaces: schemasOf(empty),
  };
  const { schema } = await engine.introspect(request).catch((error) => {
    if (/introspected database was empty/.test(String(error))) return { schema: { files } };
    throw error;
  });
  process.stdout.write(schema.files[0].content, () => process.exit(0));
}

/** `can-connect-to-database`, `create-database`: answers by exit code and log lines, as the native engine does. */
async function runCommand(command, { url }) {
  const { default: pg } = await import('pg');
  const log = (level, fields) =>
    process.stderr.write(
      `${JSON.stringify({ timestamp: new Date().toISOString(), level, fields, target: 'schema_engine::logger' })}\n`,
    );
  // The CLI skips the first line.
  log('INFO', { message: `Starting schema engine CLI (WebAssembly) ${command}` });
  const connection = connectionFrom(url);
  if (command === 'create-database') connection.config.database = 'postgres';
  const client = new pg.Client(connection.config);
  client.on('error', () => {});
  try {
    await client.connect();
    if (command === 'create-database') {
      await client.query(`CREATE DATABASE "${connection.database.replaceAll('"', '""')}"`);
    }
    await client.end();
    process.stdout.write(command === 'create-database' ? 'Database created\n' : 'Connection successful\n');
  } catch (error) {
    const { error_code, message } = describeConnectionError(error, connection);
    log('ERROR', { message, error_code, is_panic: false });
    process.exitCode = 1;
  }
}

/** One request a line in, one answer a line out, until stdin ends. */
function serve({ datamodels, url, shadowUrl }) {
  const schemas = datamodels.map((path) => [path, readFileSync(path, 'utf8')]);
  let open = null;
  let printed = 0;
  const write = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

  /** Up to Prisma 6 only some requests say which database they mean; then the CLI sends no other ones. */
  function openEngine(request) {
    const connection = connectionFrom(
      url ?? urlOfSchema(schemas.map(([, text]) => text)) ?? urlOfRequest(request),
    );
    const adapter = createEngineAdapter(
      connection,
      process.env.SAFE_MIGRATE_TEST_ENGINE_MODE ?? 'by-statement',
      shadowUrl === null ? null : connectionFrom(shadowUrl),
    );
    const models = schemas.map(([path, text]) => [path, withoutUrls(text)]);
    return { connection, adapter, engine: loadEngine(models, adapter.factory) };
  }

  /**
   * Up to 6 both sides of a `diff` may be databases. This engine knows one; the other one is told to it as the schema
   * that `db pull` would make of it.
   */
  async function withSecondDatabase(method, params, given) {
    const isOfTwo =
      method === 'diff' && given.from.tag === 'schemaDatasource' && given.to.tag === 'schemaDatasource';
    if (!isOfTwo) return params;
    const url = urlOfSchema(given.to.files.map((file) => file.content));
    const [first] = params.to.files;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [fileURLToPath(import.meta.url), '--datasource', url, 'cli', 'pull'],
      { env: { ...process.env, SAFE_MIGRATE_TEST_PULL: first.content } },
    );
    return { ...params, to: { tag: 'schemaDatamodel', files: [{ path: first.path, content: stdout }] } };
  }

  async function answer({ id, method, params: given }) {
    if (method === 'listMigrationDirectories') {
      const { migrationDirectories } = inTodaysWords({ method, params: given }).migrationsList;
      return write({ id, result: { migrations: migrationDirectories.map(({ path }) => path) } });
    }
    open ??= openEngine({ method, params: given });
    const { connection, adapter, engine } = open;
    try {
      const params = await withSecondDatabase(method, inTodaysWords({ method, params: given }), given);
      adapter.begin(method, params);
      const result = await (await engine)[method](params);
      if (method === 'diff' && result.stdout !== null && result.stdout !== undefined) {
        // The native engine prints by asking the CLI to.
        printed += 1;
        write({ id: `print-${printed}`, method: 'print', params: { content: result.stdout } });
      }
      write({ id, result: result ?? {} });
    } catch (error) {
      const data = migrationFailure(adapter.failedScript) ?? describeConnectionError(error, connection);
      write({
        id,
        error: {
          code: 4466,
          message: 'An error happened. Check the data field for details.',
          data: { is_panic: false, ...data },
        },
      });
    }
  }

  let queue = Promise.resolve();
  createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
    .on('line', (line) => {
      const message = JSON.parse(line);
      // Answers to our `print` requests carry no method.
      if (message.method !== undefined) queue = queue.then(() => answer(message));
    })
    .on('close', () => {
      queue.then(() => process.exit(0));
    });
}
