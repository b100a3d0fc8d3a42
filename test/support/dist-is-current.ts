import { join, resolve } from 'node:path';
import { staleFiles } from '../../scripts/check-dist.ts';

const root = resolve(import.meta.dirname, '../..');

/** End-to-end tests run `dist/`: one that is not what `src/` builds would answer for code that nobody looks at. */
export default async function setup(): Promise<void> {
  const stale = await staleFiles(join(root, 'dist'));
  if (stale.length === 0) return;
  throw new Error(
    `dist/ is not what src/ builds (${stale.join(', ')}). Run npm run build, or leave npm run dev running.`,
  );
}
