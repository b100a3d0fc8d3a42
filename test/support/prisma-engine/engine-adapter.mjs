import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  DriverAdapterError,
} from '@prisma/driver-adapter-utils';
import { parse } from 'libpg-query';
import { migrationFailure } from './engine-errors.mjs';

/** What `pg` needs, out of a Prisma URL. `config` never holds a connection string: see `connectToShadowDb`. */
export function connectionFrom(prismaUrl) {
  const url = new URL(prismaUrl ?? 'postgresql://127.0.0.1:9/none');
  const parameters = url.searchParams;
  const schema = parameters.get('schema') ?? 'public';
  const database = decodeURIComponent(url.pathname.slice(1)) || 'postgres';
  const options = [
    parameters.get('options'),
    `-c search_path=${escapeOption(`"${schema.replaceAll('"', '""')}"`)}`,
  ];
  const sslmode = parameters.get('sslmode') ?? 'disable';
  return {
    database,
    schema,
    host: parameters.get('host') ?? url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    config: {
      host: parameters.get('host') ?? url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(url.port || 5432),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database,
      options: options.filter((option) => option !== null).join(' '),
      ssl: sslmode === 'require' ? { rejectUnauthorized: false } : false,
      connectionTimeoutMillis: Number(parameters.get('connect_timeout') ?? 5) * 1000,
      ...(parameters.has('application_name') ? { application_name: parameters.get('application_name') } : {}),
      // The engine takes its advisory lock by a plain query: all has to run in one session.
      max: 1,
      idleTimeoutMillis: 0,
    },
  };
}

/** In the startup packet's `options`, spaces and backslashes are escaped with a backslash. */
function escapeOption(value) {
  return value.replaceAll('\\', '\\\\').replaceAll(' ', '\\ ');
}

/**
 * The driver adapter as the engine wants it, with what the native engine does and @prisma/adapter-pg does not:
 * catalog types, and scripts sent whole (Prisma up to 7.3) or statement by statement (from 7.4).
 */
export function createEngineAdapter(connection, mode, shadow = null) {
  const state = { failedScript: null };
  let migrations = [];
  const wrap = (adapter) => wrapAdapter(adapter, mode, state, () => migrations);
  const factory = new PrismaPg(connection.config, { schema: connection.schema });
  const connect = factory.connect.bind(factory);
  const connectToShadowDb = factory.connectToShadowDb.bind(factory);
  factory.connect = async () => wrap(await connect());
  factory.connectToShadowDb = async () => {
    // The one that the user named, as the native engine does; it is empty, because this product made it.
    if (shadow !== null) {
      const named = new PrismaPg(shadow.config, { schema: shadow.schema });
      return wrap(await named.connect());
    }
    // The original creates the database by `executeScript` of its own connection; only the result is wrapped.
    factory.connect = connect;
    try {
      return wrap(await connectToShadowDb());
    } finally {
      factory.connect = async () => wrap(await connect());
    }
  };
  return {
    factory: bindMigrationAwareSqlAdapterFactory(factory),
    /** Called before each request. */
    begin(method, params) {
      state.failedScript = null;
      migrations = method === 'applyMigrations' ? params.migrationsList.migrationDirectories : [];
    },
    /** The script that failed in this request: `{migration, script, statement, error}`; null when none did. */
    get failedScript() {
      return state.failedScript;
    },
  };
}

const catalogTypes = new Map([
  [18, ColumnTypeEnum.Text],
  [19, ColumnTypeEnum.Text],
  [1002, ColumnTypeEnum.TextArray],
  [1003, ColumnTypeEnum.TextArray],
]);
const replacementTypes = new Map([
  [18, 25],
  [19, 25],
  [1002, 1009],
  [1003, 1009],
]);

function wrapAdapter(adapter, mode, state, migrations) {
  const performIO = adapter.performIO.bind(adapter);
  adapter.performIO = async (query) => {
    const result = await performIO(await withFailureLog(withoutLock(query), state.failedScript));
    const fields = result.fields?.map((field) =>
      catalogTypes.has(field.dataTypeID)
        ? { ...field, dataTypeID: replacementTypes.get(field.dataTypeID) }
        : field,
    );
    return fields === undefined ? result : { ...result, fields };
  };
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    // The describer reads this catalog column as a character, and all others as texts.
    const columnTypes = result.columnNames.map((name, index) =>
      name === 'constraint_type' ? ColumnTypeEnum.Character : result.columnTypes[index],
    );
    return { ...result, columnTypes };
  };
  adapter.executeScript = async (sent) => {
    const { sql: script } = withoutLock({ sql: sent });
    // Everything else that the engine sends as a script (`db execute`, settings) goes whole in every version.
    const migration = migrations().find(({ migrationFile }) => migrationFile.content.value === script);
    const isSplit = migration !== undefined && mode === 'by-statement';
    for (const statement of isSplit ? await splitScript(script) : [script]) {
      try {
        await adapter.underlyingDriver().query(statement);
      } catch (error) {
        if (migration !== undefined) {
          state.failedScript = { migration: migration.path, statement, error };
          // A `BEGIN` of the script itself would keep the engine from writing down what failed.
          await adapter.underlyingDriver().query('ROLLBACK');
        }
        throwDriverError(adapter, error);
      }
    }
  };
  return adapter;
}

/** The native engine asks the environment whether to take its lock; WebAssembly knows none. */
function withoutLock(query) {
  const isOff = ['1', 'true'].includes(process.env.PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK);
  return isOff && /^SELECT pg_advisory_lock\(/.test(query.sql) ? { ...query, sql: 'SELECT 1' } : query;
}

function throwDriverError(adapter, error) {
  try {
    adapter.onError(error);
  } catch (mapped) {
    throw mapped instanceof DriverAdapterError ? mapped : error;
  }
}

/** The row's `logs` get the text that the native engine writes; the WebAssembly one knows less about the error. */
async function withFailureLog(query, failedScript) {
  const failure = migrationFailure(failedScript);
  if (failure === null || !/UPDATE.*_prisma_migrations.*"logs"/s.test(query.sql)) return query;
  return {
    ...query,
    args: query.args.map((arg, index) =>
      index === 0 ? `${failure.message}\n\n   0: sql_schema_connector::apply_migration::apply_script` : arg,
    ),
  };
}

/** Splits with PostgreSQL's own parser; its offsets count bytes. A script that it cannot read is sent whole. */
async function splitScript(script) {
  const bytes = Buffer.from(script, 'utf8');
  let parsed;
  try {
    parsed = await parse(script);
  } catch {
    return [script];
  }
  return (parsed.stmts ?? []).map(({ stmt_location: start = 0, stmt_len: length = 0 }) =>
    bytes.subarray(start, length === 0 ? undefined : start + length).toString('utf8'),
  );
}
