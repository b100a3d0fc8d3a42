import * as core from '@actions/core';
import { finishOwnRun } from '../commands/earlier-run/finish-own-run.ts';
import { hookMark } from '../commands/shared/hooks.ts';
import { migratorApplicationName } from '../prisma/application-name.ts';
import { ReportBuilder } from '../report/report-builder.ts';
import { endLeftovers } from '../system/end-leftovers.ts';
import { messageOf } from '../system/errors.ts';
import { ActionLog } from './action-log.ts';
import { readArtifactAccess } from './artifact-access.ts';
import { readGitHubContext } from './github-context.ts';
import { parseInputs, readInputs, requestedCommand, secretsOf } from './inputs.ts';
import { surviveLostOutput } from './lost-output.ts';
import { Masks } from './masks.ts';
import { publish } from './publish.ts';
import { checkoutRoots, repositoryRootOf } from './repository-root.ts';
import type { OpenPorts } from './run.ts';
import { runIdentity } from './run-identity.ts';
import { savedOpenRun, savedWorkFolder } from './state.ts';
import { surviveStrayErrors } from './stray-errors.ts';
import { removeWorkFolder } from './work-folder.ts';

/** The runner ends a cancelled job after five minutes; requests to storages must not use them up. */
const storageTimeoutMs = 180_000;

/**
 * The second half of a step whose main has ended, however it ended: finishes a run that left its journal open, then
 * removes its folder. A run that closed its journal leaves nothing to do, and nobody is connected to.
 */
export async function runPost(openPorts: OpenPorts): Promise<void> {
  surviveLostOutput();
  const run = savedOpenRun();
  if (run !== null) await finish(run, openPorts);
  await removeFolder();
}

async function finish(run: string, openPorts: OpenPorts): Promise<void> {
  const context = readGitHubContext(process.env);
  const raw = readInputs(process.env);
  const masks = new Masks(process.env);
  const mask = (secret: string): void => masks.add(secret);
  secretsOf(raw).forEach(mask);
  const identity = { ...runIdentity(context, new Date()), id: run };
  const report = new ReportBuilder({
    command: requestedCommand(raw),
    run: {
      id: run,
      startedAt: identity.startedAt.toISOString(),
      url: identity.url,
      commit: identity.commit,
    },
  });
  const log = new ActionLog({ record: report });
  using _ = surviveStrayErrors((line) => log.warn(line));
  try {
    // Before anything is looked at: a migrator that outlived its parent would go on beneath our hands.
    const ended = await endLeftovers('PGAPPNAME', migratorApplicationName(run));
    if (ended > 0) log.warn(`${ended} processes of the migrator outlived the run and were ended`);
    const hooks = await endLeftovers(hookMark, run);
    if (hooks > 0) log.warn(`${hooks} processes of before-migrate outlived the run and were ended`);
    const { settings } = parseInputs(process.env, context);
    // They keep no journal.
    if (settings.command === 'check' || settings.command === 'prune') return;
    const repository = repositoryRootOf(settings.workingDirectory, context.workspace);
    const result = await finishOwnRun(
      {
        run: identity,
        log,
        report,
        ports: openPorts(
          mask,
          readArtifactAccess(process.env, context, raw['github-token']),
          checkoutRoots(context, repository),
        ),
        repository,
        pullRequest: null,
        workFolder: savedWorkFolder() ?? context.temporaryDirectory,
        journalIsOpen: () => {},
        signal: AbortSignal.timeout(storageTimeoutMs),
      },
      settings,
    );
    if (result === null) return;
    await publish(masks.hideIn(report.build(result, new Date())), context, log);
    // The step has failed with main already; post fails only when somebody has to do something.
    process.exitCode = result === 'stopped' || result === 'recovery-failed' ? 1 : 0;
  } catch (error) {
    report.problem(error, 'recover');
    log.visible(`run ${run} is unfinished; the next migrate finishes it`);
    await publish(masks.hideIn(report.build('recovery-failed', new Date())), context, log);
  }
}

/** Clean-up fails softly: the result of the step is main's, and the runner empties RUNNER_TEMP itself. */
async function removeFolder(): Promise<void> {
  const folder = savedWorkFolder();
  if (folder === null) return;
  try {
    await removeWorkFolder(folder);
  } catch (error) {
    core.warning(`The work folder could not be removed: ${messageOf(error)}`);
  }
}
