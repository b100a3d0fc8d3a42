import { fileURLToPath } from 'node:url';

/** How a migration script reaches the server: as one query (Prisma up to 7.3), or each statement by itself (from 7.4). */
export type EngineMode = 'whole-script' | 'by-statement';

/** The environment that makes the Prisma CLI use the WebAssembly engine in this mode. */
export function prismaEngineEnv(mode: EngineMode): Record<string, string> {
  return {
    PRISMA_SCHEMA_ENGINE_BINARY: fileURLToPath(new URL('./schema-engine.mjs', import.meta.url)),
    SAFE_MIGRATE_TEST_ENGINE_MODE: mode,
    // No telemetry, no update notice: tests and the demo speak to nobody.
    CHECKPOINT_DISABLE: '1',
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  };
}
