import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const name = 'schema.sql';

/** Leaves the schema of the snapshot beside the dump, for whoever has to restore and compare it after a crash. */
export async function writeSchemaText(folder: string, text: string): Promise<void> {
  await writeFile(join(folder, name), text, { mode: 0o600 });
}

export async function readSchemaText(folder: string): Promise<string> {
  return readFile(join(folder, name), 'utf8');
}
