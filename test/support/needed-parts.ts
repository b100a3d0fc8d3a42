import { existsSync } from 'node:fs';
import { parts, type SystemPart } from '../../scripts/setup-system.mjs';

/**
 * For whoever runs one test file alone on a machine where `npm test` never ran: says which part is missing and how to
 * get it, where the test would fail with a program that is not found.
 */
export function needPart(name: SystemPart): void {
  if (parts[name].present()) return;
  throw new Error(`missing: ${parts[name].purpose}. Install it with: node scripts/setup-system.mjs ${name}`);
}

/** The same for a package of test/parts, by its folder. */
export function needTestPart(folder: string): void {
  if (existsSync(folder)) return;
  throw new Error(
    `missing: ${folder}. Install it with: node scripts/bootstrap.mjs scripts/install-test-parts.ts`,
  );
}
