import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookAt } from '../../support/process-tree.ts';
import { runAction, startAction } from '../../support/runner.ts';

/** An action of the harness's own: does what the inputs `label` and `storage` say. */
const main = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
const env = process.env;
const tell = (file, text) => appendFileSync(env[file], text + '\\n');
console.log('::add-mask::s3cret/pass');
console.log('the secret is s3cret/pass or s3cret%2Fpass, the token ' + env['INPUT_GITHUB-TOKEN']);
console.log('::group::inside');
console.log('folded');
console.log('::endgroup::');
console.log('::error title=SM_X,file=a b.sql,line=4::50%25%0Asecond:');
console.error('on stderr');
tell('GITHUB_OUTPUT', 'result=' + env.INPUT_COMMAND);
tell('GITHUB_OUTPUT', 'lines<<END\\na\\nb=c\\nEND');
tell('GITHUB_STATE', 'work-folder=' + env.RUNNER_TEMP);
tell('GITHUB_STEP_SUMMARY', '# sum');
mkdirSync(join(env.RUNNER_TEMP, 'deep'));
writeFileSync(join(env.RUNNER_TEMP, 'deep', 'file'), env.INPUT_STROAGE ?? '');
if (env.INPUT_LABEL === 'stay') {
  const child = spawn('sleep', ['300'], { detached: true, stdio: 'ignore', env: { PATH: env.PATH, RUNNER_TRACKING_ID: env.RUNNER_TRACKING_ID } });
  process.on('SIGINT', () => console.log('got SIGINT'));
  process.on('SIGTERM', () => console.log('got SIGTERM'));
  setInterval(() => {}, 1000);
  console.log('child ' + child.pid);
  console.log('ready');
} else process.exitCode = 3;
`;
const post = `console.log('post sees ' + process.env['STATE_work-folder'] + ' and ' + process.env.INPUT_JOBS);`;

describe('the runner harness', () => {
  let dist: string;
  beforeAll(async () => {
    dist = join(await mkdtemp(join(tmpdir(), 'safe-migrate-dist-')), 'dist');
    await mkdir(dist);
    await writeFile(join(dist, 'package.json'), '{"type":"module"}');
    await writeFile(join(dist, 'main.js'), main);
    await writeFile(join(dist, 'post.js'), post);
  });
  afterAll(() => rm(join(dist, '..'), { recursive: true, force: true }));

  it('passes inputs with their defaults, and reads outputs, commands and masks as the runner does', async () => {
    await using run = await runAction({ dist, inputs: { stroage: 'typo' } });
    const { result } = run;
    expect(result).toMatchObject({ exitCode: 3, signal: null, summary: '# sum\n' });
    expect(result.outputs).toEqual({ result: 'migrate', lines: 'a\nb=c' });
    expect(result.annotations).toEqual([
      { level: 'error', message: '50%\nsecond:', title: 'SM_X', file: 'a b.sql', line: 4 },
    ]);
    expect(result.log).toContain('the secret is *** or ***, the token ***');
    expect(result.rawLog).toContain('the secret is s3cret/pass');
    expect(result.rawLog).not.toContain('add-mask');
    expect(result.log).toContain('on stderr');
    expect(result.visibleLog).not.toContain('folded');
    expect(result.log).toContain('##[group]inside\nfolded\n##[endgroup]');
  });

  it('gives main’s state to post, and shows every file that was written', async () => {
    await using run = await runAction({ dist, inputs: { stroage: 'typo' } });
    const posted = await run.post();
    expect(posted.log).toMatch(/^post sees \/.*\/temp and 2$/);
    const files = await run.filesWritten();
    expect(files.get('temp/deep/file')?.toString()).toBe('typo');
    expect(files.get('main/output')?.toString()).toContain('result=migrate');
  });

  it('cancels like the runner: SIGINT, SIGTERM, then the whole tree', async () => {
    await using run = await startAction({ dist, inputs: { label: 'stay' }, watchProcesses: true });
    await run.waitForLog(/ready/);
    const result = await run.cancel({ terminateAfterMs: 200, killAfterMs: 200 });
    expect(result.signal).toBe('SIGKILL');
    expect(result.log).toMatch(/got SIGINT[\s\S]*got SIGTERM/);
    expect(result.processes.map(({ commandLine }) => commandLine)).toContain('sleep 300');
    expect(result.processes.find(({ commandLine }) => commandLine === 'sleep 300')?.variables).toEqual([
      'PATH',
      'RUNNER_TRACKING_ID',
    ]);
    const child = Number(/child (\d+)/.exec(result.log)?.[1]);
    expect(await lookAt(child)).toBeNull();
  });

  it('leaves no process behind, even one that outlived the action', async () => {
    let child: number;
    {
      await using run = await startAction({ dist, inputs: { label: 'stay' } });
      await run.waitForLog(/ready/);
      run.signal('SIGKILL');
      child = Number(/child (\d+)/.exec((await run.finished).log)?.[1]);
      expect(await lookAt(child)).not.toBeNull();
    }
    await expect.poll(() => lookAt(child)).toBeNull();
  });

  it('says so when the step ends before what is waited for', async () => {
    await using run = await startAction({ dist });
    await expect(run.waitForLog(/never printed/)).rejects.toThrow('the step ended before the log matched');
  });
});
