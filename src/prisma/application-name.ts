/**
 * `application_name` of the sessions that a run's migrator opens, as far as the engine passes PGAPPNAME on:
 * tells them from anybody else's.
 */
export function migratorApplicationName(run: string): string {
  return `safe-migrate migrate ${run}`;
}
