import { identifier, literal } from '../../sql-text.ts';

/**
 * Settings whose stored value is a list of quoted names. `SET search_path TO 'a, b'` would store one name that holds
 * a comma. The list is fixed: extensions cannot define such settings (GUC_LIST_QUOTE; variable_is_guc_list_quote
 * in pg_dump).
 */
const listSettings: ReadonlySet<string> = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** Splits a `name=value` of pg_db_role_setting. */
export function parseSetting(setting: string): { readonly name: string; readonly value: string } {
  const equals = setting.indexOf('=');
  if (equals === -1) return { name: setting, value: '' };
  return { name: setting.slice(0, equals), value: setting.slice(equals + 1) };
}

/** `SET …` as ALTER DATABASE and ALTER ROLE take it, which stores the setting again exactly as it is. */
export function setClause(setting: string): string {
  const { name, value } = parseSetting(setting);
  const items = listSettings.has(name.toLowerCase()) ? splitNameList(value) : [value];
  return `SET ${identifier(name)} TO ${items.length === 0 ? "''" : items.map(literal).join(', ')}`;
}

/** A form in which two settings that mean the same are equal: blanks between listed names do not count. */
export function comparableSetting(setting: string): string {
  const { name, value } = parseSetting(setting);
  if (!listSettings.has(name.toLowerCase())) return setting;
  return `${name}=${JSON.stringify(splitNameList(value).filter((item) => item !== ''))}`;
}

/** Splits `"$user", public` at its commas and takes the quotes off. */
function splitNameList(value: string): string[] {
  const items: string[] = [];
  for (const match of value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,"\s][^,"]*))\s*(?:,|$)/g)) {
    const [, quoted, plain] = match;
    items.push(quoted === undefined ? (plain ?? '').trim() : quoted.replaceAll('""', '"'));
  }
  return items;
}
