import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** URL settings of a datasource, which the engine of Prisma 7 refuses in a schema. */
const urlSetting = /^\s*(?:url|directUrl|shadowDatabaseUrl)\s*=.*$/gm;

/** The schema without its URLs, line for line. */
export function withoutUrls(schema) {
  return schema.replace(urlSetting, '');
}

/**
 * The URL that the engine up to 6 reads out of the schema by itself: `directUrl` if there is one, else `url`; null
 * when the schema names none.
 */
export function urlOfSchema(schemas) {
  for (const property of ['directUrl', 'url']) {
    for (const schema of schemas) {
      const setting = new RegExp(`^\\s*${property}\\s*=\\s*(?:env\\("(\\w+)"\\)|"(.*)")`, 'm').exec(schema);
      if (setting !== null) return setting[1] === undefined ? setting[2] : process.env[setting[1]];
    }
  }
  return null;
}

/**
 * A request of any CLI since 5.0 in the words of today's engine: up to 6.5 the CLI named the migrations' folder, which
 * the engine read, and until 6.18 there were no filters.
 */
export function inTodaysWords({ method, params }) {
  if (params === undefined) return params;
  const { migrationsDirectoryPath, ...rest } = params;
  const today = { filters: { externalTables: [], externalEnums: [] }, ...rest };
  if (migrationsDirectoryPath !== undefined) today.migrationsList = listMigrations(migrationsDirectoryPath);
  if (today.migrationsList !== undefined) today.migrationsList.shadowDbInitScript ??= '';
  if (method === 'diff') return { ...today, from: withoutUrlsIn(today.from), to: withoutUrlsIn(today.to) };
  if (method === 'dbExecute' && today.datasourceType?.tag === 'schema') {
    return { ...today, datasourceType: withoutUrlsIn(today.datasourceType) };
  }
  return today;
}

/** The URL that a request itself brings along, as `db execute` and `migrate diff` do; null for all others. */
export function urlOfRequest({ method, params }) {
  const targets =
    method === 'dbExecute' ? [params.datasourceType] : method === 'diff' ? [params.from, params.to] : [];
  for (const target of targets) {
    if (target.tag === 'url') return target.url;
    if (['schema', 'schemaDatasource'].includes(target.tag)) {
      const url = urlOfSchema((target.files ?? []).map((file) => file.content));
      if (url !== null) return url;
    }
  }
  return null;
}

function withoutUrlsIn(target) {
  if (target.files === undefined) return target;
  const files = target.files.map((file) => ({ ...file, content: withoutUrls(file.content) }));
  return { ...target, files };
}

function listMigrations(directory) {
  const read = (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null;
    }
  };
  let entries = [];
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch {
    // No folder, no migrations.
  }
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return {
    baseDir: directory,
    lockfile: { path: 'migration_lock.toml', content: read(join(directory, 'migration_lock.toml')) },
    shadowDbInitScript: '',
    migrationDirectories: names.sort().map((path) => {
      const value = read(join(directory, path, 'migration.sql'));
      const content = value === null ? { tag: 'error', value: 'not readable' } : { tag: 'ok', value };
      return { path, migrationFile: { path: 'migration.sql', content } };
    }),
  };
}
