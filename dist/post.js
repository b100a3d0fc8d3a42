import { $t as SafeMigrateError, C as ActionLog, E as hookMark, Gt as migratorApplicationName, It as openPorts, M as finishEarlierRun, Q as takeLock, Rt as sha256OfFile, S as readArtifactAccess, T as Hooks, Tt as dumpName, X as storedDump, Y as keysOf, _ as parseInputs, b as secretsOf, c as runIdentity, d as publish, en as messageOf, g as surviveLostOutput, h as Masks, j as openStorages, l as checkoutRoots, n as removeWorkFolder, o as savedOpenRun, r as surviveStrayErrors, s as savedWorkFolder, tt as readDetailsIn, u as repositoryRootOf, v as readInputs, w as ReportBuilder, x as readGitHubContext, y as requestedCommand } from "./safe-migrate.js";
import { l as warning } from "./actions-core.js";
import { join } from "node:path";
import { open, readFile, readdir } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

// src/commands/earlier-run/finish-own-run.ts
/** The sessions of a killed run end within moments, those of a frozen one within a minute. */
const lockWaitMs = 75e3;
const lockPauseMs = 1e3;
/**
* After a run has died: finishes what it left open, by its own journal and nobody else's. Returns the result, or null
* when there is nothing of it to finish: it was finished, or another run is at work and will see to it.
*/
async function finishOwnRun(context, settings) {
	const { log, report } = context;
	const migrator = await openMigrator(context, settings);
	const url = settings.databaseUrl ?? migrator?.url ?? null;
	if (url === null) throw new SafeMigrateError({
		code: "SM_UNFINISHED_RUN",
		message: `run ${context.run.id} is unfinished, and without database-url and the project's Prisma nobody can say where`,
		hint: "The next migrate finishes it.",
		docs: "recovery.md"
	});
	await using database = await context.ports.openDatabase(url, settings, { evenWithoutTarget: settings.command === "rollback" });
	report.target({
		...database.address,
		serverVersion: database.server.text
	});
	const seen = await database.openJournal();
	if (seen?.run !== context.run.id) return null;
	log.headline(`run ${seen.run} on ${database.address.database} has ended in ${seen.phase}; finishing it`);
	const lock = await lockAfter(context, database);
	if (lock === null) return null;
	await using _ = lock;
	const journal = await database.openJournal();
	if (journal?.run !== context.run.id) return null;
	const startedAt = performance.now();
	const finished = await log.phase("recover", async (phaseLog) => {
		const value = await finishEarlierRun({
			database,
			lock,
			migrator,
			storages: openStorages(context, settings),
			settings,
			keys: keysOf(settings),
			tellEvidence: (evidence) => context.report.recoveryEvidence(evidence),
			detailsOf: ({ backupId }) => readDetailsIn(context.workFolder, backupId),
			dumpOf: (found, details) => dumpIn(context.workFolder, found, details),
			fetchDump: (backup, fetchLog) => storedDump(context, settings, backup, fetchLog),
			signal: context.signal,
			beforeClosing: (kept) => payHook(context, settings, kept)
		}, journal, phaseLog);
		return {
			fact: value.fact,
			value,
			failed: value.problem !== null
		};
	});
	report.earlierRun(finished);
	report.pending(journal.migrations.map(({ name }) => name));
	if (finished.outcome === "migrated") report.applied(journal.migrations.map(({ name }) => name));
	if (finished.outcome === "restored") {
		const isSwap = await database.oidOf(database.address.database) !== journal.targetOid;
		report.recovery(isSwap ? "swap" : "history", (performance.now() - startedAt) / 1e3);
		const failed = finished.swapped?.failedName ?? database.copyName("failed", journal.run);
		if (isSwap && journal.targetOid !== null) report.failedDatabase(failed);
	}
	if (finished.problem !== null) report.problem(finished.problem, "recover");
	for (const step of finished.nextSteps) report.nextStep(step);
	report.kept(await database.failedDatabases());
	return finished.outcome === "restored" && journal.command === "rollback" ? "rolled-back" : finished.outcome;
}
/** after-migrate, where before-migrate was begun and it was not. */
async function payHook(context, settings, journal) {
	if (settings.command === "rollback" && journal.entry.afterMigrateOwed) await new Hooks(context, settings, journal).owed();
}
/** Only with it the shorter ways of recovery can be proved; the swap does without. */
async function openMigrator(context, settings) {
	try {
		const migrator = await context.ports.openMigrator(settings, context.run, context.signal);
		await context.ports.loadParser();
		return migrator;
	} catch (error) {
		context.log.warn(`Prisma is not at hand: ${messageOf(error)}`);
		return null;
	}
}
/** Waits for what is left of this run's own sessions; null when another run has the lock. */
async function lockAfter(context, database) {
	const { run } = context;
	const deadline = Date.now() + lockWaitMs;
	for (;;) try {
		return await takeLock(context, database);
	} catch (error) {
		if (!(error instanceof SafeMigrateError) || error.code !== "SM_LOCKED") throw error;
		if (!error.message.includes(`run ${run.id},`)) {
			context.log.warn(`${error.message} It finds the journal of run ${run.id} and finishes it.`);
			return null;
		}
		if (Date.now() >= deadline) throw error;
		await setTimeout(lockPauseMs);
	}
}
/** The dump that the run left on this machine, when it is whole. */
async function dumpIn(folder, { dump }, details) {
	if (dump === null) return null;
	const path = join(folder, dumpName);
	try {
		const handle = await open(path, "r");
		const held = await sha256OfFile(handle, AbortSignal.timeout(6e4)).finally(() => handle.close());
		if (held.sizeBytes !== dump.sizeBytes || held.sha256 !== dump.sha256) return null;
		return {
			path,
			details
		};
	} catch {
		return null;
	}
}

