import { gunzipSync, gzipSync } from 'node:zlib';
import type { Manifest } from './manifest.ts';

/** Far more than the schema of 100 000 tables. */
const maximumBytes = 512 * 1024 ** 2;

/**
 * The source's schema as the manifest keeps it. As text and not as a digest: another minor version of pg_dump may
 * print the same schema differently, and a difference should be named.
 */
export function packSchemaText(text: string): Pick<Manifest['schema'], 'encoding' | 'text'> {
  return { encoding: 'gzip+base64', text: gzipSync(text, { level: 9 }).toString('base64') };
}

/** Throws when it is not what `packSchemaText` made. */
export function unpackSchemaText(schema: Manifest['schema']): string {
  return gunzipSync(Buffer.from(schema.text, 'base64'), { maxOutputLength: maximumBytes }).toString('utf8');
}
