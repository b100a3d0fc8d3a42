import { spawn } from 'node:child_process';
import { cp, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from './engine.ts';

const repository = join(import.meta.dirname, '..', '..');
const example = join(repository, 'examples', 'erp');

/** A copy of examples/erp to work in; its packages are this repository's. */
export interface ErpProject {
  readonly folder: string;
  seedSql(): Promise<string>;
  /** Runs the project's own Prisma and fails with what it printed. */
  prisma(args: readonly string[], databaseUrl: string, engine: Engine): Promise<void>;
  /** Copies one change of `upcoming/` over `prisma/`, as merging its pull request would. */
  merge(change: 'add_quotation_templates' | 'split_customer_name'): Promise<void>;
}

export async function copyErpProject(folder: string): Promise<ErpProject> {
  await cp(example, folder, { recursive: true });
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return {
    folder,
    seedSql: () => readFile(join(folder, 'seed.sql'), 'utf8'),
    async prisma(args, databaseUrl, engine) {
      const child = spawn(process.execPath, [join(folder, 'node_modules/prisma/build/index.js'), ...args], {
        cwd: folder,
        env: { ...process.env, ...engine.env, DATABASE_URL: databaseUrl },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const output: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
      const exitCode = await new Promise<number | null>((resolve, reject) => {
        child.on('error', reject);
        child.on('close', resolve);
      });
      if (exitCode !== 0)
        throw new Error(`prisma ${args.join(' ')} exited ${exitCode}:\n${Buffer.concat(output)}`);
    },
    async merge(change) {
      await cp(join(example, 'upcoming', change), join(folder, 'prisma'), { recursive: true });
    },
  };
}