// src/system/end-leftovers.ts
/**
* Kills the processes of this machine that were started with `NAME=value` in their environment, and returns how many:
* what a killed parent left running. Linux only; elsewhere nothing is found, and 0 is returned.
*/
async function endLeftovers(name, value) {
	if (process.platform !== "linux") return 0;
	const wanted = `${name}=${value}`;
	const ids = (await readdir("/proc")).filter((id) => /^\d+$/.test(id) && Number(id) !== process.pid);
	let ended = 0;
	for (const id of ids) {
		if (!(await readFile(`/proc/${id}/environ`, "utf8").catch(() => "")).split("\0").includes(wanted)) continue;
		try {
			process.kill(Number(id), "SIGKILL");
			ended += 1;
		} catch {}
	}
	return ended;
}

// src/runner/run-post.ts
/** The runner ends a cancelled job after five minutes; requests to storages must not use them up. */
const storageTimeoutMs = 18e4;
/**
* The second half of a step whose main has ended, however it ended: finishes a run that left its journal open, then
* removes its folder. A run that closed its journal leaves nothing to do, and nobody is connected to.
*/
async function runPost(openPorts) {
	surviveLostOutput();
	const run = savedOpenRun();
	if (run !== null) await finish(run, openPorts);
	await removeFolder();
}
async function finish(run, openPorts) {
	const context = readGitHubContext(process.env);
	const raw = readInputs(process.env);
	const masks = new Masks(process.env);
	const mask = (secret) => masks.add(secret);
	secretsOf(raw).forEach(mask);
	const identity = {
		...runIdentity(context, /* @__PURE__ */ new Date()),
		id: run
	};
	const report = new ReportBuilder({
		command: requestedCommand(raw),
		run: {
			id: run,
			startedAt: identity.startedAt.toISOString(),
			url: identity.url,
			commit: identity.commit
		}
	});
	const log = new ActionLog({ record: report });
	using _ = surviveStrayErrors((line) => log.warn(line));
	try {
		const ended = await endLeftovers("PGAPPNAME", migratorApplicationName(run));
		if (ended > 0) log.warn(`${ended} processes of the migrator outlived the run and were ended`);
		const hooks = await endLeftovers(hookMark, run);
		if (hooks > 0) log.warn(`${hooks} processes of before-migrate outlived the run and were ended`);
		const { settings } = parseInputs(process.env, context);
		if (settings.command === "check" || settings.command === "prune") return;
		const repository = repositoryRootOf(settings.workingDirectory, context.workspace);
		const result = await finishOwnRun({
			run: identity,
			log,
			report,
			ports: openPorts(mask, readArtifactAccess(process.env, context, raw["github-token"]), checkoutRoots(context, repository)),
			repository,
			pullRequest: null,
			workFolder: savedWorkFolder() ?? context.temporaryDirectory,
			journalIsOpen: () => {},
			signal: AbortSignal.timeout(storageTimeoutMs)
		}, settings);
		if (result === null) return;
		await publish(masks.hideIn(report.build(result, /* @__PURE__ */ new Date())), context, log);
		process.exitCode = result === "stopped" || result === "recovery-failed" ? 1 : 0;
	} catch (error) {
		report.problem(error, "recover");
		log.visible(`run ${run} is unfinished; the next migrate finishes it`);
		await publish(masks.hideIn(report.build("recovery-failed", /* @__PURE__ */ new Date())), context, log);
	}
}
/** Clean-up fails softly: the result of the step is main's, and the runner empties RUNNER_TEMP itself. */
async function removeFolder() {
	const folder = savedWorkFolder();
	if (folder === null) return;
	try {
		await removeWorkFolder(folder);
	} catch (error) {
		warning(`The work folder could not be removed: ${messageOf(error)}`);
	}
}

// src/post.ts
/** The second door: runs after the step's main has ended, however it ended. */
await runPost(openPorts);

export {  };