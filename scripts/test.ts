import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { installTestParts } from './install-test-parts.ts';
import { announceMissing, setUpSystem } from './setup-system.mjs';

const root = resolve(import.meta.dirname, '..');
const bin = join(root, 'node_modules', '.bin');

interface StepResult {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
}

/** Counts of tests, as vitest's JSON reporter gives them. */
export interface VitestSummary {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** Files that failed without a failing test in them: they could not be loaded, or their set-up failed. */
export function brokenFiles(summary: VitestSummary): number {
  return summary.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  ).length;
}

/** Runs a command with its output gathered, so that steps that run side by side do not mix theirs. */
async function gathered(
  command: string,
  args: readonly string[],
): Promise<{ exitCode: number | null; output: string }> {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await new Promise<number | null>((done, fail) => {
    child.on('error', fail);
    child.on('close', done);
  });
  return { exitCode, output: Buffer.concat(chunks).toString() };
}

async function step(name: string, command: string, args: readonly string[]): Promise<StepResult> {
  const startedAt = performance.now();
  const { exitCode, output } = await gathered(command, args);
  const seconds = (performance.now() - startedAt) / 1000;
  const passed = exitCode === 0;
  console.log(`${name}: ${passed ? 'passed' : `failed (exit ${exitCode})`}, ${seconds.toFixed(1)} s`);
  if (!passed) console.log(output.trimEnd());
  return { name, passed, seconds };
}

/** Runs vitest with its output live; its JSON report tells the counts. null when it did not write one. */
async function vitest(
  args: readonly string[],
): Promise<{ exitCode: number | null; summary: VitestSummary | null }> {
  const scratch = await mkdtemp(join(tmpdir(), 'safe-migrate-test-'));
  try {
    const report = join(scratch, 'vitest.json');
    const child = spawn(
      join(bin, 'vitest'),
      ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
      { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const exitCode = await new Promise<number | null>((done, fail) => {
      child.on('error', fail);
      child.on('close', done);
    });
    const text = await readFile(report, 'utf8').catch(() => null);
    const summary: VitestSummary | null = text === null ? null : JSON.parse(text);
    return { exitCode, summary };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const missing = await setUpSystem(['postgresql', 'postgis', 'ceph', 'age', 'byHand', 'docker']);
  announceMissing(missing);
  installTestParts();

  // Short and independent of each other; the tests come after them because they need both cores.
  const steps = await Promise.all([
    step('typecheck', join(bin, 'tsc'), ['--noEmit']),
    step('lint', join(bin, 'biome'), ['check', '--error-on-warnings']),
    step('dist', process.execPath, ['scripts/check-dist.ts']),
  ]);
  const { exitCode, summary } = await vitest(process.argv.slice(2));

  let passed = steps.filter((result) => result.passed).length;
  let failed = steps.length - passed;
  if (summary === null) {
    console.log('vitest wrote no report');
    failed += 1;
  } else {
    passed += summary.numPassedTests;
    const failedTests = summary.numFailedTests + brokenFiles(summary);
    // An error outside of any test (an unhandled rejection, a failed tear-down) only shows in the exit code.
    failed += failedTests === 0 && exitCode !== 0 ? 1 : failedTests;
    if (summary.numPendingTests > 0) console.log(`${summary.numPendingTests} skipped`);
  }
  announceMissing(missing);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

if (import.meta.main) await main();
