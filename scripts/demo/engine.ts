import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { quietPrisma, wasmEngineEnv } from '../../test/support/prisma-engine/prisma-engine.ts';

/** Prisma downloads its native engine at the first use; longer than this the demo does not wait for it. */
const downloadTimeoutMs = 20_000;

export interface Engine {
  /** For the person who watches. */
  readonly description: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Whether `prisma version` ends well, which it does only with an engine at hand (it fetches a missing one). */
async function nativeEngineAnswers(project: string): Promise<boolean> {
  const child = spawn(process.execPath, [join(project, 'node_modules/prisma/build/index.js'), 'version'], {
    cwd: project,
    env: { ...process.env, ...quietPrisma, DATABASE_URL: 'postgresql://127.0.0.1/none' },
    stdio: 'ignore',
    timeout: downloadTimeoutMs,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve) => {
    child.on('error', () => resolve(false));
    child.on('close', (exitCode) => resolve(exitCode === 0));
  });
}

/** Prisma's native schema engine where it can be had in time, the WebAssembly build of the same engine otherwise. */
export async function chooseEngine(project: string): Promise<Engine> {
  const asked = process.env.SAFE_MIGRATE_TEST_ENGINE;
  if (asked !== 'wasm' && (asked === 'native' || (await nativeEngineAnswers(project)))) {
    return { description: "Prisma's native schema engine", env: quietPrisma };
  }
  return {
    description: "Prisma's schema engine compiled to WebAssembly (the native one could not be downloaded)",
    env: wasmEngineEnv('by-statement'),
  };
}
