import { fileURLToPath } from 'node:url';
import type { PrismaChoice } from '../prisma-project.ts';

/** How a migration script reaches the server: as one query (Prisma up to 7.3), or each statement by itself (from 7.4). */
export type EngineMode = 'whole-script' | 'by-statement';

/** The way of the version's own engine. */
export function engineModeOf(prisma: PrismaChoice): EngineMode {
  return prisma === '5' || prisma === '6' ? 'whole-script' : 'by-statement';
}

const engine = fileURLToPath(new URL('./schema-engine.mjs', import.meta.url));

/** No telemetry, no update notice: tests and the demo speak to nobody. */
export const quietPrisma = { CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' };

/** The environment that makes the Prisma CLI use the WebAssembly engine in this mode. */
export function wasmEngineEnv(mode: EngineMode): Record<string, string> {
  return {
    ...quietPrisma,
    PRISMA_SCHEMA_ENGINE_BINARY: engine,
    // Up to Prisma 6 the CLI downloads a query engine where it finds none; migrations never start it.
    PRISMA_QUERY_ENGINE_LIBRARY: engine,
    SAFE_MIGRATE_TEST_ENGINE_MODE: mode,
  };
}

/**
 * The environment for the engine that tests use: the WebAssembly one, or, with SAFE_MIGRATE_TEST_ENGINE=native, the
 * version's own, which Prisma downloads. A mode that is not the version's own takes the WebAssembly one all the same.
 */
export function prismaEngineEnv(mode: EngineMode, prisma: PrismaChoice = '7'): Record<string, string> {
  const isNative = process.env.SAFE_MIGRATE_TEST_ENGINE === 'native' && mode === engineModeOf(prisma);
  return isNative ? quietPrisma : wasmEngineEnv(mode);
}
