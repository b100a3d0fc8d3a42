import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAction } from '../../support/runner.ts';

const source = (path: string) => new URL(`../../../${path}`, import.meta.url).href;

/** An action that does nothing but publish one of the sample reports, its name given as `label`. */
const main = `
import * as reports from '${source('test/support/sample-reports.ts')}';
import { ActionLog } from '${source('src/runner/action-log.ts')}';
import { readGitHubContext } from '${source('src/runner/github-context.ts')}';
import { publish } from '${source('src/runner/publish.ts')}';
import { saveWorkFolder } from '${source('src/runner/state.ts')}';
import { WorkFolder } from '${source('src/runner/work-folder.ts')}';
const context = readGitHubContext(process.env);
const folder = await WorkFolder.create(context.temporaryDirectory);
saveWorkFolder(folder.path);
const log = new ActionLog({ record: { phase() {}, warn() {} } });
await publish(reports[process.env.INPUT_LABEL](), context, log);
`;

describe('publishing a report', () => {
  let dist: string;
  beforeAll(async () => {
    dist = join(await mkdtemp(join(tmpdir(), 'safe-migrate-dist-')), 'dist');
    await mkdir(dist);
    await writeFile(join(dist, 'package.json'), '{"type":"module"}');
    await writeFile(join(dist, 'main.js'), main);
    await writeFile(join(dist, 'post.js'), `import '${source('src/post.ts')}';`);
  });
  afterAll(() => rm(join(dist, '..'), { recursive: true, force: true }));

  it('of a failed migration fails the job and tells it everywhere, from one value', async () => {
    await using run = await runAction({ dist, inputs: { label: 'restoredReport' } });
    const { result } = run;
    expect(result.exitCode).toBe(1);
    expect(result.outputs).toMatchObject({ result: 'restored', 'recovery-method': 'swap' });
    expect(result.annotations).toHaveLength(1);
    expect(result.annotations[0]).toMatchObject({
      level: 'error',
      file: 'prisma/migrations/20260103_split_name/migration.sql',
      line: 4,
    });
    expect(result.summary).toContain('## safe-migrate: restored');
    expect(result.visibleLog).toContain(
      "drop the kept failed database:\ndropdb 'applizor_erp__failed_k3f9a2'",
    );

    const files = await run.filesWritten();
    const report = JSON.parse(files.get('temp/safe-migrate-report-k3f9a2/report.json')?.toString() ?? '');
    expect(report).toMatchObject({ formatVersion: 1, result: 'restored' });
    expect((await stat(result.outputs.report ?? '')).mode & 0o777).toBe(0o600);
  });

  it('of a good migration passes the job', async () => {
    await using run = await runAction({ dist, inputs: { label: 'migratedReport' } });
    expect(run.result.exitCode).toBe(0);
    expect(run.result.annotations.map(({ level }) => level)).toEqual(['warning']);
  });

  it('warns, and keeps the result, when summary and report cannot be written', async () => {
    // A file stands where the report's folder has to be made.
    const workspace = await mkdtemp(join(tmpdir(), 'safe-migrate-workspace-'));
    const blocked = join(workspace, 'safe-migrate-report-k3f9a2');
    await writeFile(blocked, '');
    await using run = await runAction({
      dist,
      workspace,
      inputs: { label: 'migratedReport' },
      env: { GITHUB_STEP_SUMMARY: '', RUNNER_TEMP: workspace },
    });
    await rm(workspace, { recursive: true, force: true });
    expect(run.result.exitCode).toBe(0);
    expect(run.result.outputs.result).toBe('migrated');
    expect(run.result.outputs.report).toBe('');
    const messages = run.result.annotations.map(({ message }) => message).join('\n');
    expect(messages).toContain('The job summary could not be written');
    expect(messages).toContain('report.json could not be written');
  });

  it('lets hostile names and messages give the runner no command', async () => {
    await using run = await runAction({ dist, inputs: { label: 'hostileReport' } });
    const titles = run.result.annotations.map(({ title }) => title);
    expect(titles).toHaveLength(2);
    expect(titles).not.toContain(null);
  });

  it('leaves nothing of the work folder after post', async () => {
    await using run = await runAction({ dist, inputs: { label: 'migratedReport' } });
    const folder = run.result.state['work-folder'] ?? '';
    expect((await stat(folder)).isDirectory()).toBe(true);
    const posted = await run.post();
    expect(posted).toMatchObject({ exitCode: 0, log: '' });
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });
});
