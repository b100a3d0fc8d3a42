import { runCommand } from '../commands/run-command.ts';
import type { Ports } from '../commands/shared/context.ts';
import type { Result } from '../report/report.ts';
import { ReportBuilder } from '../report/report-builder.ts';
import type { ArtifactAccess } from '../storage/artifact/artifact-access.ts';
import { messageOf } from '../system/errors.ts';
import { ActionLog } from './action-log.ts';
import { readArtifactAccess } from './artifact-access.ts';
import { cancellation } from './cancellation.ts';
import { readGitHubContext } from './github-context.ts';
import { parseInputs, readInputs, requestedCommand, secretsOf } from './inputs.ts';
import { surviveLostOutput } from './lost-output.ts';
import { Masks } from './masks.ts';
import { publish } from './publish.ts';
import { readPullRequest } from './pull-request.ts';
import { commentOnPullRequest } from './pull-request-comment.ts';
import { checkoutRoots, repositoryRootOf } from './repository-root.ts';
import { runIdentity } from './run-identity.ts';
import { saveOpenRun, saveWorkFolder } from './state.ts';
import { surviveStrayErrors } from './stray-errors.ts';
import { WorkFolder } from './work-folder.ts';

/** Builds the real outside world; it is told how to mask secrets that turn up later, where artifacts are kept, and what is the checkout. */
export type OpenPorts = (
  mask: (secret: string) => void,
  artifacts: ArtifactAccess,
  roots: readonly string[],
) => Ports;

/**
 * One run of the action, from the runner's environment to the exit code. `openPorts` builds the real outside
 * world; it is told how to mask the secrets that turn up later (the URL that Prisma itself uses).
 */
export async function run(openPorts: OpenPorts): Promise<void> {
  surviveLostOutput();
  const context = readGitHubContext(process.env);
  const raw = readInputs(process.env);
  const masks = new Masks(process.env);
  const mask = (secret: string): void => masks.add(secret);
  secretsOf(raw).forEach(mask);
  const identity = runIdentity(context, new Date());
  const report = new ReportBuilder({
    command: requestedCommand(raw),
    run: {
      id: identity.id,
      startedAt: identity.startedAt.toISOString(),
      url: identity.url,
      commit: identity.commit,
    },
  });
  const pullRequest = readPullRequest(process.env);
  const log = new ActionLog({ record: report });
  // To the very end: the second signal of a cancel must not cut off the telling of the result.
  using signal = cancellation();
  using _ = surviveStrayErrors((line) => log.warn(line));
  let wantsComment = false;
  const result = await attempt(report, async () => {
    const { settings, warnings } = parseInputs(process.env, context);
    for (const warning of warnings) log.warn(warning);
    wantsComment = settings.command === 'check' && settings.comment;
    const workFolder = await WorkFolder.create(context.temporaryDirectory);
    saveWorkFolder(workFolder.path);
    const repository = repositoryRootOf(settings.workingDirectory, context.workspace);
    try {
      return await runCommand(
        {
          run: identity,
          log,
          report,
          ports: openPorts(
            mask,
            readArtifactAccess(process.env, context, raw['github-token']),
            checkoutRoots(context, repository),
          ),
          workFolder: workFolder.path,
          repository,
          pullRequest,
          journalIsOpen: (isOpen) => saveOpenRun(isOpen ? identity.id : null),
          signal,
        },
        settings,
      );
    } finally {
      // The result stands: a folder that cannot be removed must not turn it into `refused`.
      await workFolder[Symbol.asyncDispose]().catch((error: unknown) => {
        log.warn(`${workFolder.path} could not be removed: ${messageOf(error)}`);
      });
    }
  });
  const told = masks.hideIn(report.build(result, new Date()));
  await publish(told, context, log);
  if (wantsComment && pullRequest !== null) {
    await commentOnPullRequest({ report: told, context, pullRequest, token: raw['github-token'] });
  }
}

/** What fails before the story begins, has touched nothing. */
async function attempt(report: ReportBuilder, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    report.problem(error);
    return 'refused';
  }
}
