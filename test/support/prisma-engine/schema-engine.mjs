#!/usr/bin/env node
/**
 * Prisma's schema engine for machines that cannot download the native one: the same engine, compiled to
 * WebAssembly (@prisma/schema-engine-wasm), behind the command line and the JSON-RPC that the Prisma CLI speaks.
 * `PRISMA_SCHEMA_ENGINE_BINARY` points at this file; `SAFE_MIGRATE_TEST_ENGINE_MODE` says how scripts are sent.
 * Plain JavaScript, because the CLI may run it under Node 20.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { connectionFrom, createEngineAdapter } from './engine-adapter.mjs';
import { describeConnectionError, migrationFailure } from './engine-errors.mjs';
import { loadEngine } from './engine-wasm.mjs';
import { inTodaysWords, urlOfRequest, urlOfSchema, withoutUrls } from './older-requests.mjs';

const request = parseArguments(process.argv.slice(2));
if (request.command === null) serve(request);
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

  async function answer({ id, method, params: given }) {
    if (method === 'listMigrationDirectories') {
      const { migrationDirectories } = inTodaysWords({ method, params: given }).migrationsList;
      return write({ id, result: { migrations: migrationDirectories.map(({ path }) => path) } });
    }
    open ??= openEngine({ method, params: given });
    const { connection, adapter, engine } = open;
    const params = inTodaysWords({ method, params: given });
    try {
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
