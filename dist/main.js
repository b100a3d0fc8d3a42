import { c as int, f as object, h as string, o as boolean } from "./zod.js";
import { $ as RunJournal, $t as SafeMigrateError, A as findingsOf, At as detailsName, B as whenReachable, C as ActionLog, Ct as isFromElsewhere, D as isTakenOver, Dt as renderManifest, Et as manifestName, F as storedRecord, Ft as formatCount, G as unknownFunctions, H as mayForgeHistory, I as historyDigest, It as openPorts, J as objectsIn, Jt as bytesOf, K as fieldsOf, Kt as parseVersion, L as recover, M as finishEarlierRun, Mt as sealedDetailsName, N as waysToFinish, Nt as countOf, O as describeExit, Ot as sealedDumpName, P as findStored, Pt as formatBytes, Q as takeLock, Qt as RefusedError, R as exchangeWhenReachable, S as readArtifactAccess, St as shownBackup, T as Hooks, Tt as dumpName, U as blockStatements, Ut as checksumsOf, V as historyReach, W as describeScript, Wt as flawOf, X as storedDump, Xt as formOfFingerprint, Y as keysOf, Yt as parseSql, Z as fetchBackup, Zt as literal, _ as parseInputs, _t as backupId, a as saveWorkFolder, at as takeBaseline, b as secretsOf, bt as isProvedIn, c as runIdentity, ct as readHistory, d as publish, dt as GrowingFile, en as messageOf, et as signManifest, f as checkSections, ft as systemIdentifierOf, g as surviveLostOutput, gt as backupFolder, h as Masks, ht as listBackups, i as saveOpenRun, it as readyCopy, j as openStorages, jt as renderDetails, k as checkPartNames, kt as countsOf, l as checkoutRoots, lt as LeftBehindError, m as resultSentence, mt as storedBackupLine, nt as writeDetails, ot as wayOfScript, p as plain, pt as serverNow, q as nameParts, qt as errorCodeIn, r as surviveStrayErrors, rt as encryptionSentence, st as describeFailure, t as WorkFolder, tn as problemsOf, u as repositoryRootOf, ut as clearingAway, v as readInputs, vt as labelBefore, w as ReportBuilder, wt as originText, x as readGitHubContext, xt as mergePlaces, y as requestedCommand, yt as digestOf, z as isOurs } from "./safe-migrate.js";
import { a as info, l as warning } from "./actions-core.js";
import { join, relative } from "node:path";
import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

// src/recovery/finish/unfinished-run-error.ts
/** An earlier run is unfinished and stays so: this one has not begun, and its result says how that one stands. */
var UnfinishedRunError = class extends SafeMigrateError {
	name = "UnfinishedRunError";
	result;
	constructor(problem, result) {
		super({
			code: problem.code,
			message: problem.message,
			hint: problem.hint,
			docs: problem.docs,
			cause: problem.cause,
			...problem.phase === void 0 ? {} : { phase: problem.phase }
		});
		this.result = result;
	}
};

// src/backup/stored/retention.ts
const dayMs = 864e5;
/**
* Decides which backups of one storage stay, newest first. What speaks for staying is asked first, so whatever the
* age: the newest proved backup stays, and so does one that `mayBeNeeded` gives a reason for.
* A clock that stands wrong makes backups stay: one from the future is younger than any window.
*/
function decideRetention(backups, policy, given) {
	const newestFirst = backups.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1));
	const newestProved = newestFirst.find(({ proved }) => proved);
	return newestFirst.map((backup, index) => {
		const days = backup.madeBy === "migrate" ? policy.migrateDays : policy.otherDays;
		const isOld = given.now.getTime() - backup.createdAt.getTime() > days * dayMs;
		const reasonToStay = (backup === newestProved ? "the newest that is proved" : null) ?? given.mayBeNeeded(backup) ?? (isOld ? null : `younger than ${daysText(days)}`) ?? (index < policy.keepLast ? `one of the last ${policy.keepLast}` : null);
		return reasonToStay === null ? {
			backup,
			stays: false,
			reason: `older than ${daysText(days)}`
		} : {
			backup,
			stays: true,
			reason: reasonToStay
		};
	});
}
function daysText(days) {
	return days === 1 ? "1 day" : `${days} days`;
}

// src/backup/stored/prune-storage.ts
/**
* Applies retention to the backups of a database. Every storage is looked at for itself: what another one holds is no
* reason for a backup to go here. Returns all of them, newest first, with what was decided. What cannot be read is
* told and stays; a removal that fails is told, and the others go on.
*/
async function pruneStorages(storages, database, options) {
	const stored = await listBackups(storages, database, { signal: options.signal });
	tellOfTheRest(stored, options);
	const records = [];
	for (const storage of storages) {
		const placed = stored.backups.flatMap((listed) => listed.places.filter((place) => place.storage === storage).map((place) => aging(listed, place)));
		const isElsewhere = ({ listed }) => isFromElsewhere(listed.manifest, options.systemIdentifier);
		for (const { listed, place } of placed.filter(isElsewhere)) {
			const reason = `made on another server, ${originText(listed.manifest)}`;
			records.push(shownBackup(listed, place, {
				stays: true,
				removed: false,
				reason
			}));
		}
		const own = placed.filter((backup) => !isElsewhere(backup));
		for (const decision of decideRetention(own, options.policy, options)) {
			const removed = !decision.stays && !options.dryRun && await remove(decision.backup, options);
			const { backup, stays, reason } = decision;
			records.push(shownBackup(backup.listed, backup.place, {
				stays,
				removed,
				reason
			}));
		}
	}
	return mergePlaces(records);
}
function aging(listed, place) {
	const { manifest } = listed;
	return {
		id: listed.id,
		createdAt: new Date(manifest.createdAt),
		madeBy: manifest.command,
		proved: isProvedIn(listed, place),
		listed,
		place
	};
}
/** Manifest first: from then on it is no backup any more. Only what a run has written is named. */
async function remove({ listed, place }, { signal, warn }) {
	const { file, details } = listed.manifest;
	const names = [
		manifestName,
		...details === null ? [] : [details.name],
		file.name
	];
	try {
		for (const name of names) await place.storage.remove(`${place.folder}/${name}`, signal);
		return true;
	} catch (error) {
		signal.throwIfAborted();
		warn(`${place.url} could not be removed: ${messageOf(error)}`);
		return false;
	}
}
function tellOfTheRest(stored, { warn, note }) {
	for (const { storage, error } of stored.silent) warn(`${storage.url} was not pruned, because it does not answer: ${messageOf(error)}`);
	for (const doubt of stored.doubts) warn(doubt);
	const expired = stored.unreadable.filter(({ isExpired }) => isExpired);
	if (expired.length > 0) note(`${countOf(expired.length, "backup")} had expired already`);
	for (const { place, problem, isExpired } of stored.unreadable) {
		if (isExpired) continue;
		warn(problem === null ? `${place.url} has no manifest: an upload that never came to its end, or that is under way` : `${place.url} is left as it is: ${problem}`);
	}
}

// src/commands/making/prune-backups.ts
/**
* Phase prune, after a new backup is stored: old ones go. Softly, because the result of the run stands already. When the
* new one is not proved all stay, and are shown.
*/
async function pruneAfterBackup(context, settings, ready, restoreProved) {
	const isProved = restoreProved === "true";
	await context.log.phase("prune", async (log) => {
		try {
			const journal = await ready.database.openJournal();
			return await prune(context, log, {
				storages: ready.storages,
				database: ready.database.address.database,
				systemIdentifier: await systemIdentifierOf(ready.database),
				now: await serverNow(ready.database),
				settings: {
					retention: settings.retention,
					dryRun: false
				},
				mayBeNeeded: isProved ? namedBy(journal?.backupId ?? null) : () => "the new backup is not proved"
			});
		} catch (error) {
			log.warn(`old backups could not be removed: ${messageOf(error)}`);
			return {
				fact: "ended early",
				value: null
			};
		}
	});
}
/** A backup that the journal of an unfinished run names stays. */
function namedBy(backupId) {
	return ({ id }) => id === backupId ? "an unfinished run needs it" : null;
}
/** Decides, removes, and shows all of it: in the phase's group, in the report. */
async function prune(context, log, given) {
	const { dryRun, retention } = given.settings;
	const { now } = given;
	const records = await pruneStorages(given.storages, given.database, {
		policy: retention,
		now,
		mayBeNeeded: given.mayBeNeeded,
		systemIdentifier: given.systemIdentifier,
		dryRun,
		signal: context.signal,
		warn: (line) => log.warn(line),
		note: (line) => log.detail(line)
	});
	context.report.storedBackups(records);
	for (const record of records) log.detail(storedBackupLine(record, now));
	const going = records.filter(({ retention: decided }) => decided?.stays === false);
	const kept = countOf(records.length - going.length, "backup");
	if (dryRun) return {
		fact: `${kept} would stay, ${going.length} would go`,
		value: null
	};
	return {
		fact: `${kept} kept, ${going.filter(({ retention: decided }) => decided?.removed).length} removed`,
		value: null
	};
}

// src/backup/making/outgoing.ts
/** The dump itself, for backups that are not encrypted. It stays its owner's to dispose of. */
function outgoingDump(dump) {
	return {
		name: dumpName,
		path: dump.path,
		content: dump.content,
		follow: () => dump.follow(),
		release() {
			dump.release();
			return dump.content;
		},
		async [Symbol.asyncDispose]() {}
	};
}

// src/backup/encryption/encrypter.ts
/** What encrypts to the keys that the user gave. Rejects with SM_ENCRYPTION. */
async function encrypterFor(encryption) {
	const encrypter = new (await (import("./age-dist.js"))).Encrypter();
	try {
		if (encryption.kind === "passphrase") encrypter.setPassphrase(encryption.passphrase.reveal());
		else for (const recipient of encryption.recipients) encrypter.addRecipient(recipient);
	} catch (error) {
		throw cannotEncrypt(error);
	}
	return encrypter;
}
/** The library's word for keys that are none. */
function cannotEncrypt(cause) {
	return new SafeMigrateError({
		code: "SM_ENCRYPTION",
		message: `the backup cannot be encrypted: ${messageOf(cause)}`,
		hint: "Look at encryption-recipients: every line must be a public key that age-keygen printed.",
		docs: "security.md",
		cause
	});
}

// src/backup/making/seal.ts
/**
* The dump, encrypted while it grows, into a second growing file: one sealing for all storages, so that all of them
* hold the same bytes. In age's binary format, which `age --decrypt` opens.
*
* Resolves when the key is made (with a passphrase that takes a second and some 400 MB), before the dump begins.
* What goes wrong afterwards is told to `onFailure`, and to whoever follows the file.
*/
async function seal(dump, options) {
	const encrypter = await encrypterFor(options.encryption);
	const sealed = await GrowingFile.create(options.path);
	const source = dump.follow();
	let ciphertext;
	try {
		ciphertext = await encrypter.encrypt(Readable.toWeb(source));
	} catch (error) {
		source.destroy();
		await sealed[Symbol.asyncDispose]();
		throw cannotEncrypt(error);
	}
	const sealing = pipeline(Readable.fromWeb(ciphertext), clearingAway, sealed.writer);
	sealing.catch((error) => {
		sealed.fail(error);
		options.onFailure(error);
	});
	return {
		name: sealedDumpName,
		path: sealed.path,
		content: sealed.content,
		follow: () => sealed.follow(),
		async release() {
			dump.release();
			await sealing;
			sealed.release();
			return sealed.content;
		},
		async [Symbol.asyncDispose]() {
			await sealed[Symbol.asyncDispose]();
			await sealing.catch(() => {});
		}
	};
}

// src/backup/making/seal-details.ts
/** As readable as the dump is: encrypted to the same keys, or as they are. */
async function sealDetails(details, encryption) {
	const plain = Buffer.from(renderDetails(details));
	if (encryption === null) return {
		field: {
			name: detailsName,
			...digestOf(plain)
		},
		content: plain
	};
	const encrypter = await encrypterFor(encryption);
	const content = Buffer.from(await encrypter.encrypt(plain));
	return {
		field: {
			name: sealedDetailsName,
			...digestOf(content)
		},
		content
	};
}

// src/backup/making/uploads.ts
/** The same backup on its way to every storage at once: its dump, then its details, its manifest last. */
var Uploads = class {
	#storages;
	#folder;
	#file;
	#signal;
	#sentBytes;
	#dumps;
	/** Empty until the dumps are complete: the details' name, then what became of both small files in each storage. */
	#detailsName = "";
	#details = [];
	#manifests = [];
	constructor(storages, options) {
		this.#storages = storages;
		this.#folder = options.folder;
		this.#file = options.file;
		this.#signal = options.signal;
		this.#sentBytes = storages.map(() => 0);
		this.#dumps = storages.map((storage, index) => {
			const upload = storage.put({
				key: `${options.folder}/${options.file.name}`,
				body: options.file.follow(),
				path: options.file.path,
				estimatedBytes: options.estimatedBytes,
				expected: options.file.content,
				signal: options.signal,
				onProgress: (sentBytes) => {
					this.#sentBytes[index] = sentBytes;
				}
			});
			upload.catch(options.onFailure);
			return upload;
		});
	}
	progressText() {
		const sentBytes = Math.min(...this.#sentBytes);
		return sentBytes > 0 ? `, ${formatBytes(sentBytes)} uploaded` : "";
	}
	/**
	* Completes the uploads of a file that was released, then writes the details, then the manifests: only now does the
	* backup exist.
	*/
	async finish(details, manifestText) {
		const locations = await Promise.all(this.#dumps);
		this.#detailsName = details.field.name;
		this.#details = this.#putAll(details.field.name, details.content);
		await Promise.all(this.#details);
		this.#manifests = this.#putAll(manifestName, Buffer.from(manifestText));
		await Promise.all(this.#manifests);
		return this.#storages.map((storage, index) => ({
			storage: storage.kind,
			url: `${storage.url}/${this.#folder}`,
			verified: locations[index]?.verified ?? ""
		}));
	}
	#putAll(name, content) {
		return this.#storages.map((storage) => storage.put({
			key: `${this.#folder}/${name}`,
			body: Readable.from([content]),
			estimatedBytes: content.length,
			expected: Promise.resolve(digestOf(content)),
			signal: this.#signal
		}));
	}
	/**
	* After a failure: waits until every upload has cleaned up behind itself and removes what was complete
	* already, manifest first. Not with the run's signal, which may be what ended it. Rejects when something may be left.
	*/
	async discard() {
		const dumps = await Promise.allSettled(this.#dumps);
		const details = await Promise.allSettled(this.#details);
		const manifests = await Promise.allSettled(this.#manifests);
		const signal = AbortSignal.timeout(3e4);
		const errors = (await Promise.allSettled(this.#storages.map(async (storage, index) => {
			const dump = dumps[index];
			const isLeft = [
				dump,
				details[index],
				manifests[index]
			].some(leftBehind);
			if (isLeft) await storage.abandon(`${this.#folder}/`, signal);
			if (dump?.status !== "fulfilled" && !isLeft) return;
			await storage.remove(`${this.#folder}/${manifestName}`, signal);
			if (this.#detailsName !== "") await storage.remove(`${this.#folder}/${this.#detailsName}`, signal);
			await storage.remove(`${this.#folder}/${this.#file.name}`, signal);
		}))).filter((removal) => removal.status === "rejected").map(({ reason }) => reason);
		if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error instanceof Error ? error.message : error).join("; "));
	}
};
function leftBehind(outcome) {
	return outcome?.status === "rejected" && outcome.reason instanceof LeftBehindError;
}

// src/commands/shared/proof-of.ts
/** What the comparison of a restored copy covered, for the report. */
function proofOf({ fingerprint, told }) {
	const { inventory, tables } = fingerprint;
	return {
		inventoryVersion: inventory?.version ?? null,
		objects: inventory?.counts ?? {},
		tables: tables.length,
		rows: tables.reduce((sum, table) => sum + table.rows, 0),
		told
	};
}
/** The line in which the phase ends; `to` is what the copy was compared with. */
function proofFact(proof, to) {
	const compared = `${countOf(proof.tables, "table")}, ${formatCount(proof.rows)} rows`;
	return proof.told.length === 0 ? `${compared}, all equal to ${to}` : `${compared}, equal to ${to}; not proved: ${countOf(proof.told.length, "thing")}, named in the warnings`;
}

// src/commands/shared/unless-lost.ts
/** The context for work that must end when this run's lock is lost: somebody else may have begun by then. */
function unlessLost(context, lock) {
	return lock === null ? context : {
		...context,
		signal: AbortSignal.any([context.signal, lock.lost])
	};
}

// src/commands/making/backup-details.ts
/** All that a backup must look like when it is restored; whether it is proved is not known yet. */
function backupDetails(id, ready, read) {
	const { database, migrator, history } = ready;
	const { properties } = ready.facts;
	return {
		id,
		address: `${database.address.host}:${database.address.port}`,
		properties: {
			...properties,
			acl: properties.acl === null ? null : [...properties.acl],
			settings: properties.settings.map(({ role, config }) => ({
				role,
				config: [...config]
			}))
		},
		prisma: migrator === null ? null : {
			historySchema: migrator.historySchema,
			appliedMigrations: (history ?? []).filter((row) => row.finishedAt !== null && row.rolledBackAt === null).map((row) => ({
				name: row.migrationName,
				checksum: row.checksum
			}))
		},
		fingerprint: structuredClone(read.fingerprint),
		hasPublicSchema: read.hasPublicSchema,
		proofProblem: null,
		schemaText: read.schemaText
	};
}

// src/commands/making/manifest-text.ts
/** The manifest of a backup as it is stored, authenticated where there is a passphrase to do it with. */
async function manifestText(context, settings, ready, backup) {
	const manifest = describe$1(context, settings, ready, backup, await systemIdentifierOf(ready.database));
	const { encryption } = settings;
	return encryption?.kind === "passphrase" ? await signManifest(manifest, encryption.passphrase) : renderManifest({
		...manifest,
		authentication: null
	});
}
function describe$1(context, settings, { database, migrator, facts }, { details, ...backup }, systemIdentifier) {
	const { text: version, major } = database.server;
	const { inventory } = details.fingerprint;
	const proved = settings.verify === "restore" && backup.proofError === null;
	return {
		formatVersion: 2,
		id: details.id,
		createdAt: backup.takenAt,
		command: settings.command,
		tools: { pgDump: database.toolsFact },
		file: backup.file,
		plain: { ...backup.content },
		encryption: encryptionField(settings),
		gitCommit: context.run.commit,
		runUrl: context.run.url,
		server: {
			version,
			major,
			systemIdentifier
		},
		database: {
			name: database.address.database,
			sizeBytes: facts.sizeBytes
		},
		details: backup.detailsFile,
		prisma: migrator === null || details.prisma === null ? null : {
			version: migrator.version,
			appliedMigrations: details.prisma.appliedMigrations.length
		},
		counts: countsOf(details),
		proof: {
			method: settings.verify,
			proved,
			problem: backup.proofError?.code ?? null,
			inventory: !proved || inventory === null ? null : {
				version: inventory.version,
				objects: inventory.counts
			}
		}
	};
}
function encryptionField({ encryption }) {
	if (encryption?.kind !== "recipients") return encryption === null ? null : { kind: "passphrase" };
	return {
		kind: "recipients",
		recipients: [...encryption.recipients]
	};
}

// src/commands/making/take-backup.ts
/**
* dump, prove, store. `keepUnproved` decides what a failed proof means: `migrate` has nothing to go on with
* and rejects, `backup` stores the dump marked as unproved and tells its caller.
* On rejection nothing is left behind: no object, no part, no copy, no file.
*/
async function takeBackup(context, settings, ready, options) {
	const { database } = ready;
	const failing = new AbortController();
	const signal = AbortSignal.any([unlessLost(context, ready.lock).signal, failing.signal]);
	const onFailure = (error) => failing.abort(error);
	const label = settings.label ?? labelBefore(ready.pending[0]);
	const id = backupId(await serverNow(database, (line) => context.log.warn(line)), label);
	const { journal } = options;
	await journal?.enter("dump", { backupId: id });
	const file = await GrowingFile.create(join(context.workFolder, dumpName));
	const outgoing = await outgoingFor(context, settings, file, onFailure);
	const uploads = new Uploads(ready.storages, {
		folder: backupFolder(database.address.database, id),
		file: outgoing,
		estimatedBytes: ready.facts.sizeBytes,
		signal,
		onFailure
	});
	let fallback = null;
	try {
		const snapshot = await database.openSnapshot();
		await using _ = snapshot;
		const dumped = await context.log.phase("dump", async (log) => {
			let tables = "";
			log.progress(() => `${formatBytes(file.sizeBytes)} dumped${tables}${uploads.progressText()}`);
			const [content, , fingerprint, schemaText] = await allOrNone(signal, (stop) => [
				file.content,
				snapshot.dump(file.writer, stop),
				snapshot.fingerprint(settings.jobs, stop, (done, all) => {
					tables = `, ${done} of ${all} tables read`;
				}),
				snapshot.schemaText(stop)
			]);
			return {
				fact: `${formatBytes(content.sizeBytes)} of ${formatBytes(ready.facts.sizeBytes)}, sha256 ${content.sha256.slice(0, 8)}…`,
				value: {
					details: backupDetails(id, ready, {
						fingerprint,
						schemaText,
						hasPublicSchema: snapshot.hasPublicSchema
					}),
					content,
					takenAt: snapshot.takenAt,
					witness: snapshot.witness,
					counters: snapshot.counters
				}
			};
		});
		await snapshot[Symbol.asyncDispose]();
		let proofError = null;
		await writeDetails(context.workFolder, dumped.details);
		await journal?.enter("prove", { dump: dumped.content });
		try {
			fallback = await prove(context, settings, ready, {
				...options,
				file,
				uploads,
				dumped,
				signal
			});
		} catch (error) {
			if (!(error instanceof SafeMigrateError && !signal.aborted && options.keepUnproved)) throw error;
			proofError = error;
		}
		await journal?.enter("store", { fallback: fallback === null ? null : readyCopy(fallback) });
		return {
			record: await context.log.phase("store", async (log) => {
				log.progress(() => uploads.progressText().replace(/^, /, "") || void 0);
				const content = await outgoing.release();
				const file = {
					name: outgoing.name,
					...content
				};
				const details = {
					...dumped.details,
					proofProblem: proofError?.message ?? null
				};
				const sealed = await sealDetails(details, settings.encryption);
				const manifest = await manifestText(context, settings, ready, {
					...dumped,
					file,
					details,
					detailsFile: sealed.field,
					proofError
				});
				const locations = await uploads.finish(sealed, manifest);
				const stored = {
					id,
					locations,
					...content,
					encryption: settings.encryption?.kind ?? null,
					restoreProved: fallback === null ? "false" : "true"
				};
				context.report.backup(stored);
				log.detail(`encrypted: ${encryptionSentence(stored.encryption)}`);
				for (const location of locations) log.detail(`${location.url}: ${location.verified}`);
				return {
					fact: locations.map((location) => location.url).join(" "),
					value: stored
				};
			}),
			dumpPath: file.path,
			details: dumped.details,
			witness: dumped.witness,
			counters: dumped.counters,
			fallback,
			proofError,
			async [Symbol.asyncDispose]() {
				await leaveNothing(context, () => removeFiles(outgoing, file));
			}
		};
	} catch (error) {
		const reason = failing.signal.aborted ? failing.signal.reason : error;
		file.fail(reason);
		const cleared = [
			await leaveNothing(context, () => uploads.discard()),
			await leaveNothing(context, () => removeFiles(outgoing, file)),
			await leaveNothing(context, () => database.dropCopy(options.fallbackName))
		];
		if (journal !== null && cleared.every(Boolean)) await leaveNothing(context, () => journal.clear());
		throw reason;
	}
}
/** What goes to the storages: the dump, or its ciphertext. On rejection the dump is removed. */
async function outgoingFor(context, settings, dump, onFailure) {
	if (settings.encryption === null) return outgoingDump(dump);
	try {
		const path = join(context.workFolder, sealedDumpName);
		return await seal(dump, {
			encryption: settings.encryption,
			path,
			onFailure
		});
	} catch (error) {
		await leaveNothing(context, () => dump[Symbol.asyncDispose]());
		throw error;
	}
}
/** Both in any case: no plain text may stay because the ciphertext could not be removed. */
async function removeFiles(...files) {
	await using removals = new AsyncDisposableStack();
	for (const file of files) removals.use(file);
}
/** As Promise.all, but the first failure ends the others, and nothing is under way any more when this rejects. */
async function allOrNone(signal, begin) {
	const failing = new AbortController();
	const works = begin(AbortSignal.any([signal, failing.signal]));
	try {
		return await Promise.all(works);
	} catch (error) {
		failing.abort(error);
		await Promise.allSettled(works);
		throw error;
	}
}
/** Cleaning up after a failure must not hide the failure. */
async function leaveNothing(context, cleanUp) {
	try {
		await cleanUp();
		return true;
	} catch (error) {
		const problem = messageOf(error);
		context.log.warn(`something is left behind: ${problem}`);
		return false;
	}
}
async function prove(context, settings, ready, given) {
	const { dumped, file, signal } = given;
	return context.log.phase("prove", async (log) => {
		log.progress(() => `restoring${given.uploads.progressText()}`);
		await file.verify();
		if (settings.verify === "archive") {
			await ready.database.readArchive(file.path, signal);
			log.warn("verify is archive: the dump was read from end to end but not restored, so the restore is not proved");
			return {
				fact: "length, digest and archive read from end to end; not restored",
				value: null
			};
		}
		const fallback = await ready.database.restoreBeside({
			name: given.fallbackName,
			run: context.run.id,
			dumpPath: file.path,
			expected: dumped.details.fingerprint,
			expectedSchemaText: dumped.details.schemaText,
			properties: ready.facts.properties,
			jobs: settings.jobs,
			signal
		}, log);
		const proof = proofOf(fallback);
		context.report.proof(proof);
		return {
			fact: proofFact(proof, "the snapshot"),
			value: fallback
		};
	});
}

// src/commands/migrate/begin-journal.ts
/** The journal of a run that is about to begin; null without a lock, because only its holder may write one. */
function beginJournal$1(context, command, { lock, migrator, facts, pending }) {
	if (lock === null) return null;
	const names = new Set(pending);
	return RunJournal.of(lock, {
		run: context.run.id,
		command,
		targetOid: facts.oid,
		comment: facts.properties.comment,
		historySchema: migrator?.historySchema ?? "public",
		migrations: (migrator?.migrations ?? []).filter(({ name }) => command === "migrate" && names.has(name)).map(({ name, checksums }) => ({
			name,
			checksums: [...new Set(checksums)]
		}))
	}, context.journalIsOpen);
}

// src/commands/migrate/settle.ts
/**
* Clears away what the run no longer needs, and then closes its journal. What cannot be cleared is a warning: the result
* stands already, and with the journal open the next run tries again.
* `keepFailed`: how many kept failed databases stay, newest first; null: all of them (nothing was confirmed).
*/
async function settle(context, ready, what) {
	const { database } = ready;
	await context.log.phase("settle", async (log) => {
		const dropped = [];
		const drop = async (name) => {
			try {
				await database.dropCopy(name);
				dropped.push(name);
				log.detail(`dropped ${name}`);
				return true;
			} catch (error) {
				log.warn(`${name} could not be dropped: ${messageOf(error)}`);
				return false;
			}
		};
		try {
			if (what.journal?.isOpen === true) await what.journal.assertOurs();
			if (what.dropFallback === null || await drop(what.dropFallback.name)) await what.journal?.clear();
			if (what.keepFailed !== null) {
				const failed = await database.failedDatabases();
				for (const { name } of failed.slice(what.keepFailed)) await drop(name);
			}
			context.report.kept(await database.failedDatabases());
		} catch (error) {
			log.warn(`clearing up ended early: ${messageOf(error)}`);
		}
		return {
			fact: dropped.length === 0 ? "nothing to drop" : `${countOf(dropped.length, "database")} dropped`,
			value: null
		};
	});
}

// src/commands/shared/compare-swapped.ts
/** What only the failed database holds, table by table: the application's writes after the backup among it. */
async function compareSwapped(context, given) {
	const { database, swapped, fingerprint, jobs } = given;
	if (context.signal.aborted) {
		context.log.warn(`the run was cancelled, so ${swapped.failedName} was not compared with the target`);
		return;
	}
	try {
		await context.log.phase("report", async (log) => {
			const differences = await database.compareWithFailed({
				...swapped,
				before: fingerprint,
				jobs
			}, log);
			context.report.newWrites(differences);
			for (const each of differences) log.detail(`${each.schema}.${each.table}: ${each.onlyInFailed} rows only in the failed database, ${each.changed} changed, ${each.onlyInTarget} only in the target`);
			const rows = differences.reduce((sum, each) => sum + each.onlyInFailed + each.changed + each.onlyInTarget, 0);
			const compared = `${countOf(fingerprint.tables.length, "table")} compared`;
			return {
				fact: rows === 0 ? `${compared}: no row written after the backup` : `${compared}: ${formatCount(rows)} rows in ${countOf(differences.length, "table")} differ from the failed database`,
				value: null
			};
		});
	} catch (error) {
		context.log.warn(`the failed database could not be compared: ${messageOf(error)}`);
	}
}

// src/commands/earlier-run/earlier-run.ts
/**
* Finishes what an earlier run left open, before `migrate` or `rollback` looks at the target; others only report it. Returns
* the lock that it took for that, or null when nothing was open. Rejects with SM_LOCKED when that run lives, and with
* an UnfinishedRunError when a person has to finish it.
*/
async function finishEarlier(context, settings, given, log) {
	const { database } = given;
	const seen = await database.openJournal();
	if (seen === null) return null;
	if (settings.command === "backup" || settings.command === "rollback" && settings.dryRun) {
		log.warn(`run ${seen.run} on ${database.address.database} is unfinished (phase ${seen.phase} since ${seen.at}): the next migrate finishes it, or says what a person has to do`);
		return null;
	}
	const lock = await takeLock(context, database);
	try {
		await context.ports.loadParser();
		const journal = await database.openJournal();
		if (journal === null) return lock;
		const finished = await context.log.phase("recover", async (phaseLog) => {
			const value = await finishEarlierRun({
				...given,
				lock,
				settings,
				keys: keysOf(settings),
				tellEvidence: (evidence) => context.report.recoveryEvidence(evidence),
				detailsOf: async () => null,
				dumpOf: async () => null,
				fetchDump: (backup, fetchLog) => storedDump(context, settings, backup, fetchLog),
				signal: context.signal
			}, journal, phaseLog);
			return {
				fact: value.fact,
				value,
				failed: value.problem !== null
			};
		});
		context.report.earlierRun(finished);
		if (finished.afterMigrateOwed) context.report.nextStep({
			text: `Run ${finished.run} had begun its before-migrate and did not get to its after-migrate: run that by hand (start the application).`,
			commands: []
		});
		if (finished.problem !== null) throw unfinished(context, journal.phase, finished);
		log.warn(`an earlier run was unfinished and is finished now: ${finished.fact}`);
		if (finished.swapped !== null && finished.details !== null) {
			const { fingerprint } = finished.details;
			await compareSwapped(context, {
				database,
				swapped: finished.swapped,
				fingerprint,
				jobs: settings.jobs
			});
		}
		return lock;
	} catch (error) {
		await lock[Symbol.asyncDispose]();
		throw error;
	}
}
function unfinished(context, phaseBefore, finished) {
	for (const step of finished.nextSteps) context.report.nextStep(step);
	const { problem, outcome } = finished;
	if (problem === null) throw new TypeError("it is finished");
	return new UnfinishedRunError(problem, phaseBefore !== outcome && (outcome === "stopped" || outcome === "recovery-failed") ? outcome : "refused");
}
/**
* Clears away what a run left behind that died without a journal, where this run has nothing to do that would need the
* lock: taking it and letting go of it drops the coordination database. Best effort: whoever holds it is at work.
*/
async function clearIdleCoordination(context, database, log) {
	const name = database.closedJournal.database;
	try {
		if (await database.oidOf(name) === null) return;
		await using _ = await takeLock(context, database);
		if (await database.openJournal() === null) await dropOrphans(database, log);
	} catch (error) {
		log.detail(`${name} stays: ${messageOf(error)}`);
	}
}
/**
* Drops copies that earlier runs left behind. Whoever makes one holds the lock while he needs it, and now this run
* holds it; what an open journal names never comes here. Best effort: the result does not depend on it.
*/
async function dropOrphans(database, log) {
	const dropped = [];
	for (const { name } of await database.leftoverCopies()) try {
		await database.dropCopy(name);
		dropped.push(name);
	} catch (error) {
		log.warn(`the copy ${name} of an earlier run could not be dropped: ${messageOf(error)}`);
	}
	if (dropped.length > 0) log.detail(`dropped ${countOf(dropped.length, "copy", "copies")} of earlier runs: ${dropped.join(", ")}`);
}

// src/commands/shared/interruptible.ts
/**
* Lets a cancel reach the questions that `work` asks of the target: one that waits for a lock would otherwise be waited
* for until the runner kills everything. For work that has changed nothing; recovery is never interrupted.
*/
async function interruptible(signal, database, work) {
	signal.throwIfAborted();
	const interrupt = () => database.interrupt();
	signal.addEventListener("abort", interrupt, { once: true });
	try {
		return await work();
	} catch (error) {
		signal.throwIfAborted();
		throw error;
	} finally {
		signal.removeEventListener("abort", interrupt);
	}
}

// src/commands/preflight/look-at-clock.ts
/** Below that, nothing that is decided by time comes out otherwise. */
const toleratedMs = 12e4;
/** Says when the runner's clock is minutes away from the server's: names of runs and backups carry the runner's. */
function lookAtClock(serverTime, runnerTime, log) {
	const aheadMs = runnerTime.getTime() - Date.parse(serverTime);
	if (Math.abs(aheadMs) < toleratedMs) return;
	const minutes = Math.round(Math.abs(aheadMs) / 6e4);
	log.warn(`the clock of this runner is ${minutes} minutes ${aheadMs > 0 ? "ahead of" : "behind"} the server's (${serverTime}): names of backups and runs carry the wrong time. Set it right (NTP)`);
}

// src/commands/preflight/look-at-connections.ts
/**
* What a run holds at most, beside its `jobs`: in the target while it dumps, the lock, the session for questions, the
* one that exports the snapshot, and two of pg_dump; the lock in the coordination database comes on top of that.
*/
const heldIn = {
	database: 5,
	role: 6,
	server: 6
};
/**
* With how many jobs the run can work where connections are limited; less than one job is a reason to refuse, before the
* lack of a connection shows in the middle of something.
*/
function lookAtConnections(rooms, wanted, log) {
	const free = rooms.map((room) => ({
		room,
		jobs: room.limit - room.others - heldIn[room.of]
	}));
	const problems = free.filter(({ jobs }) => jobs < 1).map(({ room }) => {
		const left = Math.max(0, room.limit - room.others);
		return {
			code: "SM_TOO_FEW_CONNECTIONS",
			message: `This run needs ${countOf(heldIn[room.of] + 1, "connection")} at the least, and ${room.name} has ${left === 0 ? "none" : left} left of ${room.limit}: others hold ${room.others}.`,
			hint: room.remedy,
			docs: "postgresql.md"
		};
	});
	const jobs = Math.max(1, Math.min(wanted, ...free.map((each) => each.jobs)));
	if (problems.length === 0 && jobs < wanted) {
		const tight = free.filter((each) => each.jobs === jobs).map(({ room }) => room.name);
		log.warn(`works with jobs: ${jobs} instead of ${wanted}, because ${tight.join(" and ")} has no more connections left`);
	}
	return {
		jobs,
		problems
	};
}

// src/commands/preflight/look-at-deploys.ts
/** Whoever may connect can hold Prisma's lock; a deploy then waits for ten seconds, and fails without saying for whom. */
async function lookAtDeploys(database, log) {
	const holder = await database.prismaLockHolder("anybody");
	if (holder === null) return;
	log.warn(`session ${holder.pid} of ${holder.user} holds Prisma's lock in the target: while it does, a deploy fails (P1002). If that is no deploy, end it, as a superuser or as ${holder.user}: SELECT pg_terminate_backend(${holder.pid});`);
}

// src/prisma/baseline.ts
/** PostGIS's own, which Migrate overlooks by these names in any case and schema. As measured on 7.10. */
const overlooked = [
	"geography_columns",
	"geometry_columns",
	"raster_columns",
	"raster_overviews",
	"spatial_ref_sys"
];
/**
* The tables because of which `migrate deploy` refuses a database without `_prisma_migrations` (P3005), as
* `schema.table`, sorted. By its own rule, as measured: ordinary tables (leaves of a partitioned one, those of extensions and
* those that the role cannot read among them; no views, types, sequences, foreign tables, partitioned tables as such).
*/
async function tablesWithoutHistory(database, historySchema, own) {
	const schemas = [.../* @__PURE__ */ new Set([historySchema, ...own.schemas])];
	return (await database.query(`SELECT n.nspname::text AS "schema", c.relname::text AS "table"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND n.nspname IN (${schemas.map(literal).join(", ")})
        AND pg_catalog.lower(c.relname) NOT IN (${overlooked.map(literal).join(", ")})
      ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`, object({
		schema: string(),
		table: string()
	}))).map(({ schema, table }) => `${schema}.${table}`).filter((name) => !own.external.includes(name));
}
/** What to do about them. Marking a migration that never ran as applied would lose it silently, so that comes last. */
function baselineAdvice(tables, first) {
	const more = tables.length > 5 ? ` and ${tables.length - 5} more` : "";
	const named = `${tables.slice(0, 5).join(", ")}${more}`;
	return {
		message: `the database has no migration history, but holds ${tables.length === 1 ? "a table" : "tables"} (${named}): Prisma would refuse it (P3005)`,
		hint: [
			"Check that database and schema in the URL are the right ones.",
			"Tables of an extension or of another tool: move them to a schema of their own, or name them in prisma.config.ts (tables.external, as schema.table).",
			`Tables that migrations make: mark exactly those migrations as applied, which does not run them: npx prisma migrate resolve --applied ${JSON.stringify(first)}`
		].join(" ")
	};
}

// src/prisma/plan.ts
/**
* What `migrate deploy` would do with these files and this history (null: there is no `_prisma_migrations`).
* `unmanaged`: tables that are there without a history (baseline.ts).
*/
function planMigrations(files, history, options = {}) {
	const rows = (history ?? []).filter((row) => row.rolledBackAt === null);
	const known = new Set(rows.map((row) => row.migrationName));
	const pending = files.filter((file) => !known.has(file.name));
	const problems = [
		...options.unmanaged === void 0 || options.unmanaged.length === 0 ? [] : [notBaselined$1(options.unmanaged, files)],
		...rows.filter((row) => row.finishedAt === null).map(failedBefore),
		...editedMigrations(files, rows),
		...missingMigrations(files, rows),
		...pending.filter((file) => file.script.trim() === "").map(emptyScript),
		...pending.flatMap(flawed)
	];
	return {
		pending: pending.map((file) => file.name),
		problems,
		warnings: outOfOrder$2(files, known)
	};
}
function failedBefore(row) {
	const name = JSON.stringify(row.migrationName);
	return {
		code: "SM_HISTORY_FAILED",
		message: `migration ${row.migrationName} failed or was interrupted earlier (started ${row.startedAt}) and was never resolved`,
		hint: `See what it left in the database. If nothing: npx prisma migrate resolve --rolled-back ${name}. If you completed it by hand: npx prisma migrate resolve --applied ${name}. Then run again.`
	};
}
function editedMigrations(files, rows) {
	return files.flatMap((file) => {
		const applied = rows.filter((row) => row.migrationName === file.name && row.finishedAt !== null);
		if (applied.length === 0 || applied.some((row) => file.checksums.includes(row.checksum))) return [];
		return {
			code: "SM_HISTORY_EDITED",
			message: `migration ${file.name} was edited after it had been applied`,
			hint: "Restore its migration.sql from version control and put the change into a new migration."
		};
	});
}
function missingMigrations(files, rows) {
	const onDisk = new Set(files.map((file) => file.name));
	return [...new Set(rows.filter((row) => row.finishedAt !== null).map((row) => row.migrationName))].filter((name) => !onDisk.has(name)).map((name) => ({
		code: "SM_HISTORY_MISSING",
		message: `migration ${name} was applied to this database, but is not among the files`,
		hint: `Deploy a commit that holds it, or restore its folder from version control. If it was squashed on purpose, say so in the history: UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '${name.replaceAll("'", "''")}';`
	}));
}
function emptyScript(file) {
	return {
		code: "SM_MIGRATION_UNREADABLE",
		message: `the migration.sql of pending migration ${file.name} is empty`,
		hint: "Restore the file from version control; when nothing is meant to happen, write a comment into it."
	};
}
function flawed({ name, flaw }) {
	if (flaw === void 0) return [];
	return [{
		code: "SM_MIGRATION_UNREADABLE",
		message: `the migration.sql of pending migration ${name} ${flaw.message}`,
		hint: flaw.hint
	}];
}
function notBaselined$1(tables, files) {
	return {
		code: "SM_NOT_BASELINED",
		...baselineAdvice(tables, files[0]?.name ?? "0_init")
	};
}
/** Merged branches: Prisma applies them all the same, but in another order than on a fresh database. */
function outOfOrder$2(files, known) {
	const lastApplied = files.findLastIndex((file) => known.has(file.name));
	return files.slice(0, Math.max(0, lastApplied)).filter((file) => !known.has(file.name)).map((file) => `pending migration ${file.name} sorts before ${files[lastApplied]?.name ?? ""}, which is applied already`);
}
/**
* What happened to the migrations of this run (`pending`), from the history before and after. That the migrator says all is
* well has no say (it has been seen to exit with 0 when the engine had died); that it says a script failed does, and where it
* did not end well, so does what the scripts could have written into the history themselves.
*/
function judge(before, after, files, pending, deployed) {
	const known = new Set((before ?? []).map((row) => row.id));
	const rows = (after ?? []).filter((row) => !known.has(row.id) && row.rolledBackAt === null);
	const ours = files.filter((file) => pending.includes(file.name));
	const checksums = new Map(ours.map((file) => [file.name, file.checksums]));
	const applied = pending.filter((name) => rows.some((row) => row.migrationName === name && row.finishedAt !== null && (checksums.get(name)?.includes(row.checksum) ?? false)));
	const begun = new Set(rows.map((row) => row.migrationName));
	const failed = rows.filter((row) => row.finishedAt === null);
	const isBelievable = failed.length === 0 && deployed.errorCode !== "P3018" && (deployed.exitCode === 0 || !mayForgeHistory(ours.map(({ script }) => script)));
	return {
		applied,
		failed,
		untouched: pending.filter((name) => !begun.has(name)),
		isComplete: isBelievable && applied.length === pending.length
	};
}

// src/commands/preflight/look-at-history.ts
/** History and pending migrations of the target now, and what forbids to go on from there. */
async function lookAtHistory$1(database, migrator) {
	if (migrator === null) return {
		history: null,
		pending: [],
		problems: [],
		warnings: []
	};
	const history = await readHistory(database, migrator.historySchema);
	return {
		history,
		...planMigrations(migrator.migrations, history, { unmanaged: history === null ? await tablesWithoutHistory(database, migrator.historySchema, migrator.ownTables) : [] })
	};
}

// src/commands/preflight/look-at-leftovers.ts
/** More of them tell nobody anything. */
const listedForeign = 10;
/** Kept failed databases, copies that earlier runs could not clear away, and what only says that it is one of these. */
async function lookAtLeftovers(context, database, log) {
	const kept = await database.failedDatabases();
	context.report.kept(kept);
	for (const { name, sizeBytes } of kept) log.detail(`kept failed database ${name}, ${formatBytes(sizeBytes)}`);
	for (const { name, sizeBytes } of await database.leftoverCopies()) log.warn(`an earlier run left the copy ${name} (${formatBytes(sizeBytes)}); it holds nothing that the backup does not hold`);
	for (const { name, owner, removal } of (await database.foreignDatabases()).slice(0, listedForeign)) log.warn(`${name} bears the name or mark of a database that safe-migrate makes for ${database.address.database}, but belongs to ${owner}, who may not act for its owner: nothing in it is believed, and it is neither used nor dropped. To remove it, as a superuser or as ${owner}: ${removal}`);
}

// src/commands/preflight/look-at-project.ts
/** Opens the Prisma project; null only for a `backup` that can do without it. */
async function lookAtProject(context, settings, log) {
	try {
		const migrator = await context.ports.openMigrator(settings, context.run, context.signal);
		for (const warning of migrator.warnings) log.warn(warning);
		context.report.prisma(migrator.version);
		return migrator;
	} catch (error) {
		if (!(settings.command === "backup" && settings.databaseUrl !== null) || !(error instanceof SafeMigrateError) || error.code === "SM_URL_MISMATCH") throw error;
		log.warn(`the backup will not name the applied migrations: ${error.message}`);
		return null;
	}
}

// src/prisma/proof/server-proof.ts
const pollMs = 50;
/** A container that has to be made first, on a busy machine. */
const timeoutMs = 12e4;
/** Errors after which a migration could not begin either: authentication, no server, time-out, no database, no access. */
const cannotConnect = /* @__PURE__ */ new Set([
	"P1000",
	"P1001",
	"P1002",
	"P1003",
	"P1010",
	"P1011",
	"P1017"
]);
/**
* Proves that the migrator works on the very database that the tools back up: both are led to a meeting point in the
* target. Rejects with SM_OTHER_SERVER when the migrator turns up elsewhere, naming both servers, with
* SM_SERVER_UNPROVED when it cannot connect at all, for then it could not migrate either, and with SM_MIGRATOR_BUSY
* when somebody wants to migrate meanwhile: a deploy of somebody else, which is let through, or the migrator unasked.
*/
async function proveServer(database, migrator, signal) {
	if (migrator.kind === "prisma" && await database.isOneRoute()) return { outcome: "certain" };
	const { runScript } = migrator;
	if (runScript === null) return {
		outcome: "not-proved",
		because: "migrate-command is not Prisma’s `migrate deploy` alone, and what else is in it must not run before there is a backup"
	};
	await using meeting = await database.openMeetingPoint({ keepsMigratorsOut: migrator.runsEntrypoint });
	const visit = await waitForVisit(meeting, (aborted) => runScript(meeting.script, aborted), signal);
	if (visit.applicationName !== null) return {
		outcome: "proved",
		applicationName: visit.applicationName
	};
	if (visit.waiting !== null) throw somebodyMigrates(database, visit.waiting);
	const other = meeting.otherServerIn(visit.run.output);
	if (other !== null) throw otherServer(database, migrator, meeting.server, other);
	const said = whatItSaid(visit.run);
	if (migrator.kind === "prisma" || cannotConnect.has(errorCodeIn(visit.run.output) ?? "")) throw new SafeMigrateError({
		code: "SM_SERVER_UNPROVED",
		message: `${who(migrator)} could not be led to the database that would be backed up: ${said}`,
		hint: "The migration would fail the same way. See whether `prisma db execute --stdin` works where the migration runs, with the same environment.",
		docs: "prisma.md"
	});
	return {
		outcome: "not-proved",
		because: `run as \`prisma db execute --stdin\` it did not turn up: ${said}`
	};
}
/** Waits until the script's session stands at the meeting point, or the script has ended elsewhere. */
async function waitForVisit(meeting, run, signal) {
	const stop = new AbortController();
	const limits = AbortSignal.any([
		signal,
		stop.signal,
		AbortSignal.timeout(timeoutMs)
	]);
	let hasEnded = false;
	const running = run(limits).finally(() => {
		hasEnded = true;
	});
	running.catch(() => {});
	try {
		let applicationName = null;
		let waiting = null;
		while (!hasEnded && applicationName === null && waiting === null) {
			applicationName = (await meeting.visitor())?.applicationName ?? null;
			if (applicationName === null) waiting = await meeting.waitingMigrator();
			await Promise.race([running.catch(() => {}), setTimeout(pollMs)]);
		}
		if (waiting !== null) {
			stop.abort();
			await running.catch(() => {});
		}
		await meeting[Symbol.asyncDispose]();
		const ended = await running;
		signal.throwIfAborted();
		return {
			applicationName,
			waiting,
			run: ended
		};
	} finally {
		stop.abort();
		await running.catch(() => {});
	}
}
function otherServer(database, migrator, ours, other) {
	const { host, port } = database.address;
	const way = migrator.kind === "prisma" ? `${who(migrator)} (by its URL, ${host}:${port})` : who(migrator);
	return new SafeMigrateError({
		code: "SM_OTHER_SERVER",
		message: `one database would be backed up and another one migrated: the backup's tools (${database.toolsFact}) reach ${place(ours)}; ${way} reaches ${place(other)}`,
		hint: "Make both meet in one database: correct container or database-url for the tools, or the URL and port for the migration.",
		docs: "prisma.md"
	});
}
/** Whose it is cannot be told: a container has an address, a role and names like anybody else's. */
function somebodyMigrates({ address }, waiting) {
	return new SafeMigrateError({
		code: "SM_MIGRATOR_BUSY",
		message: `a session of ${waiting.user} wanted to migrate ${address.database} while migrate-command was only asked where it connects to: another deploy, which was let through, or the entrypoint of migrate-command's own container, which was ended before it could begin`,
		hint: "Nothing was touched by this run. Run it again when the other deploy has ended. Where there is none, the entrypoint of the image runs `prisma migrate deploy`: run the command without it (docker compose run --entrypoint …), and take it out of the image, or it migrates without a backup.",
		docs: "prisma.md"
	});
}
function who({ kind }) {
	return kind === "prisma" ? "Prisma" : "migrate-command";
}
function place(server) {
	return [
		`database ${server.database} at ${server.address === null ? "a socket" : `${server.address}:${server.port}`}`,
		`PostgreSQL ${server.version} running since ${server.startedAt}`,
		...server.systemIdentifier === null ? [] : [`system identifier ${server.systemIdentifier}`]
	].join(", ");
}
/** Its own last words: the line of an error, or how it ended. */
function whatItSaid({ exitCode, output }) {
	const lines = output.split("\n").map((line) => line.trim()).filter((line) => line !== "");
	const error = lines.findIndex((line) => /^(Error|ERROR):/.test(line));
	const told = error < 0 ? lines.at(-1) : lines.slice(error, error + 2).join(" ");
	if (exitCode === 0) return "it ended without an error, so it probably does not pass its standard input on";
	return `exit code ${exitCode ?? "unknown"}${told === void 0 ? "" : `, ${told.slice(0, 300)}`}`;
}

// src/commands/preflight/look-at-server.ts
/**
* Whether the migrator and the tools meet in one database. Before anything is read that the plan rests on: a history
* that looks finished may be another server's.
*/
async function lookAtServer(context, settings, database, migrator, log) {
	const warn = (because) => log.warn(`it could not be proved that migrations reach the database that is backed up: ${because}`);
	try {
		const proof = await proveServer(database, migrator, context.signal);
		if (proof.outcome === "proved") log.detail("the migrator was led to the database that is backed up");
		if (proof.outcome === "not-proved") warn(proof.because);
	} catch (error) {
		if (settings.command !== "backup" || !(error instanceof SafeMigrateError)) throw error;
		if (error.code !== "SM_SERVER_UNPROVED") throw error;
		warn(error.message);
	}
}

// src/commands/preflight/look-at-storages.ts
/** For how long the storages' credentials should last: what is not data, and dump, proof and upload at a slow 20 MB/s. */
const baseMinutes = 15;
const bytesPerMinute = 12e8;
/** Whether each storage can be written to for as long as a target of this size takes. */
async function lookAtStorages(context, storages, sizeBytes, problems, log) {
	const neededMinutes = baseMinutes + Math.ceil(sizeBytes / bytesPerMinute);
	await Promise.all(storages.map((storage) => problems.attempt(async () => {
		for (const warning of await storage.check(context.signal, neededMinutes)) log.warn(warning);
		log.detail(`${storage.url} can be written to`);
	})));
}

// src/recovery/recovery-ways.ts
/** What each way back asks for where nothing closes it. */
const conditions = {
	untouched: "needs nothing: where history and catalogs are as before, there is nothing to restore",
	history: "only where the failed script provably left nothing behind; that is known after it failed, never before",
	swap: "the restored copy takes the place of the target, whatever the migration did"
};
/**
* Every way back from a failed migration, least destructive first, and all reasons why it is closed. `recovery: swap`
* closes the shorter one by choice.
*/
function recoveryWays(obstacles, settings) {
	const isAgainst = (way, { closes }) => closes === "all" || closes.includes(way);
	const against = (way) => obstacles.filter((each) => each.isDoubt !== true && isAgainst(way, each)).map(({ message }) => message);
	const doubts = obstacles.filter((each) => each.isDoubt === true && isAgainst("swap", each)).map(({ message }) => `not certain before the backup is proved: ${message}`);
	const againstAll = obstacles.filter(({ closes }) => closes === "all").map(({ message }) => message);
	const byChoice = settings.recovery === "swap" ? ["recovery is set to swap"] : [];
	return [
		way("untouched", againstAll, conditions.untouched),
		way("history", [...byChoice, ...against("history")], conditions.history),
		way("swap", against("swap"), conditions.swap, doubts),
		way("in-place", ["arrives with a later version"], "")
	];
}
function way(name, closedBy, condition, doubts = []) {
	return closedBy.length === 0 ? {
		way: name,
		open: true,
		because: [condition, ...doubts]
	} : {
		way: name,
		open: false,
		because: closedBy
	};
}

// src/commands/preflight/look-at-target.ts
/** The target's size and properties, and what stands against a backup of it and the ways back. */
async function lookAtTarget$1(context, settings, database, problems, log) {
	const facts = await database.inspect();
	problems.add(facts.obstacles.filter((obstacle) => isInTheWay(obstacle, settings)));
	for (const obstacle of facts.obstacles.filter((each) => !isInTheWay(each, settings))) log.detail(`not in the way of ${settings.command}: ${obstacle.message}`);
	log.detail(`a restored copy needs about ${formatBytes(facts.sizeBytes)} more on the server's disk while this run lasts`);
	if (settings.command === "migrate") {
		tellWays(context, facts.obstacles, settings, log);
		for (const warning of facts.warnings) log.warn(warning);
	}
	return facts;
}
/** The whole table in the folded details; what is closed stays visible, in one line. */
function tellWays(context, obstacles, settings, log) {
	const ways = recoveryWays(obstacles, settings);
	context.report.recoveryWays(ways);
	for (const { way, open, because } of ways) log.detail(`recovery ${way}: ${open ? "open" : "closed"}; ${because.join(" ")}`);
	if (obstacles.some(({ isDoubt }) => isDoubt !== true)) {
		const closed = ways.filter(({ open }) => !open).map(({ way }) => way);
		log.warn(`ways of recovery that are closed: ${closed.join(", ")}`);
	}
}
/**
* The swap is the one way back that is always enough, so `migrate` does not begin where it is closed;
* a backup that is proved by restoring it needs a database beside the target, and nothing else.
*/
function isInTheWay(obstacle, settings) {
	if (obstacle.isDoubt === true) return false;
	if (obstacle.closes === "all") return true;
	if (settings.command === "migrate") return obstacle.closes.includes("swap");
	return obstacle.code === "SM_NO_CREATEDB" && settings.verify === "restore";
}

// src/commands/preflight/problem-list.ts
/** What preflight has found wrong so far. It goes on looking, so that everything is told at once. */
var ProblemList = class {
	#problems = [];
	get isEmpty() {
		return this.#problems.length === 0;
	}
	add(problems) {
		this.#problems.push(...problems);
	}
	/** What `look` resolves with; null, and its problems are kept, when it refuses. */
	async attempt(look) {
		try {
			return await look();
		} catch (error) {
			if (!(error instanceof SafeMigrateError)) throw error;
			this.add(problemsOf(error));
			return null;
		}
	}
	refuse() {
		throw new RefusedError(this.#problems, { phase: "preflight" });
	}
	refuseIfAny() {
		if (!this.isEmpty) this.refuse();
	}
};

// src/recovery/pending-ways.ts
/** Prisma's engine sends scripts statement by statement from here on. What is measured after a failure counts. */
const splitsSince = {
	major: 7,
	minor: 4
};
/**
* Which way back each pending migration leaves open should it fail: `history`, where the failed row may be all that there is
* to take back, or only the `swap`. Known before, because it hangs on the script and on how it is sent.
*/
function pendingWays({ kind, version, migrations }, pending, known) {
	return migrations.filter(({ name }) => pending.includes(name)).map(({ name: migration, script }) => {
		if (known.recovery === "swap") return {
			migration,
			way: "swap",
			because: "recovery is set to swap"
		};
		const asRead = (reason) => ({
			migration,
			way: "history",
			because: `only where every table still holds what the backup holds: ${reason}`
		});
		if (kind === "command") return asRead("migrate-command may do more than its scripts say");
		const doubt = doubtOf(historyReach(script));
		if (doubt !== null) return asRead(doubt);
		const by = wayOfScript(describeScript(script), {
			eventTriggers: known.eventTriggers,
			execution: sendsWhole(version) ? "one-query" : "by-statement",
			wasRefused: true
		});
		if (by.way === "history") return {
			migration,
			way: "history",
			because: ifRefused(by.because)
		};
		return {
			migration,
			way: "swap",
			because: by.way === "no" ? by.because : "it is not known how it is sent"
		};
	});
}
function doubtOf(reach) {
	if (reach === "named") return "it names the migration history";
	return reach === "dynamic" ? "it runs SQL that cannot be read before" : null;
}
function sendsWhole(version) {
	const { major, minor } = parseVersion(version);
	return major < splitsSince.major || major === splitsSince.major && minor < splitsSince.minor;
}
/** What `wayOfScript` says of one that has failed, of one that may. */
function ifRefused(because) {
	if (because.includes("no statement that can change data")) return "it holds no statement that can change data; where it changed the schema before it failed, swap";
	if (because.includes("is one statement")) return "it is one statement, which PostgreSQL undoes as a whole";
	return "this Prisma sends a script as one query, which PostgreSQL undoes as a whole (measured after a failure)";
}

// src/commands/preflight/tell-pending-ways.ts
/** Says of each pending script which way back it leaves open. The parser is loaded by then. */
async function tellPendingWays(context, settings, given, log) {
	const [found] = await given.database.query(`SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D') AS "eventTriggers"`, object({ eventTriggers: boolean() }));
	const ways = pendingWays(given.migrator, given.pending, {
		eventTriggers: found?.eventTriggers ?? true,
		recovery: settings.recovery
	});
	context.report.pendingWays(ways);
	for (const { migration, way, because } of ways) log.detail(`way back from ${migration}: ${way}; ${because}`);
}

// src/commands/preflight/preflight.ts
/**
* Looks at everything before anything is touched and refuses with all reasons at once.
* What is returned is the caller's to dispose of; on refusal nothing stays open.
*/
async function preflight(context, settings, log) {
	const problems = new ProblemList();
	const storages = openStorages(context, settings);
	const migrator = await problems.attempt(() => lookAtProject(context, settings, log));
	const database = await openDatabase(context, settings, migrator, problems);
	if (database === null) {
		await lookAtStorages(context, storages, 0, problems, log);
		return problems.refuse();
	}
	let lock = null;
	try {
		context.report.target({
			...database.address,
			serverVersion: database.server.text
		});
		for (const warning of database.toolsWarnings) log.warn(warning);
		lock = await finishEarlier(context, settings, {
			database,
			migrator,
			storages
		}, log);
		return await interruptible(context.signal, database, async () => {
			const facts = await lookAtTarget$1(context, settings, database, problems, log);
			await lookAtStorages(context, storages, facts.sizeBytes, problems, log);
			await lookAtLeftovers(context, database, log);
			if (settings.command === "migrate") await lookAtDeploys(database, log);
			lookAtClock(facts.serverTime, /* @__PURE__ */ new Date(), log);
			const { jobs, problems: crowded } = lookAtConnections(facts.connections, settings.jobs, log);
			problems.add(crowded);
			if (migrator !== null && crowded.length === 0) await problems.attempt(() => lookAtServer(context, settings, database, migrator, log));
			const before = await lookAtHistory$1(database, migrator);
			const found = {
				database,
				migrator,
				storages,
				facts,
				jobs
			};
			if (lock === null && isUpToDate(settings, before) && problems.isEmpty) {
				await clearIdleCoordination(context, database, log);
				return ready({
					...found,
					...before,
					lock
				});
			}
			problems.refuseIfAny();
			lock ??= await takeLock(context, database);
			const plan = await lookAtHistory$1(database, migrator);
			if (settings.command === "migrate") problems.add(plan.problems);
			problems.refuseIfAny();
			for (const warning of plan.warnings) log.warn(warning);
			await context.ports.loadParser();
			if (settings.command === "migrate") {
				if (migrator !== null) await tellPendingWays(context, settings, {
					...found,
					...plan,
					migrator
				}, log);
				await dropOrphans(database, log);
			}
			return ready({
				...found,
				...plan,
				lock
			});
		});
	} catch (error) {
		await lock?.[Symbol.asyncDispose]();
		await database[Symbol.asyncDispose]();
		throw error;
	}
}
/** null when there is none: Prisma's own refusal, which would have named the URL, is among the problems then. */
async function openDatabase(context, settings, migrator, problems) {
	const url = settings.databaseUrl ?? migrator?.url ?? null;
	if (url === null) return null;
	return await problems.attempt(() => context.ports.openDatabase(url, settings));
}
function ready({ database, lock, migrator, storages, facts, jobs, history, pending }) {
	return {
		database,
		lock,
		migrator,
		storages,
		facts,
		jobs,
		history,
		pending,
		async [Symbol.asyncDispose]() {
			await lock?.[Symbol.asyncDispose]();
			await database[Symbol.asyncDispose]();
		}
	};
}
function isUpToDate(settings, plan) {
	return settings.command === "migrate" && plan.problems.length === 0 && plan.pending.length === 0;
}
/** One line for the log's phase line. */
function preflightFact(ready) {
	const { facts, database } = ready;
	const creates = facts.mayCreateDatabases ? "may create databases" : "may not create databases";
	return `${formatBytes(facts.sizeBytes)}, ${facts.tableCount} tables; ${creates}; ${database.toolsFact}`;
}

// src/commands/backup.ts
/**
* dump, prove, store. A dump whose proof fails is stored all the same, marked as unproved, because it may be
* the only one there is; then the job fails, because somebody has to look.
*/
async function backup(context, asked) {
	const { log, report } = context;
	await using ready = await log.phase("preflight", async (phaseLog) => {
		const value = await preflight(context, asked, phaseLog);
		const { address, server } = value.database;
		log.headline(`backup of ${address.database} at ${address.host}:${address.port}, PostgreSQL ${server.text}`);
		return {
			fact: preflightFact(value),
			value
		};
	});
	const settings = {
		...asked,
		jobs: ready.jobs
	};
	report.pending(ready.pending);
	const journal = await ready.database.openJournal() === null ? beginJournal$1(context, "backup", ready) : null;
	await using stored = await takeBackup(context, settings, ready, {
		fallbackName: ready.database.copyName("fallback", context.run.id),
		keepUnproved: true,
		journal
	});
	await settle(context, ready, {
		dropFallback: stored.fallback,
		keepFailed: null,
		journal
	});
	await pruneAfterBackup(context, settings, ready, stored.record.restoreProved);
	if (stored.proofError !== null) throw stored.proofError;
	return "backed-up";
}

// src/commands/check/as-finding.ts
/** An error that keeps a part of the check from looking, as a finding of that part; it belongs to no line. */
function asFinding({ code, message, hint }) {
	return {
		severity: "error",
		code,
		message,
		hint,
		file: null,
		line: null
	};
}

// src/commands/check/broken-project.ts
/** A project that Prisma itself would refuse, e.g. for a lock file of another provider: one finding, nothing else. */
function brokenProject(error, settings, subject) {
	return {
		fails: settings.failOn !== "none",
		subject,
		parts: checkPartNames.map((name) => {
			const isFirst = name === "history";
			return {
				name,
				fact: "not checked",
				findings: isFirst ? [asFinding(error)] : [],
				notChecked: isFirst ? ["Nothing else was checked: Prisma would refuse this project."] : []
			};
		}),
		pending: [],
		changesDatabase: null,
		missingMigrationSql: null,
		drift: null,
		prismaStatus: null
	};
}

// src/commands/check/check-ground.ts
/** No reason to fail a job that never was to see the database; a secret with another name is as silent. */
const noUrl = {
	severity: "warning",
	code: "SM_PRISMA_CONFIG",
	message: "database-url is empty, and Prisma found no URL either: history, pending migrations and drift were not looked at in the database",
	hint: "A secret that does not exist arrives as an empty text: see that it is set in this repository, or in the environment that the job names. Dependabot has secrets of its own.",
	file: null,
	line: null
};
/**
* Opens what there is. Rejects only where no part could run: the project cannot be loaded (locatePrisma's and
* captureProject's errors).
*/
async function openGround(context, settings, log) {
	const { ports, repository } = context;
	const findings = [];
	const project = await ports.openCheckedProject(settings, context.signal);
	const fileOf = (path) => relative(repository, path).replaceAll("\\", "/");
	const failed = (what, error) => {
		if (!(error instanceof SafeMigrateError)) throw error;
		findings.push(...problemsOf(error).map(asFinding));
		return {
			value: null,
			because: `${what}: ${messageOf(error)}`
		};
	};
	const base = await openBase(context, project, log);
	const { url } = project;
	if (url === null && context.pullRequest?.isFromFork === false) findings.push(noUrl);
	const database = url === null ? {
		value: null,
		because: `The database was not looked at, because this job has no URL for it${context.pullRequest?.isFromFork === true ? " (GitHub gives no secrets to pull requests from forks)" : ""}.`
	} : await ports.openDatabase(url, settings).then((value) => ({ value }), (error) => failed("The database was not looked at, because it cannot be opened", error));
	try {
		if (database.value !== null) {
			const { address, server } = database.value;
			context.report.target({
				...address,
				serverVersion: server.text
			});
		}
		const scratch = await openScratch(context, settings, {
			database: database.value,
			hasTarget: url !== null
		}, findings, failed);
		return {
			project,
			base,
			database,
			scratch,
			fileOf,
			findings,
			async [Symbol.asyncDispose]() {
				await scratch.value?.[Symbol.asyncDispose]();
				await database.value?.[Symbol.asyncDispose]();
			}
		};
	} catch (error) {
		await database.value?.[Symbol.asyncDispose]();
		throw error;
	}
}
async function openBase(context, project, log) {
	if (context.pullRequest === null) return {
		value: null,
		because: "The base branch was not compared with, because this run belongs to no pull request."
	};
	try {
		return { value: await context.ports.readBaseBranch({
			repository: context.repository,
			paths: [project.migrationsDirectory, project.schemaPath],
			baseCommit: context.pullRequest.baseCommit,
			headCommit: context.pullRequest.headCommit
		}) };
	} catch (error) {
		if (!(error instanceof SafeMigrateError)) throw error;
		log.warn(`${error.message}. ${error.hint}`);
		return {
			value: null,
			because: `The base branch was not compared with: ${error.message}. ${error.hint}`
		};
	}
}
async function openScratch(context, settings, { database, hasTarget }, findings, failed) {
	const url = settings.shadowDatabaseUrl;
	if (url === null) return {
		value: null,
		because: "it needs a server for scratch databases: give shadow-database-url, e.g. of a service container."
	};
	let scratch;
	try {
		scratch = await context.ports.openScratchServer(url, settings, context.run.id, (line) => context.log.warn(line));
	} catch (error) {
		return failed("the server of shadow-database-url cannot be used", error);
	}
	if (database === null && hasTarget) {
		await scratch[Symbol.asyncDispose]();
		return {
			value: null,
			because: "whether shadow-database-url leads to another server could not be made sure."
		};
	}
	if (await isAnotherServer(database, scratch).catch(async (error) => {
		await scratch[Symbol.asyncDispose]();
		throw error;
	})) return { value: scratch };
	await scratch[Symbol.asyncDispose]();
	findings.push({
		severity: "error",
		code: "SM_SHADOW_IS_TARGET",
		message: "shadow-database-url leads to the target's own server",
		hint: "Give a server that is made for it, e.g. a service container of the job: check creates nothing beside the target.",
		file: null,
		line: null
	});
	return {
		value: null,
		because: "shadow-database-url leads to the target's own server."
	};
}
/** Physical copies of one cluster share its identifier: a replica's primary counts as the target's server, too. */
async function isAnotherServer(database, scratch) {
	if (database === null) return true;
	const { systemIdentifier } = await database.identity();
	return systemIdentifier !== scratch.identity.systemIdentifier;
}

// src/lint/destructive.ts
/** What a DROP of it takes along: rows, or columns of that type. Views, indexes and functions hold no data. */
const droppedWithData = /* @__PURE__ */ new Map([
	["OBJECT_TABLE", "drops the table"],
	["OBJECT_FOREIGN_TABLE", "drops the foreign table"],
	["OBJECT_SCHEMA", "drops the schema"],
	["OBJECT_SEQUENCE", "drops the sequence"]
]);
/** With CASCADE these take columns of other tables along. */
const droppedWithColumns = /* @__PURE__ */ new Map([
	["OBJECT_TYPE", "drops, with the columns that use it, the type"],
	["OBJECT_DOMAIN", "drops, with the columns that use it, the domain"],
	["OBJECT_EXTENSION", "drops, with the columns that use it, the extension"]
]);
/** Called for what they do, and known not to destroy anything. */
const keepsData = /* @__PURE__ */ new Set([
	"setval",
	"pg_catalog.setval",
	"pg_notify"
]);
/**
* The statements of a script that destroy data, in their order: drops, truncates, deletes and updates of all rows, changes
* of a column's type; also inside of DO blocks. After them those of which that cannot be known from the script: SQL that
* is put together while it runs, procedures, and functions that a SELECT is run for.
* null when the script is no SQL to PostgreSQL's parser or the parser was not loaded.
*/
function destructiveStatements(sql) {
	const statements = parseSql(sql);
	if (statements === null) return null;
	const prepared = new Set(statements.flatMap(({ kind, node }) => kind === "PrepareStmt" ? [fieldsOf(node, kind).name] : []));
	const all = statements.flatMap((statement) => describe(statement, prepared));
	return [...all.filter((each) => each.isCertain), ...all.filter((each) => !each.isCertain)];
}
function describe(statement, prepared) {
	const told = (found) => found.map(({ action, object, isCertain = true }) => ({
		action,
		object,
		isCertain,
		line: statement.line,
		statement: statement.text
	}));
	if (statement.kind !== "DoStmt") return told(foundIn(statement, prepared));
	const block = blockStatements(statement);
	return [...(block?.statements ?? []).flatMap((inner) => describe(inner, prepared)), ...block === null || block.hasUnknown ? told([{
		action: "runs",
		object: "DO",
		isCertain: false
	}]) : []];
}
function foundIn({ kind, node }, prepared) {
	const fields = fieldsOf(node, kind);
	switch (kind) {
		case "DropStmt": return dropped(fields);
		case "DropdbStmt": return [{
			action: "drops the database",
			object: quoted([String(fields.dbname ?? "")])
		}];
		case "DropOwnedStmt": return [{
			action: "drops all objects",
			object: "of a role"
		}];
		case "AlterTableStmt": return alteredColumns(fields);
		case "TruncateStmt": return listOf(fields.relations).map((relation) => ({
			action: "empties the table",
			object: relationName(fieldsOf(relation, "RangeVar"))
		}));
		case "CallStmt": return [call("calls", nameParts(fieldsOf(fields, "funccall").funcname).join("."))];
		case "ExecuteStmt": return prepared.has(fields.name) ? [] : [call("executes", String(fields.name))];
		case "SelectStmt": return [...changedRows(node), ...unknownFunctions(node).filter((name) => !keepsData.has(name)).map((name) => call("calls", `${name}()`))];
		default: return changedRows(node);
	}
}
function call(action, object) {
	return {
		action,
		object,
		isCertain: false
	};
}
function dropped(fields) {
	const removed = String(fields.removeType);
	const isCascade = fields.behavior === "DROP_CASCADE";
	const action = droppedWithData.get(removed) ?? (isCascade ? droppedWithColumns.get(removed) : void 0);
	if (action === void 0) return [];
	return listOf(fields.objects).map((object) => ({
		action,
		object: quoted(namesIn(object))
	}));
}
function alteredColumns(fields) {
	const table = relationName(fieldsOf(fields, "relation"));
	return listOf(fields.cmds).flatMap((command) => {
		const { subtype, name } = fieldsOf(command, "AlterTableCmd");
		const object = `${table}.${quoted([String(name ?? "")])}`;
		if (subtype === "AT_DropColumn") return [{
			action: "drops the column",
			object
		}];
		if (subtype === "AT_AlterColumnType") return [{
			action: "changes the type of the column",
			object
		}];
		if (subtype === "AT_DetachPartition") return [{
			action: "detaches a partition of",
			object: table
		}];
		return [];
	});
}
/** DELETE and UPDATE of all rows, and what MERGE deletes; also inside of a WITH. */
function changedRows(node) {
	const found = [];
	for (const fields of objectsIn(node)) {
		for (const [kind, action] of [["DeleteStmt", "deletes every row of"], ["UpdateStmt", "changes every row of"]]) {
			const statement = fieldsOf(fields, kind);
			if (statement.relation === void 0 || !isAlways(statement.whereClause)) continue;
			found.push({
				action,
				object: relationName(fieldsOf(statement, "relation"))
			});
		}
		found.push(...mergedRows(fieldsOf(fields, "MergeStmt")));
	}
	return found;
}
/** What is deleted depends on the other table; what is updated is taken for meant, unless it is every row. */
function mergedRows(fields) {
	const actions = listOf(fields.mergeWhenClauses).flatMap((clause) => {
		const { commandType, condition, matchKind } = fieldsOf(clause, "MergeWhenClause");
		if (commandType === "CMD_DELETE") return ["deletes rows of"];
		const isEvery = isAlways(condition) && isAlways(fields.joinCondition) && matchKind === "MERGE_WHEN_MATCHED";
		return commandType === "CMD_UPDATE" && isEvery ? ["changes every row of"] : [];
	});
	const object = relationName(fieldsOf(fields, "relation"));
	return [...new Set(actions)].map((action) => ({
		action,
		object
	}));
}
/** No condition, `true`, or `1 = 1`. */
function isAlways(condition) {
	if (condition === void 0) return true;
	if (fieldsOf(fieldsOf(condition, "A_Const"), "boolval").boolval === true) return true;
	const { name, lexpr, rexpr } = fieldsOf(condition, "A_Expr");
	const [left, right] = [lexpr, rexpr].map((side) => JSON.stringify({
		...fieldsOf(side, "A_Const"),
		location: 0
	}));
	return [lexpr, rexpr].every((side) => Object.keys(fieldsOf(side, "A_Const")).length > 0) && left === right && nameParts(name).join("") === "=";
}
function listOf(value) {
	return Array.isArray(value) ? value : [];
}
/** The texts of a (qualified) name, however the parser wraps it. */
function namesIn(node) {
	return listOf(fieldsOf(node, "List").items ?? fieldsOf(node, "TypeName").names ?? [node]).map((item) => String(fieldsOf(item, "String").sval ?? ""));
}
function relationName(fields) {
	const { schemaname, relname } = fields;
	return quoted([schemaname, relname].filter((part) => typeof part === "string"));
}
function quoted(parts) {
	return parts.map((part) => `"${part.replaceAll("\"", "\"\"")}"`).join(".");
}

// src/commands/check/look-at-drift.ts
/**
* Lets Prisma begin to compare, which takes as long as its replay of the migrations, while the schema is looked at. To
* be awaited by lookAtDrift or dropped; only an error that nobody foresaw rejects.
*/
function beginDrift(ground, history, signal) {
	const { project, scratch } = ground;
	if (!project.driftReplays || scratch.value === null || whyNotAtAll(ground, history) !== null) return null;
	const begun = askPrisma(ground, scratch.value, {
		applied: history.applied ?? [],
		replayed: null
	}, signal);
	begun.catch(() => {});
	return begun;
}
/**
* Part 4: the database against its applied migrations, which are run on an empty database for it. What Prisma models
* is compared by Prisma, everything else by the catalogs.
*/
async function lookAtDrift(ground, seen, signal) {
	try {
		return await compareWithMigrations(ground, seen, signal);
	} catch (error) {
		if (signal.aborted || !(error instanceof SafeMigrateError)) throw error;
		const { part } = notChecked$1(`${error.message}.`);
		return {
			part: {
				...part,
				findings: [asFinding(error)]
			},
			drift: null
		};
	}
}
async function compareWithMigrations(ground, { history, schema, begun }, signal) {
	const { project, database, scratch } = ground;
	const reason = whyNotAtAll(ground, history);
	if (database.value === null || scratch.value === null || reason !== null) return notChecked$1(reason ?? "");
	const applied = history.applied ?? [];
	const actual = await database.value.schema(signal);
	const replayed = applied.length === history.folders.length && schema.replayed !== null ? schema.replayed : await replayApplied(ground, scratch.value, applied, signal);
	if (replayed === null) return notChecked$1("the applied migrations do not run on an empty database.");
	const proposal = await (begun ?? askPrisma(ground, scratch.value, {
		applied,
		replayed
	}, signal));
	const drift = await scratch.value.compare({
		actual,
		expected: replayed,
		schema: project.historySchema,
		prismaScript: "script" in proposal ? proposal.script : ""
	}, signal);
	return {
		part: {
			name: "drift",
			fact: drift.differences.length === 0 ? `the database is what its ${countOf(applied.length, "applied migration")} made` : `${countOf(drift.differences.length, "object")} of the database ${drift.differences.length === 1 ? "is" : "are"} not as the migrations made them`,
			findings: drift.differences.length === 0 ? [] : [drifted(drift)],
			notChecked: "because" in proposal ? [proposal.because] : []
		},
		drift: {
			...drift,
			destructive: destructiveStatements(drift.reconcileSql) ?? []
		}
	};
}
async function askPrisma({ project }, scratch, { applied, replayed }, signal) {
	if (project.url === null) return { script: "" };
	try {
		const shadow = project.driftReplays ? await scratch.create(project.historySchema) : null;
		const databases = {
			replayed: replayed?.url ?? null,
			shadow: shadow?.url ?? null
		};
		return { script: await project.driftScript({
			target: project.url,
			names: applied,
			...databases
		}, signal) };
	} catch (error) {
		if (!(error instanceof SafeMigrateError)) throw error;
		return { because: `Only the catalogs were compared: ${error.message}.` };
	}
}
function whyNotAtAll({ database, scratch }, history) {
	if (database.value === null) return database.because;
	if (scratch.value === null) return scratch.because;
	const reason = whyNot(history);
	if (reason !== null) return reason;
	const [target, shadow] = [database.value.server.major, scratch.value.serverMajor];
	return target === shadow ? null : `the target is PostgreSQL ${target} and the server of shadow-database-url ${shadow}: use the same major version.`;
}
/** Where the history itself is broken, a comparison with the files would say nothing about drift. */
function whyNot(history) {
	if (history.applied === null) return "the migration history could not be read.";
	if (history.rows === null) return "the database has no migration history.";
	const rows = history.rows.filter((row) => row.rolledBackAt === null);
	const failed = rows.find((row) => row.finishedAt === null);
	if (failed !== void 0) return `migration ${failed.migrationName} failed in the database and was not resolved.`;
	const files = new Set(history.folders.map((folder) => folder.name));
	const unreadable = history.folders.find((folder) => folder.script === null && history.applied?.includes(folder.name) === true);
	if (unreadable !== void 0) return `${unreadable.name} is applied and has no migration.sql.`;
	const unknown = rows.find((row) => !files.has(row.migrationName));
	if (unknown !== void 0) return `migration ${unknown.migrationName} is applied and not among the files.`;
	return null;
}
async function replayApplied(ground, scratch, applied, signal) {
	const database = await scratch.create(ground.project.historySchema);
	if (applied.length === 0) return database;
	return (await ground.project.replay(database.url, applied, signal)).isWhole ? database : null;
}
function drifted(drift) {
	return {
		severity: "warning",
		code: "SM_DRIFT",
		message: `the database is not what its migrations made: ${drift.differences.slice(0, 5).join("; ")}${drift.differences.length > 5 ? `; and ${drift.differences.length - 5} more` : ""}`,
		hint: `${drift.reconcileSql === "" ? "There is no SQL that takes it back by itself; what to do is listed." : drift.byHand.length === 0 ? "The SQL that takes it back is attached." : `The SQL that takes it back is attached, but for ${countOf(drift.byHand.length, "difference")} to be undone by hand.`} To keep the change instead, put it into a migration and mark that as applied.`,
		file: null,
		line: null
	};
}
function notChecked$1(because) {
	return {
		part: {
			name: "drift",
			fact: "not checked",
			findings: [],
			notChecked: [/^The database was not looked at/.test(because) ? because : `Drift was not checked: ${because}`]
		},
		drift: null
	};
}

// src/check/branch-history.ts
/**
* What a branch does to migrations that its base holds already and that are most likely applied somewhere: edited,
* deleted, renamed; and new ones that sort before old ones. `folder`: the migrations', relative to the repository.
* `isMerged`: the head is known to come from `base`, so what is missing in it was deleted and is not just behind.
* `tip`: the base branch as it is now, when it has moved on since.
*/
function compareBranches(base, head, options) {
	const { folder, isMerged } = options;
	const [before, after] = [scriptsIn(base, folder), scriptsIn(head, folder)];
	const fileOf = (name) => `${folder === "" ? "" : `${folder}/`}${name}/migration.sql`;
	const added = [...after.keys()].filter((name) => !before.has(name)).toSorted();
	const gone = [...before.keys()].filter((name) => !after.has(name)).toSorted();
	const findings = [];
	const renamed = /* @__PURE__ */ new Set();
	for (const name of gone) {
		const twin = added.find((other) => after.get(other) === before.get(name));
		if (twin !== void 0) renamed.add(twin);
		findings.push(twin === void 0 ? deleted(name, isMerged) : renaming(name, twin, fileOf));
	}
	for (const [name, blob] of before) {
		const here = after.get(name);
		if (here !== void 0 && here !== blob) findings.push(edited(name, fileOf));
	}
	const now = scriptsIn(options.tip ?? base, folder);
	const last = [...now.keys()].toSorted().at(-1);
	for (const name of added) if (last !== void 0 && name < last && !renamed.has(name)) findings.push(outOfOrder$1(name, last, fileOf));
	const ahead = [...now.keys()].filter((name) => !isMerged || !before.has(name));
	return {
		findings,
		added,
		ahead: new Set(ahead)
	};
}
/** `name → blob` of every `<name>/migration.sql`. */
function scriptsIn(listing, folder) {
	const scripts = /* @__PURE__ */ new Map();
	const prefix = folder === "" ? "" : `${folder}/`;
	for (const [path, blob] of listing) {
		if (!path.startsWith(prefix)) continue;
		const name = /^([^/]+)\/migration\.sql$/.exec(path.slice(prefix.length))?.[1];
		if (name !== void 0) scripts.set(name, blob);
	}
	return scripts;
}
function edited(name, fileOf) {
	return {
		severity: "error",
		code: "SM_HISTORY_EDITED",
		message: `migration ${name} is on the base branch already and is edited here`,
		hint: "Where it was applied, the change will never run. Restore the file and put the change into a new migration.",
		file: fileOf(name),
		line: 1
	};
}
function deleted(name, isMerged) {
	return {
		severity: isMerged ? "error" : "warning",
		code: "SM_HISTORY_MISSING",
		message: isMerged ? `migration ${name} is on the base branch and is deleted here` : `migration ${name} is on the base branch and not here: deleted, or this branch is behind`,
		hint: "Restore its folder; databases that have it applied would be ahead of the files.",
		file: null,
		line: null
	};
}
function renaming(name, twin, fileOf) {
	return {
		severity: "error",
		code: "SM_HISTORY_RENAMED",
		message: `migration ${name} of the base branch is renamed to ${twin} here`,
		hint: "Where it was applied it would run a second time under the new name. Give it its old name back.",
		file: fileOf(twin),
		line: 1
	};
}
function outOfOrder$1(name, last, fileOf) {
	return {
		severity: "warning",
		code: "SM_MIGRATION_ORDER",
		message: `migration ${name} sorts before ${last}, which is on the base branch already`,
		hint: "A database that has the later one applied runs them in another order than a new one. Make the migration anew with a later timestamp.",
		file: fileOf(name),
		line: 1
	};
}

// src/check/database-history.ts
/**
* What `_prisma_migrations` says about these migrations, including what `prisma migrate status` does not tell: it
* lets pending ones hide failed ones and calls a database that is ahead of its files up to date.
* `rows` null: there is no such table. `ahead`: names that the base branch holds and this one may just not have yet.
*/
function compareWithDatabase(folders, rows, options) {
	const inForce = (rows ?? []).filter((row) => row.rolledBackAt === null);
	const known = new Set(inForce.map((row) => row.migrationName));
	const finished = new Set(inForce.filter((row) => row.finishedAt !== null).map((row) => row.migrationName));
	const pending = folders.filter((folder) => !known.has(folder.name));
	return {
		findings: [
			...options.unmanaged.length > 0 ? [notBaselined(options.unmanaged, folders)] : [],
			...inForce.filter((row) => row.finishedAt === null).map((row) => failedRow(row, folders)),
			...folders.flatMap((folder) => editedSince(folder, inForce)),
			...aheadOfFiles(folders, finished, options.ahead),
			...rolledBack(folders, rows ?? [], known),
			...outOfOrder(folders, finished)
		],
		pending: pending.map((folder) => folder.name),
		applied: folders.filter((folder) => finished.has(folder.name)).map((folder) => folder.name)
	};
}
function notBaselined(tables, folders) {
	return {
		severity: "error",
		code: "SM_NOT_BASELINED",
		...baselineAdvice(tables, folders[0]?.name ?? "0_init"),
		file: null,
		line: null
	};
}
function failedRow(row, folders) {
	return {
		severity: "error",
		code: "SM_HISTORY_FAILED",
		message: `migration ${row.migrationName} failed or was interrupted in the database (started ${row.startedAt}) and was never resolved; no further one can be deployed`,
		hint: `See what it left in the database, then npx prisma migrate resolve --rolled-back ${JSON.stringify(row.migrationName)}, or --applied if you completed it by hand.`,
		file: folders.find((folder) => folder.name === row.migrationName)?.file ?? null,
		line: 1
	};
}
function editedSince(folder, rows) {
	const applied = rows.filter((row) => row.migrationName === folder.name && row.finishedAt !== null);
	if (folder.script === null || applied.length === 0) return [];
	if (applied.some((row) => folder.checksums.includes(row.checksum))) return [];
	return [{
		severity: "error",
		code: "SM_HISTORY_EDITED",
		message: `migration ${folder.name} was edited after it had been applied to the database`,
		hint: "Restore its migration.sql from version control and put the change into a new migration.",
		file: folder.file,
		line: 1
	}];
}
function aheadOfFiles(folders, finished, ahead) {
	const onDisk = new Set(folders.map((folder) => folder.name));
	return [...finished].filter((name) => !onDisk.has(name)).map((name) => {
		const isBehind = ahead.has(name);
		return {
			severity: isBehind ? "warning" : "error",
			code: "SM_HISTORY_MISSING",
			message: `migration ${name} is applied to the database and is not among the files`,
			hint: isBehind ? "The base branch holds it: bring this branch up to date." : "Restore its folder from version control; prisma migrate status calls this up to date.",
			file: null,
			line: null
		};
	});
}
function rolledBack(folders, rows, known) {
	const names = new Set(rows.filter((row) => row.rolledBackAt !== null).map((row) => row.migrationName));
	return folders.filter((folder) => names.has(folder.name) && !known.has(folder.name)).map((folder) => ({
		severity: "warning",
		code: "SM_HISTORY_ROLLED_BACK",
		message: `migration ${folder.name} was marked as rolled back in the database and not applied since; the next deploy runs it again`,
		hint: "Make sure that its script is corrected by now.",
		file: folder.file,
		line: 1
	}));
}
function outOfOrder(folders, finished) {
	const last = folders.findLastIndex((folder) => finished.has(folder.name));
	return folders.slice(0, Math.max(0, last)).filter((folder) => !finished.has(folder.name)).map((folder) => ({
		severity: "warning",
		code: "SM_MIGRATION_ORDER",
		message: `migration ${folder.name} sorts before ${folders[last]?.name ?? ""}, which is applied already`,
		hint: "It runs in another order than on a new database. Unless that is meant, make it anew with a later timestamp.",
		file: folder.file,
		line: 1
	}));
}

// src/check/migration-names.ts
/** `20260103101500_split_name`: what `prisma migrate dev --name` makes. */
const wellFormed = /^\d{14}_[a-z0-9]+(?:[_-][a-z0-9]+)*$/i;
/** Prisma's own baseline convention: `0_init`. */
const baseline = /^0+_[a-z0-9_-]+$/i;
/** Words that say nothing about what a migration does. */
const emptyWords = /* @__PURE__ */ new Set([
	"migration",
	"migrations",
	"test",
	"fix",
	"update",
	"change",
	"changes",
	"new",
	"tmp",
	"wip",
	"foo",
	"asdf"
]);
/** What is wrong with a migration's name, as a clause that follows it; null when it is a good one. */
function badName(name) {
	if (baseline.test(name)) return null;
	if (!wellFormed.test(name)) return "is not named <timestamp>_<words>, so its place among the others is left to chance";
	const words = name.slice(15).toLowerCase();
	return emptyWords.has(words) ? `says nothing about what it does ("${words}")` : null;
}

// src/check/migration-folder.ts
/** Reads the migrations named `names`; `fileOf` makes a path relative to the repository's root. */
function readFolders({ checkout, migrationsDirectory }, names, fileOf) {
	return names.map((name) => {
		const path = join(migrationsDirectory, name, "migration.sql");
		const bytes = bytesOf(checkout, path);
		if (bytes === null) return {
			name,
			file: fileOf(path),
			script: null,
			checksums: []
		};
		const script = bytes.toString("utf8");
		const flaw = flawOf(bytes);
		return {
			name,
			file: fileOf(path),
			script,
			checksums: checksumsOf(script),
			...flaw === null ? {} : { flaw }
		};
	});
}
/** What is wrong with the folders themselves; names are judged only where `isNew` says so, old ones cannot change. */
function folderFindings(folders, isNew) {
	return folders.flatMap((folder) => {
		const findings = [];
		if (folder.script === null || folder.script.trim() === "") findings.push({
			severity: "error",
			code: "SM_MIGRATION_UNREADABLE",
			message: folder.script === null ? `migration ${folder.name} has no migration.sql` : `the migration.sql of ${folder.name} is empty`,
			hint: "Restore the file from version control; when nothing is meant to happen, write a comment into it.",
			file: folder.file,
			line: 1
		});
		if (folder.flaw !== void 0 && isNew(folder.name)) findings.push({
			severity: "error",
			code: "SM_MIGRATION_UNREADABLE",
			message: `the migration.sql of ${folder.name} ${folder.flaw.message}`,
			hint: folder.flaw.hint,
			file: folder.file,
			line: 1
		});
		const wrong = isNew(folder.name) ? badName(folder.name) : null;
		if (wrong !== null) findings.push({
			severity: "warning",
			code: "SM_MIGRATION_NAME",
			message: `migration ${folder.name} ${wrong}`,
			hint: "Make it with npx prisma migrate dev --name and words that say what it does, e.g. add_quotation_templates.",
			file: folder.file,
			line: 1
		});
		return findings;
	});
}

// src/commands/check/look-at-history.ts
/** Part 1: the migrations against the base branch by git and against the database by checksum. */
async function lookAtHistory(ground) {
	const { project, base, database, fileOf } = ground;
	const folders = readFolders(project, project.migrationNames, fileOf);
	const branch = base.value === null ? null : compareBranches(base.value.base, base.value.head, {
		isMerged: base.value.isMerged,
		tip: base.value.tip,
		folder: fileOf(project.migrationsDirectory)
	});
	const read = database.value === null ? null : await readDatabase(database.value, project);
	const rows = read?.rows ?? null;
	const byDatabase = read === null || read.problem !== null ? null : compareWithDatabase(folders, rows, {
		unmanaged: read.unmanaged,
		ahead: branch?.ahead ?? /* @__PURE__ */ new Set()
	});
	const isNew = (name) => branch?.added.includes(name) ?? byDatabase?.pending.includes(name) ?? true;
	const findings = [
		...ground.findings,
		...read?.problem == null ? [] : [asFinding(read.problem)],
		...byDatabase?.findings ?? [],
		...branch?.findings ?? [],
		...folderFindings(folders, isNew)
	];
	const notChecked = [...[base, database].flatMap((sight) => sight.value === null ? [sight.because] : []), ...read?.problem == null ? [] : [`The migration history could not be read: ${read.problem.message}`]];
	return {
		part: {
			name: "history",
			fact: factOf(folders, byDatabase, findings),
			findings: withoutTwins(findings),
			notChecked
		},
		folders,
		rows,
		pending: byDatabase?.pending ?? branch?.added ?? null,
		applied: byDatabase?.applied ?? null
	};
}
/** A role that may not read the history is told so; the other parts go on. */
async function readDatabase(database, { historySchema, ownTables }) {
	try {
		const rows = await readHistory(database, historySchema);
		return {
			rows,
			unmanaged: rows === null ? await tablesWithoutHistory(database, historySchema, ownTables) : [],
			problem: null
		};
	} catch (error) {
		if (!(error instanceof SafeMigrateError)) throw error;
		return {
			rows: null,
			unmanaged: [],
			problem: error
		};
	}
}
function factOf(folders, byDatabase, findings) {
	const applied = byDatabase === null ? "" : `, ${byDatabase.applied.length} applied to the database`;
	return `${countOf(folders.length, "migration")}${applied}; ${countOf(findings.length, "finding")}`;
}
/** The same thing seen by git and by the database is one finding: the database's, which comes first. */
function withoutTwins(findings) {
	const seen = /* @__PURE__ */ new Set();
	return findings.filter((finding) => {
		const name = /migration (\S+)/.exec(finding.message)?.[1];
		const key = name === void 0 ? finding.message : `${finding.code} ${name}`;
		if (seen.has(key)) return false;
		seen.add(key);
		return true;
	});
}

// src/commands/check/look-at-pending.ts
/** Part 2: the migrations that a deploy would run, and what in them destroys data. The parser has been loaded. */
function lookAtPending(history) {
	if (history.pending === null) return {
		part: {
			name: "pending",
			fact: "not checked",
			findings: [],
			notChecked: ["What is pending is not known: neither the database nor the base branch was looked at."]
		},
		migrations: []
	};
	const pending = new Set(history.pending);
	const migrations = history.folders.flatMap((folder) => {
		if (!pending.has(folder.name) || folder.script === null) return [];
		const destructive = destructiveStatements(folder.script);
		return [{
			name: folder.name,
			file: folder.file,
			script: folder.script,
			destructive: destructive ?? [],
			isReadable: destructive !== null
		}];
	});
	const all = migrations.flatMap(findingsIn);
	const findings = [...all.filter(({ code }) => code === "SM_DATA_LOSS"), ...all.filter(({ code }) => code !== "SM_DATA_LOSS")];
	const notChecked = history.applied === null ? ["Pending is what this pull request adds; the database was not asked."] : [];
	return {
		part: {
			name: "pending",
			fact: `${countOf(history.pending.length, "pending migration")}; ${countOf(findings.length, "statement")} to look at`,
			findings,
			notChecked
		},
		migrations
	};
}
function findingsIn(migration) {
	if (!migration.isReadable) return [{
		severity: "warning",
		code: "SM_MIGRATION_UNPARSED",
		message: `the script of ${migration.name} is no SQL to PostgreSQL's parser, so what it destroys is not known`,
		hint: "Read it with care; a deploy would most likely fail on it.",
		file: migration.file,
		line: 1
	}];
	return migration.destructive.map(({ isCertain, action, object, line }) => ({
		severity: "warning",
		...isCertain ? {
			code: "SM_DATA_LOSS",
			message: `${migration.name} ${action} ${object}`,
			hint: "Make sure that nobody needs this data, or copy it elsewhere in an earlier migration."
		} : {
			code: "SM_DATA_UNKNOWN",
			message: `${migration.name} ${action} ${object}, and what that does cannot be known from the script: it may destroy data`,
			hint: "Read it with care."
		},
		file: migration.file,
		line
	}));
}

// src/commands/check/look-at-schema.ts
/** Part 3: whether schema.prisma says what the migrations make, found out by running them on an empty database. */
async function lookAtSchema(ground, history, signal) {
	const { scratch } = ground;
	if (scratch.value === null) return notChecked(`Whether schema.prisma fits the migrations was not checked: ${scratch.because}`);
	const unreadable = history.folders.find((folder) => folder.script === null);
	if (unreadable !== void 0) return notChecked(`Whether schema.prisma fits the migrations was not checked: ${unreadable.name} has no migration.sql.`);
	try {
		return await compareWithSchema(ground, scratch.value, history, signal);
	} catch (error) {
		if (!(error instanceof SafeMigrateError)) throw error;
		return notChecked(`Whether schema.prisma fits the migrations was not checked: ${error.message}.`, [asFinding(error)]);
	}
}
async function compareWithSchema({ project, fileOf }, scratch, history, signal) {
	const replayed = await scratch.create(project.historySchema);
	const names = history.folders.map((folder) => folder.name);
	const replay = await project.replay(replayed.url, names, signal);
	if (!replay.isWhole) {
		const folder = history.folders.find((each) => each.name === replay.migration);
		return notChecked("Whether schema.prisma fits the migrations was not checked: they do not run on an empty database.", [{
			severity: "error",
			code: "SM_REPLAY_FAILED",
			message: `the migrations cannot be run on an empty database${replay.migration === null ? "" : `; ${replay.migration} fails`}: ${replay.message}`,
			hint: "A new environment, and prisma migrate dev, run them from the start: they must work there. Correct the migration if it is new; otherwise make the missing objects in an earlier one.",
			file: folder?.file ?? null,
			line: 1
		}]);
	}
	const sql = await project.missingMigration(replayed.url, signal);
	const schemaFile = fileOf(project.schemaPath);
	const findings = sql === null ? [] : [{
		severity: "error",
		code: "SM_SCHEMA_NOT_MIGRATED",
		message: `${schemaFile} says something else than the migrations make`,
		hint: "Make the missing migration: npx prisma migrate dev --name and words that say what it does.",
		file: schemaFile.endsWith(".prisma") ? schemaFile : null,
		line: schemaFile.endsWith(".prisma") ? 1 : null
	}];
	return {
		part: {
			name: "schema",
			fact: sql === null ? `${schemaFile} says what the migrations make` : `${schemaFile} and the migrations differ`,
			findings,
			notChecked: []
		},
		missingMigrationSql: sql,
		replayed
	};
}
function notChecked(because, findings = []) {
	return {
		part: {
			name: "schema",
			fact: "not checked",
			findings,
			notChecked: [because]
		},
		missingMigrationSql: null,
		replayed: null
	};
}

// src/commands/check.ts
/**
* Looks at a pull request: history, pending migrations, schema, drift. Writes nothing to the target; scratch databases
* are made on the server of shadow-database-url alone. Rejects only where no part could run.
*/
async function check(context, settings) {
	const { log, report, signal } = context;
	await using ground = await log.phase("preflight", async (phaseLog) => {
		const value = await openGround(context, settings, phaseLog).catch((error) => {
			if (!(error instanceof SafeMigrateError) || error.code !== "SM_PROVIDER") throw error;
			report.check(brokenProject(error, settings, subjectOf(context, settings, settings.databaseUrl)));
			return null;
		});
		if (value === null) return {
			fact: "Prisma would refuse this project",
			value,
			failed: true
		};
		await context.ports.loadParser();
		report.prisma(value.project.version);
		return {
			fact: `prisma ${value.project.version}; ${sights(value)}`,
			value
		};
	});
	if (ground === null) return "checked";
	const part = (look) => log.phase("check", async () => {
		const value = await look();
		return {
			fact: `${value.part.name}: ${value.part.fact}`,
			value
		};
	});
	const status = ground.database.value === null ? null : ground.project.status(signal);
	status?.catch(() => {});
	const history = await part(() => lookAtHistory(ground));
	const begun = beginDrift(ground, history, signal);
	const pending = await part(() => lookAtPending(history));
	const schema = await part(() => lookAtSchema(ground, history, signal));
	const drift = await part(() => lookAtDrift(ground, {
		history,
		schema,
		begun
	}, signal));
	const parts = [
		history,
		pending,
		schema,
		drift
	].map((sight) => sight.part);
	report.pending(history.pending ?? []);
	report.dataLoss(pending.migrations.flatMap(lossesOf));
	report.drift(drift.drift === null ? "unknown" : drift.drift.differences.length > 0 ? "true" : "false");
	const found = {
		fails: failsBy(settings.failOn, findingsOf({ parts }).map(({ severity }) => severity)),
		subject: subjectOf(context, settings, ground.project.url),
		parts,
		pending: pending.migrations,
		changesDatabase: changesDatabase(ground),
		missingMigrationSql: schema.missingMigrationSql,
		drift: drift.drift,
		prismaStatus: await status
	};
	report.check(found);
	return "checked";
}
function subjectOf(context, settings, url) {
	const pathOf = (path) => relative(context.repository, path).replaceAll("\\", "/") || ".";
	const { workingDirectory, prismaSchema, prismaConfig } = settings;
	const address = url === null ? null : context.ports.addressOf(url, workingDirectory);
	return {
		project: pathOf(workingDirectory),
		schema: prismaSchema === null ? null : pathOf(prismaSchema),
		config: prismaConfig === null ? null : pathOf(prismaConfig),
		database: address === null ? null : {
			host: address.host,
			port: address.port,
			name: address.database
		}
	};
}
function sights(ground) {
	return [
		ground.base.value === null ? "base branch not compared with" : "base branch read",
		ground.database.value === null ? "database not looked at" : "database read",
		ground.scratch.value === null ? "no scratch server" : "scratch server ready"
	].join(", ");
}
function lossesOf(migration) {
	return migration.destructive.filter(({ isCertain }) => isCertain).map(({ statement, object }) => ({
		migration: migration.name,
		statement,
		object
	}));
}
function failsBy(failOn, severities) {
	if (failOn === "none") return false;
	return severities.includes("error") || failOn === "warning" && severities.includes("warning");
}
function changesDatabase(ground) {
	if (ground.base.value === null) return null;
	const { base, head } = ground.base.value;
	return base.size !== head.size || [...head].some(([path, blob]) => base.get(path) !== blob);
}

// src/commands/migrate/deploy-migrations.ts
/**
* Phases migrate and confirm. Rejects only while nothing is touched, with what `begin` rejects with: once the
* migrator was started, an error is evidence for recover.
* Judged by the history table; exit codes and output only explain (`migrate deploy` is known to exit 0
* without having migrated).
*/
async function deployMigrations(context, given) {
	const { pending } = given;
	const { baseline, deployment } = await context.log.phase("migrate", async (log) => {
		const baseline = await given.begin(log);
		context.report.writesBeforeMigration(baseline.writesBeforeMigration);
		const { fact, deployment } = await deploy(context, {
			...given,
			baseline
		}, log);
		return {
			fact,
			failed: !deployment.complete,
			value: {
				baseline,
				deployment
			}
		};
	});
	if (deployment.complete) await context.log.phase("confirm", async () => ({
		fact: `${pending.length} of ${pending.length} finished in _prisma_migrations`,
		value: null
	}));
	return {
		baseline,
		deployment
	};
}
async function deploy(context, given, log) {
	const { database, migrator, pending, baseline } = given;
	const timeout = AbortSignal.timeout(given.timeoutMs);
	const signal = AbortSignal.any([context.signal, timeout]);
	const ended = await start({
		database,
		migrator,
		run: context.run.id,
		baseline
	}, log, signal);
	const { deployed, prismaLock } = ended;
	const error = timeout.aborted && !context.signal.aborted ? timedOut(given.timeoutMs) : ended.error;
	const incomplete = (fact, message, cause, failure) => ({
		fact,
		deployment: {
			applied,
			complete: false,
			deployed,
			prismaLock,
			failure,
			error: migrationFailed(message, cause)
		}
	});
	let applied = [];
	let verdict;
	try {
		const history = await whenReachable(() => readHistory(database, migrator.historySchema), log);
		verdict = judge(baseline.history, history, migrator.migrations, pending, deployed);
		applied = verdict.applied;
	} catch (cause) {
		const message = `after the migration the target cannot be read: ${messageOf(cause)}`;
		return incomplete(message, message, cause, null);
	}
	if (prismaLock.sight === "not-seen" && verdict.applied.length + verdict.failed.length > 0) log.warn("Prisma's advisory lock was not seen while it ran: the project switches it off (PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK), and nothing keeps another deploy away. Going back counts only what tables hold, or is a swap");
	if (verdict.isComplete) {
		if (deployed.exitCode !== 0) log.warn(`prisma ended with exit code ${deployed.exitCode}, yet every migration is applied`);
		return {
			fact: `${countOf(pending.length, "migration")} applied`,
			deployment: {
				applied,
				complete: true,
				deployed,
				prismaLock,
				failure: null,
				error: null
			}
		};
	}
	const [failed] = verdict.failed;
	if (failed === void 0) {
		const message = noFailedRow(deployed, error);
		return incomplete(message, message, error, null);
	}
	const migration = migrator.migrations.find((file) => file.name === failed.migrationName) ?? null;
	const failure = await describeFailure({
		row: failed,
		deployed,
		migration
	}).catch((cause) => ({
		migration: failed.migrationName,
		file: null,
		line: null,
		sqlState: null,
		message: `the failure cannot be described: ${messageOf(cause)}`
	}));
	return incomplete(`failed in ${failure.migration}: ${failure.message}`, isTimeout(error) ? error.message : `migration ${failure.migration} failed: ${failure.message}`, error, failure);
}
async function start({ database, migrator, run, baseline }, log, signal) {
	const nothing = {
		exitCode: null,
		signal: null,
		output: "",
		errorCode: null,
		localPorts: /* @__PURE__ */ new Set()
	};
	let watch = null;
	const sightOf = async (deployed) => {
		const seen = await watch?.stop();
		if (seen === void 0 || seen.problem !== null && seen.holders.length === 0) return {
			sight: "unknown",
			othersSeen: false
		};
		const own = {
			deployed,
			run,
			since: baseline.serverTime
		};
		const ours = seen.holders.filter((holder) => isOurs(holder, own, database));
		return {
			sight: ours.length > 0 ? "taken" : "not-seen",
			othersSeen: seen.problem !== null || seen.holders.length > ours.length
		};
	};
	try {
		watch = await database.watchPrismaLock();
		const deployed = await migrator.deploy(log, signal);
		return {
			deployed,
			prismaLock: await sightOf(deployed),
			error: null
		};
	} catch (error) {
		return {
			deployed: nothing,
			prismaLock: await sightOf(nothing),
			error
		};
	}
}
function timedOut(timeoutMs) {
	return new SafeMigrateError({
		code: "SM_MIGRATION_TIMEOUT",
		phase: "migrate",
		docs: "prisma.md",
		message: `the migration did not end within ${timeoutMs / 6e4} minutes and was ended`,
		hint: "Find out what it waited for (a lock, a long rewrite); give more time with migration-timeout-minutes."
	});
}
function noFailedRow(deployed, error) {
	if (isTimeout(error)) return error.message;
	if (error !== null) return `prisma could not be run: ${messageOf(error)}`;
	if (deployed.errorCode === "P1002") return "prisma did not get its lock (P1002): another deploy holds it";
	const code = deployed.errorCode === null ? "" : ` (${deployed.errorCode})`;
	return `prisma ended with ${describeExit(deployed)}${code} and did not apply every migration`;
}
function isTimeout(error) {
	return error instanceof SafeMigrateError && error.code === "SM_MIGRATION_TIMEOUT";
}
function migrationFailed(message, cause) {
	if (isTimeout(cause)) return cause;
	return new SafeMigrateError({
		code: "SM_MIGRATION_FAILED",
		phase: "migrate",
		docs: "prisma.md",
		message,
		hint: "Correct the migration and deploy again; `prisma migrate resolve` is not needed after a recovery.",
		cause
	});
}

// src/recovery/journal/recovery-fact.ts
/** The line in which a recovery ends. */
function recoveryFact(recovery) {
	switch (recovery.method) {
		case "none": return recovery.result === "stopped" ? `stopped: ${recovery.because}` : `nothing to undo: ${recovery.because}`;
		case "history": return "history; the failed row was taken out, nothing else had changed";
		case "swap": return `swap; schema and history as before; failed state kept as ${recovery.swapped?.failedName ?? ""}`;
	}
}

// src/recovery/journal/stopped.ts
/** The reason of the result `stopped`. */
function stopped(because) {
	return new SafeMigrateError({
		code: "SM_STOPPED",
		phase: "recover",
		docs: "recovery.md",
		message: `the target was left as it is: ${because}`,
		hint: "Choose one of the two ways to finish that the report lists; until then the copy of the state before stays."
	});
}

// src/recovery/role-changes.ts
/** What became of the server's roles between two looks, by name: no recovery of a database takes that back. */
function roleChanges(before, after) {
	const digests = new Map(before.map(({ name, digest }) => [name, digest]));
	const left = new Set(after.map(({ name }) => name));
	return [
		...after.filter(({ name }) => !digests.has(name)).map(({ name }) => ({
			role: name,
			change: "created"
		})),
		...before.filter(({ name }) => !left.has(name)).map(({ name }) => ({
			role: name,
			change: "dropped"
		})),
		...after.filter(({ name, digest }) => digests.has(name) && digests.get(name) !== digest).map(({ name }) => ({
			role: name,
			change: "changed"
		}))
	];
}

// src/commands/migrate/recover-target.ts
/** Phases recover, report and settle. Never rejects: what goes wrong here is the result. */
async function recoverTarget(context, settings, failed) {
	const { log, report } = context;
	const { ready, baseline, deployment } = failed;
	if (deployment.failure !== null) report.failure(deployment.failure);
	report.problem(deployment.error, "migrate");
	let recovery;
	try {
		recovery = await log.phase("recover", async (phaseLog) => {
			const startedAt = performance.now();
			const value = await recover({
				database: ready.database,
				migrator: failed.migrator,
				migrationNames: failed.migrator.migrations.map(({ name }) => name),
				lock: failed.lock,
				journal: failed.journal,
				baseline,
				writesBeforeMigration: baseline.writesBeforeMigration.length,
				deployed: deployment.deployed,
				prismaLock: deployment.prismaLock,
				mayNotGoBack: null,
				tellEvidence: (evidence) => report.recoveryEvidence(evidence),
				properties: ready.facts.properties,
				run: context.run.id,
				settings
			}, phaseLog);
			report.recovery(value.method, value.method === "none" ? null : (performance.now() - startedAt) / 1e3);
			return {
				fact: recoveryFact(value),
				value,
				failed: value.result === "stopped"
			};
		});
	} catch (error) {
		report.problem(error, "recover");
		report.applied(deployment.applied);
		if (isTakenOver(error)) return takenOver(context);
		await leaveOpen(context, failed, "recovery-failed", error);
		return "recovery-failed";
	}
	if (recovery.result === "stopped") {
		report.problem(stopped(recovery.because), "recover");
		report.applied(deployment.applied);
		await leaveOpen(context, failed, "stopped", recovery.because);
		return "stopped";
	}
	if (recovery.swapped !== null) {
		report.failedDatabase(recovery.swapped.failedName);
		await compareSwapped(context, {
			database: ready.database,
			swapped: recovery.swapped,
			fingerprint: failed.backup.details.fingerprint,
			jobs: settings.jobs
		});
	}
	await tellRoleChanges(context, failed);
	await settle(context, ready, {
		dropFallback: recovery.fallback,
		keepFailed: null,
		journal: failed.journal
	});
	return recovery.result;
}
/** Roles are no part of a database: what the migration did to them has stayed. */
async function tellRoleChanges({ log, report }, failed) {
	const { roles } = failed.baseline;
	if (roles === null) return;
	try {
		const changes = roleChanges(roles, await failed.ready.database.roles());
		report.roleChanges(changes);
		for (const { role, change } of changes) log.warn(`role ${role} was ${change} while the migration ran, and that stays: roles belong to the server`);
	} catch (error) {
		log.warn(`the roles of the server could not be compared: ${messageOf(error)}`);
	}
}
function takenOver({ report }) {
	report.nextStep({
		text: "Another run has taken over: its log says how it went on. Do nothing by hand before that one has ended.",
		commands: []
	});
	return "stopped";
}
/** Leaves the journal open, so that nobody goes on by surprise, and says how a person can finish. */
async function leaveOpen(context, { ready, journal, backup }, phase, reason) {
	try {
		await journal.leave(phase, messageOf(reason));
	} catch (error) {
		context.log.warn(`the journal could not be written: ${messageOf(error)}`);
	}
	for (const step of await waysToFinish(ready.database, journal.entry, backup.record)) context.report.nextStep(step);
}

// src/commands/migrate.ts
/**
* The whole story: nothing is touched before the backup has been restored, compared and stored, and whatever
* goes wrong afterwards ends with the target as it was. Rejects only while nothing has been touched.
*/
async function migrate(context, asked) {
	const { log, report } = context;
	await using ready = await log.phase("preflight", async (phaseLog) => {
		const value = await preflight(context, asked, phaseLog);
		log.headline(headline(value));
		return {
			fact: preflightFact(value),
			value
		};
	});
	const settings = {
		...asked,
		jobs: ready.jobs
	};
	const { lock, migrator, database } = ready;
	report.pending(ready.pending);
	const journal = beginJournal$1(context, "migrate", ready);
	if (lock === null || journal === null || migrator === null || ready.pending.length === 0) return "up-to-date";
	await using backup = await takeBackup(context, settings, ready, {
		fallbackName: database.copyName("fallback", context.run.id),
		keepUnproved: false,
		journal
	});
	const { baseline, deployment } = await refuseOnFailure(context, ready, {
		backup,
		journal
	}, () => deployMigrations(context, {
		database,
		migrator,
		pending: ready.pending,
		timeoutMs: settings.migrationTimeoutMs,
		begin: async (phaseLog) => {
			await lock.assertHeld();
			const { signal } = unlessLost(context, lock);
			signal.throwIfAborted();
			const baseline = await interruptible(signal, database, () => takeBaseline(database, migrator, {
				...backup,
				history: ready.history,
				targetOid: ready.facts.oid,
				properties: ready.facts.properties
			}, {
				exact: settings.onNewWrites === "stop",
				jobs: settings.jobs,
				signal
			}, phaseLog));
			context.signal.throwIfAborted();
			await journal.enter("migrate", { baseline: {
				history: historyDigest(baseline.history),
				witness: baseline.witness,
				serverTime: baseline.serverTime,
				writesBeforeMigration: baseline.writesBeforeMigration.length,
				migrator: migrator.kind,
				recovery: settings.recovery,
				onNewWrites: settings.onNewWrites
			} });
			return baseline;
		}
	}));
	if (deployment.complete) {
		report.applied(ready.pending);
		await settle(context, ready, {
			dropFallback: baseline.fallback,
			keepFailed: settings.keepFailed,
			journal
		});
		await pruneAfterBackup(context, settings, ready, backup.record.restoreProved);
		return "migrated";
	}
	return await recoverTarget(context, settings, {
		ready,
		lock,
		journal,
		migrator,
		baseline,
		deployment,
		backup
	});
}
function headline(ready) {
	const { address, server } = ready.database;
	return [
		`${address.database} at ${address.host}:${address.port}`,
		`PostgreSQL ${server.text}`,
		...ready.migrator === null ? [] : [`prisma ${ready.migrator.version}`],
		countOf(ready.pending.length, "pending migration")
	].join(", ");
}
/** Between the stored backup and the migration a refusal still has the fallback to drop. */
async function refuseOnFailure(context, ready, { backup, journal }, work) {
	try {
		return await work();
	} catch (error) {
		await settle(context, ready, {
			dropFallback: backup.fallback,
			keepFailed: null,
			journal
		});
		throw error;
	}
}

// src/commands/prune.ts
/**
* Applies retention on its own. The target need not be there; its server is asked which backups are its own and whether an
* unfinished run needs one, and while it does not answer nothing goes.
*/
async function pruneCommand(context, settings) {
	const { log } = context;
	const found = await log.phase("preflight", async (phaseLog) => {
		const url = settings.databaseUrl ?? (await context.ports.openMigrator(settings, context.run, context.signal)).url;
		const address = context.ports.addressOf(url, settings.workingDirectory);
		log.headline(`${settings.dryRun ? "what pruning would do to" : "pruning"} the backups of ${address.database}`);
		const server = await askServer(context, settings, url, phaseLog);
		return {
			fact: server === null ? "the server does not answer" : "the server was asked for unfinished runs",
			value: {
				database: address.database,
				server
			}
		};
	});
	await using _ = found.server;
	await log.phase("prune", (phaseLog) => prune(context, phaseLog, {
		storages: openStorages(context, {
			...settings,
			encryption: null
		}),
		database: found.database,
		systemIdentifier: found.server?.systemIdentifier ?? null,
		now: found.server?.now ?? /* @__PURE__ */ new Date(),
		settings,
		mayBeNeeded: found.server === null ? serverIsSilent : namedBy(found.server.backupId)
	}));
	return "pruned";
}
function serverIsSilent() {
	return "the server could not be asked whether an unfinished run needs it";
}
/** What the server says, while the run's lock is held; null when the server does not answer. */
async function askServer(context, settings, url, log) {
	await using opened = new AsyncDisposableStack();
	try {
		const database = opened.use(await context.ports.openDatabase(url, settings, { evenWithoutTarget: true }));
		context.report.target({
			...database.address,
			serverVersion: database.server.text
		});
		let lock = null;
		if (!settings.dryRun) lock = opened.use(await takeLock(context, database));
		await lock?.assertHeld();
		const backupId = (await database.openJournal())?.backupId ?? null;
		const systemIdentifier = await systemIdentifierOf(database);
		const now = await serverNow(database, (line) => log.warn(line));
		const kept = opened.move();
		return {
			backupId,
			systemIdentifier,
			now,
			[Symbol.asyncDispose]: () => kept.disposeAsync()
		};
	} catch (error) {
		if (error instanceof SafeMigrateError && error.code === "SM_LOCKED") throw error;
		log.warn(`all backups stay, because the server does not tell whether a run is unfinished: ${messageOf(error)}`);
		return null;
	}
}

// src/commands/rollback/exchange.ts
/** Once begun, the exchange listens to nobody: it takes a moment. */
const never = new AbortController().signal;
/**
* Phase recover: the restored copy takes the target's place, and what was there is kept. Returns whether it did; what
* went wrong is in the report then, with the commands that finish it.
*/
async function exchange(context, ready, restored, journal) {
	const { database, targetOid } = ready;
	try {
		await context.log.phase("recover", async (log) => {
			const startedAt = performance.now();
			const failed = targetOid === null ? null : await whenReachable(() => database.failedPlace(context.run.id), log);
			const failedName = failed?.name ?? null;
			await rename(ready, restored, failed, journal, log);
			journal.swapped();
			if (failedName !== null) context.report.failedDatabase(failedName);
			context.report.recovery("swap", (performance.now() - startedAt) / 1e3);
			await checkExchanged(ready, restored, failedName, log);
			return {
				fact: `swap; schema and history as in the backup; ${failedName === null ? "there was no database of that name" : `what was there is kept as ${failedName}`}`,
				value: null
			};
		});
		return "rolled-back";
	} catch (error) {
		context.report.problem(error, "recover");
		await journal.leave("recovery-failed", messageOf(error)).catch((reason) => {
			context.log.warn(`the journal could not be written: ${messageOf(reason)}`);
		});
		for (const step of await waysToFinish(database, journal.entry, null)) context.report.nextStep(step);
		return "recovery-failed";
	}
}
async function rename(ready, { copy, details }, failed, journal, log) {
	const { database, targetOid, lock } = ready;
	if (lock === null) throw new TypeError("an exchange without a lock");
	const { properties } = details;
	if (targetOid === null || failed === null) {
		const take = () => database.takeName({
			fallback: copy,
			properties,
			journal: journal.whenSwapped()
		});
		await exchangeWhenReachable({
			lock,
			journal
		}, readyCopy(copy), take, log);
		return;
	}
	const swap = () => database.swap({
		targetOid,
		fallback: copy,
		failedName: failed.name,
		properties,
		run: failed.run,
		journal: journal.whenSwapped()
	}, log);
	const outcome = await exchangeWhenReachable({
		lock,
		journal
	}, readyCopy(copy), swap, log);
	log.detail(`${outcome.terminatedSessions} sessions ended`);
}
/** Contents were compared before; this is about whether it is the copy that answers to the name now. */
async function checkExchanged({ database }, { copy, details: { prisma } }, failedName, log) {
	const name = database.address.database;
	const wrong = await whenReachable(async () => {
		const [oid, digest] = [await database.oidOf(name), await database.schemaDigest(never)];
		const applied = (prisma === null ? null : await readHistory(database, prisma.historySchema))?.filter((row) => row.finishedAt !== null && row.rolledBackAt === null) ?? [];
		const isHistory = JSON.stringify(applied.map((row) => row.migrationName).toSorted()) === JSON.stringify((prisma?.appliedMigrations ?? []).map((migration) => migration.name).toSorted());
		return [
			oid === copy.oid ? null : "another database answers to its name",
			digest === copy.fingerprint.schemaDigest ? null : "its schema is not that of the restored copy",
			isHistory ? null : "its migration history is not that of the backup"
		].filter((problem) => problem !== null);
	}, log);
	if (wrong.length === 0) return;
	const kept = failedName === null ? "" : `; what was there before is in ${failedName}`;
	throw new SafeMigrateError({
		code: "SM_RECOVERY_FAILED",
		phase: "recover",
		docs: "recovery.md",
		message: `${name} was rolled back, but ${wrong.join(", ")}${kept}`,
		hint: "Look at the database before the application is started again."
	});
}

// src/commands/rollback/preflight.ts
/**
* Looks at server, target and backup before anything is touched and refuses with all reasons at once. The target may
* be missing, closed or broken; Prisma is needed only where no input names the database.
*/
async function preflightRollback(context, settings, log) {
	const problems = new ProblemList();
	const url = settings.databaseUrl ?? (await context.ports.openMigrator(settings, context.run, context.signal)).url;
	const database = await context.ports.openDatabase(url, settings, { evenWithoutTarget: true });
	let lock = null;
	try {
		const { address, server } = database;
		context.report.target({
			...address,
			serverVersion: server.text
		});
		for (const warning of database.toolsWarnings) log.warn(warning);
		if (!settings.dryRun && settings.confirm !== address.database) problems.add([notConfirmed(address.database)]);
		const storages = openStorages(context, settings);
		if (settings.dryRun || settings.confirm === address.database) lock = await finishEarlier(context, settings, {
			database,
			migrator: null,
			storages
		}, log);
		const found = await problems.attempt(() => findStored(context, storages, database, settings, log));
		if (found !== null) {
			const { backup } = found;
			context.report.backup(storedRecord(backup, backup.manifest.proof.proved ? "true" : "false"));
			if (backup.manifest.server.major > server.major) problems.add([olderServer(backup, database)]);
		}
		const targetOid = await database.oidOf(address.database);
		await lookAtTarget(database, settings, problems, log);
		context.report.kept(await database.failedDatabases());
		if (!problems.isEmpty || found === null) return problems.refuse();
		const history = await historyOf(database, found.opened, log);
		if (!settings.dryRun) lock ??= await takeLock(context, database);
		const held = lock;
		return {
			database,
			lock: held,
			...found,
			targetOid,
			history,
			async [Symbol.asyncDispose]() {
				await held?.[Symbol.asyncDispose]();
				await database[Symbol.asyncDispose]();
			}
		};
	} catch (error) {
		await lock?.[Symbol.asyncDispose]();
		await database[Symbol.asyncDispose]();
		throw error;
	}
}
/** What stands against renaming it. What would only disturb a backup or a copy of it is no matter here. */
async function lookAtTarget(database, { beforeMigrate }, problems, log) {
	const { unreachable } = database;
	if (unreachable !== null) {
		log.warn(unreachable.isMissing ? `there is no database ${database.address.database}; the backup will take its name` : `the target cannot be connected to, so it was not looked at: ${unreachable.because}`);
		return;
	}
	try {
		const facts = await database.inspect();
		log.detail(`the target has ${formatBytes(facts.sizeBytes)} and ${facts.tableCount} tables now`);
		for (const obstacle of facts.obstacles) {
			const { closes, code, ofCopy, isDoubt, message } = obstacle;
			if (closes === "all" || !closes.includes("swap") || ofCopy === true || isDoubt === true) continue;
			if (code === "SM_FOREIGN_SESSIONS" && beforeMigrate !== null) log.warn(message);
			else problems.add([obstacle]);
		}
	} catch (error) {
		if (!(error instanceof SafeMigrateError)) throw error;
		log.warn(`the target cannot be looked at: ${messageOf(error)}`);
	}
}
async function historyOf(database, opened, log) {
	const prisma = opened?.details.prisma ?? null;
	if (database.unreachable !== null || prisma === null) return null;
	try {
		return await readHistory(database, prisma.historySchema) ?? [];
	} catch (error) {
		if (!(error instanceof SafeMigrateError)) throw error;
		log.warn(`the migration history of the target cannot be read: ${messageOf(error)}`);
		return null;
	}
}
function notConfirmed(database) {
	return {
		code: "SM_NOT_CONFIRMED",
		message: `confirm is not the name of the database that would be replaced, ${database}`,
		hint: `Look at what \`dry-run: true\` says, then give \`confirm: ${database}\`.`,
		docs: "rollback.md"
	};
}
function olderServer({ id, manifest }, database) {
	return {
		code: "SM_BACKUP_NEWER",
		message: `${id} comes from PostgreSQL ${manifest.server.version}, and the server is ${database.server.text}: a dump is not restored into an older major version`,
		hint: `Roll back on a server of PostgreSQL ${manifest.server.major} or later.`,
		docs: "postgresql.md"
	};
}

// src/commands/rollback/taken-back.ts
/** What the target has and the backup has not. Reads history only; see `withTables` for the rows. */
function takenBack({ backup, opened, history }) {
	const { manifest } = backup;
	const known = new Set(opened?.details.prisma?.appliedMigrations.map(({ name }) => name));
	return {
		backupId: backup.id,
		backupTakenAt: manifest.createdAt,
		commit: manifest.gitCommit,
		migrations: history?.filter((row) => row.rolledBackAt === null && !known.has(row.migrationName)).map((row) => row.migrationName) ?? null,
		tables: null
	};
}
/** The same with every table counted and hashed, in one snapshot; changes nothing. */
async function withTables(context, ready, jobs, report, log) {
	const { opened } = ready;
	if (ready.database.unreachable !== null || opened === null) return report;
	let progress;
	log.progress(() => progress);
	try {
		await using snapshot = await ready.database.openSnapshot();
		const now = await snapshot.fingerprint(jobs, context.signal, (done, all) => {
			progress = `${done} of ${all} tables read`;
		});
		return {
			...report,
			tables: differingTables(now, opened.details.fingerprint)
		};
	} catch (error) {
		context.signal.throwIfAborted();
		if (!(error instanceof SafeMigrateError)) throw error;
		log.warn(`the rows of the target cannot be counted: ${messageOf(error)}`);
		return report;
	}
}
/** Tables whose rows are others; by number only where the contents cannot be compared. */
function differingTables(now, backup) {
	const comparable = now.serverMajor === backup.serverMajor && formOfFingerprint(now) === formOfFingerprint(backup);
	const key = ({ schema, table }) => JSON.stringify([schema, table]);
	const [before, after] = [backup.tables, now.tables].map((list) => new Map(list.map((each) => [key(each), each])));
	return [...new Map([...before ?? [], ...after ?? []])].flatMap(([name, { schema, table }]) => {
		const [there, here] = [before?.get(name), after?.get(name)];
		if (there?.rows === here?.rows && (!comparable || there?.digest === here?.digest)) return [];
		return [{
			schema,
			table,
			rowsNow: here?.rows ?? null,
			rowsInBackup: there?.rows ?? null
		}];
	});
}

// src/commands/stored/fetch-stored.ts
/** Phase fetch: the stored backup on this machine, and nothing of it unverified. */
function fetchStored(context, backup, keys) {
	return context.log.phase("fetch", async (log) => {
		let progress;
		log.progress(() => progress);
		const fetched = await fetchBackup(backup, keys, {
			folder: context.workFolder,
			signal: context.signal,
			warn: (line) => log.warn(line),
			onProgress: (what, sizeBytes) => {
				progress = `${what} ${formatBytes(sizeBytes)}`;
			}
		});
		const authenticity = backup.authenticated ? "authenticated by the passphrase" : "not authenticated: that it is the backup that was made rests on the storage's permissions";
		return {
			fact: `${formatBytes(backup.listed.manifest.file.sizeBytes)} from ${fetched.from.url}, length and SHA-256 as in the manifest; ${authenticity}`,
			value: fetched
		};
	});
}

// src/commands/stored/restore-stored.ts
/**
* Phase prove: restores a fetched backup beside the target and compares it with its manifest. A backup that was never
* proved is proved by this, or it is not used.
*/
function restoreStored(context, database, details, fetched, jobs) {
	return context.log.phase("prove", async (log) => {
		const value = await database.restoreBeside({
			name: database.copyName("fallback", context.run.id),
			run: context.run.id,
			dumpPath: fetched.dumpPath,
			expected: details.fingerprint,
			expectedSchemaText: details.schemaText,
			hasPublicSchema: details.hasPublicSchema,
			properties: details.properties,
			jobs,
			signal: context.signal
		}, log);
		const proof = proofOf(value);
		context.report.proof(proof);
		if (details.fingerprint.serverMajor === database.server.major) return {
			fact: proofFact(proof, "the manifest"),
			value
		};
		return {
			fact: `${countOf(proof.tables, "table")}, ${formatCount(proof.rows)} rows, all counts equal to the manifest (contents are not compared between major versions)`,
			value
		};
	});
}

// src/commands/rollback.ts
/**
* Brings the target back to a stored backup, because a person asks for it: fetched and verified, restored beside,
* compared with its manifest, and only then exchanged. What is there now is kept. Rejects only while nothing has
* been touched.
*/
async function rollback(context, settings) {
	await using ready = await context.log.phase("preflight", async (log) => {
		const value = await preflightRollback(context, settings, log);
		const { address, server } = value.database;
		context.log.headline(`rollback of ${address.database} at ${address.host}:${address.port}, PostgreSQL ${server.text}, to ${value.backup.id}`);
		const report = takenBack(value);
		context.report.rollback(report);
		for (const name of report.migrations ?? []) log.detail(`applied after the backup: ${name}`);
		return {
			fact: `${migrationsFact(report.migrations)}; ${value.database.toolsFact}`,
			value
		};
	});
	if (settings.dryRun) return await onlyLook(context, settings, ready);
	const { opened } = ready;
	if (opened === null) throw new TypeError("a rollback to a backup that nobody could read is a dry run");
	const { details } = opened;
	const guarded = unlessLost(context, ready.lock);
	await using fetched = await fetchStored(guarded, opened, settings.keys);
	const journal = beginJournal(context, ready, details);
	const hooks = new Hooks(context, settings, journal);
	let result = null;
	try {
		await hooks.before();
		await journal.enter("prove");
		const copy = await restoreStored(guarded, ready.database, details, fetched, settings.jobs);
		context.report.backup(storedRecord(ready.backup, "true"));
		await refuseIfCancelled(context, ready, copy.name);
		await journal.enter("recover", { fallback: readyCopy(copy) });
		result = await exchange(context, ready, {
			copy,
			details
		}, journal);
	} finally {
		await hooks.after();
		if (result !== "recovery-failed" && !hooks.isOwed) await close(context, journal);
	}
	if (result === "rolled-back") await tellWhatNow(context, ready);
	return result;
}
/** Who dies from here on is finished by post or the next run, by what stands in it. */
function beginJournal(context, { backup, lock, targetOid }, { properties, prisma }) {
	if (lock === null) throw new TypeError("a rollback without a lock is a dry run");
	return RunJournal.of(lock, {
		run: context.run.id,
		command: "rollback",
		targetOid,
		comment: properties.comment,
		historySchema: prisma?.historySchema ?? "public",
		migrations: [],
		backupId: backup.id
	}, context.journalIsOpen);
}
async function close(context, journal) {
	try {
		await journal.clear();
	} catch (error) {
		context.log.warn(`the journal could not be closed, the next run does it: ${messageOf(error)}`);
	}
}
/** `dry-run`: what would be taken back. Nothing is locked, fetched or written. */
async function onlyLook(context, settings, ready) {
	await context.log.phase("report", async (log) => {
		const report = await withTables(context, ready, settings.jobs, takenBack(ready), log);
		context.report.rollback(report);
		for (const { schema, table, rowsNow, rowsInBackup } of report.tables ?? []) log.detail(`${schema}.${table}: ${rowsNow ?? "no"} rows now, ${rowsInBackup ?? "no"} in the backup`);
		const differing = report.tables === null ? "tables were not read" : `${countOf(report.tables.length, "table")} with other rows than the backup`;
		return {
			fact: `${migrationsFact(report.migrations)}; ${differing}`,
			value: null
		};
	});
	const { commit } = takenBack(ready);
	context.report.nextStep({
		text: `Nothing was changed. Without dry-run, ${ready.database.address.database} becomes ${ready.backup.id}, and what is there now is kept under another name.${redeploy(commit)}`,
		commands: []
	});
	return "checked";
}
/** The last moment: the exchange itself is not cut off. */
async function refuseIfCancelled(context, ready, copy) {
	try {
		await ready.lock?.assertHeld();
		context.signal.throwIfAborted();
	} catch (error) {
		await ready.database.dropCopy(copy).catch((reason) => {
			context.log.warn(`${copy} could not be dropped: ${messageOf(reason)}`);
		});
		throw error;
	}
}
async function tellWhatNow(context, ready) {
	const { commit, migrations } = takenBack(ready);
	const pending = migrations === null || migrations.length === 0 ? "" : ` ${countOf(migrations.length, "migration")} that were applied after it are pending again.`;
	context.report.nextStep({
		text: `${ready.database.address.database} is as it was in ${ready.backup.id}.${pending}${redeploy(commit)}`,
		commands: []
	});
	try {
		context.report.kept(await ready.database.failedDatabases());
	} catch (error) {
		context.log.warn(`the kept databases cannot be listed: ${messageOf(error)}`);
	}
}
function redeploy(commit) {
	return commit === null ? "" : ` The application that fits it is that of commit ${commit}: deploy that one.`;
}
function migrationsFact(migrations) {
	if (migrations === null) return "the migrations since the backup are unknown";
	return `${countOf(migrations.length, "migration")} applied since the backup`;
}

// src/commands/run-command.ts
/**
* Tells the story of the command that was asked for. A story that rejects has touched nothing: `refused`, with
* the error in the report. (What goes wrong later is a result of its own.)
*/
async function runCommand(context, settings) {
	try {
		switch (settings.command) {
			case "migrate": return await migrate(context, settings);
			case "backup": return await backup(context, settings);
			case "prune": return await pruneCommand(context, settings);
			case "check": return await check(context, settings);
			case "rollback": return await rollback(context, settings);
		}
	} catch (error) {
		context.report.problem(context.signal.aborted ? context.signal.reason : error);
		return error instanceof UnfinishedRunError ? error.result : "refused";
	}
}

// src/runner/cancellation.ts
/**
* Turns the runner's signals into an AbortSignal: SIGINT on cancel, SIGTERM 7.5 s later. Listening keeps Node
* from ending at once; the story ends its children and says how far it came.
*/
function cancellation() {
	const controller = new AbortController();
	const cancel = (signal) => {
		controller.abort(new SafeMigrateError({
			code: "SM_CANCELLED",
			message: `The run was cancelled (${signal}).`,
			hint: "Run the job again; a cancelled migration is recovered before the run ends."
		}));
	};
	process.on("SIGINT", cancel);
	process.on("SIGTERM", cancel);
	return Object.assign(controller.signal, { [Symbol.dispose]() {
		process.off("SIGINT", cancel);
		process.off("SIGTERM", cancel);
	} });
}

// src/runner/pull-request.ts
const repository = object({ full_name: string() });
const event = object({ pull_request: object({
	number: int().positive(),
	base: object({
		sha: string().regex(/^[0-9a-f]{40,64}$/),
		repo: repository
	}),
	head: object({
		sha: string().regex(/^[0-9a-f]{40,64}$/),
		repo: repository.nullable()
	})
}) });
/** The pull request that the event of this run is about; null for other events and outside of GitHub Actions. */
function readPullRequest(env) {
	const path = env.GITHUB_EVENT_PATH;
	if (!path) return null;
	let payload;
	try {
		payload = JSON.parse(readFileSync(path, "utf8"));
	} catch {
		return null;
	}
	const parsed = event.safeParse(payload);
	if (!parsed.success) return null;
	const { number, base, head } = parsed.data.pull_request;
	return {
		number,
		baseCommit: base.sha,
		headCommit: head.sha,
		isFromFork: head.repo?.full_name !== base.repo.full_name
	};
}

// src/rendering/comment.ts
/** GitHub refuses 65 536 characters; counted in bytes, with room for the last line. */
const maximumBytes = 65e3;
/**
* First line of a comment, by which it is found again. What one project's check looks at tells its comments apart (a
* matrix of databases or schemas), and so does `job`: two of them would take turns in one comment otherwise.
*/
function commentMarker({ project, schema, config, database }, job) {
	const rest = JSON.stringify([
		job,
		schema,
		config,
		database
	]);
	const digest = createHash("sha256").update(rest).digest("hex").slice(0, 12);
	return `<!-- safe-migrate:check:${encodeURIComponent(project)}:${digest} -->`;
}
/**
* The comment on the pull request. One line when it changes nothing of the database and nothing is wrong. What does
* not fit is named, and stands in the job summary.
*/
function commentMarkdown(report, job) {
	const { check } = report;
	if (check === null) throw new TypeError("only a check is commented on");
	const title = `${commentMarker(check.subject, job)}\n**safe-migrate**${nameOf(check.subject)}`;
	if (isQuiet(check)) return `${title}: no database changes.\n`;
	const summary = report.run.url === null ? "the job summary" : `[the job summary](${report.run.url})`;
	let comment = `${title}: ${plain(resultSentence(report))}\n\n`;
	const footer = `<sub>All of it is in ${summary} and in report.json.</sub>\n`;
	for (const section of checkSections(check)) {
		const room = maximumBytes - Buffer.byteLength(comment) - Buffer.byteLength(footer);
		const text = [section.markdown, section.shortly].find((each) => Buffer.byteLength(each) + 2 <= room);
		if (text !== void 0) comment += `${text}\n\n`;
	}
	return comment + footer;
}
/** For people who see several comments: which is this. */
function nameOf({ project, schema, config, database }) {
	const given = [
		project === "." ? null : project,
		schema,
		config,
		database?.name ?? null
	].filter((part) => part !== null);
	return given.length === 0 ? "" : ` (${given.map(plain).join(", ")})`;
}
function isQuiet(check) {
	return check.changesDatabase === false && findingsOf(check).every(({ severity }) => severity === "notice");
}

// src/runner/pull-request-comment.ts
/**
* Keeps one comment for what this job checks on the pull request: made once, edited after that. A comment that cannot be
* written (a fork's token may only read) is a warning; the job summary holds the same.
*/
async function commentOnPullRequest(request) {
	const { report, context, pullRequest, token } = request;
	const [owner, repo] = context.repository?.split("/") ?? [];
	if (report.check === null || owner === void 0 || repo === void 0) return;
	if (pullRequest.isFromFork) {
		info("No comment: the token of a pull request from a fork may only read. The job summary holds the same.");
		return;
	}
	try {
		const { getOctokit } = await import("./actions-github-github.js");
		const api = getOctokit(token).rest.issues;
		const where = {
			owner,
			repo
		};
		const marker = commentMarker(report.check.subject, context.job);
		const body = commentMarkdown(report, context.job);
		const ours = await findComment(getOctokit(token), {
			...where,
			issue_number: pullRequest.number
		}, marker);
		if (ours === null) await api.createComment({
			...where,
			issue_number: pullRequest.number,
			body
		});
		else await api.updateComment({
			...where,
			comment_id: ours,
			body
		});
	} catch (error) {
		warning(`The pull request could not be commented on: ${messageOf(error)}. The job needs \`permissions: pull-requests: write\`; the job summary holds the same.`);
	}
}
/**
* Ours by its first line and by its author, a bot or whoever this token belongs to: a person who copies that line does
* not get his comment edited.
*/
async function findComment(octokit, place, marker) {
	const pages = octokit.paginate.iterator(octokit.rest.issues.listComments, {
		...place,
		per_page: 100
	});
	const byPeople = [];
	for await (const { data } of pages) for (const { id, body, user } of data) {
		if (body?.startsWith(marker) !== true) continue;
		if (user?.type === "Bot") return id;
		byPeople.push({
			id,
			author: user?.login
		});
	}
	if (byPeople.length === 0) return null;
	const ourselves = await loginOf(octokit);
	return byPeople.find(({ author }) => author === ourselves)?.id ?? null;
}
/** null for the token of a workflow, which is nobody's. */
async function loginOf(octokit) {
	try {
		return (await octokit.rest.users.getAuthenticated()).data.login;
	} catch {
		return null;
	}
}

// src/runner/run.ts
/**
* One run of the action, from the runner's environment to the exit code. `openPorts` builds the real outside
* world; it is told how to mask the secrets that turn up later (the URL that Prisma itself uses).
*/
async function run(openPorts) {
	surviveLostOutput();
	const context = readGitHubContext(process.env);
	const raw = readInputs(process.env);
	const masks = new Masks(process.env);
	const mask = (secret) => masks.add(secret);
	secretsOf(raw).forEach(mask);
	const identity = runIdentity(context, /* @__PURE__ */ new Date());
	const report = new ReportBuilder({
		command: requestedCommand(raw),
		run: {
			id: identity.id,
			startedAt: identity.startedAt.toISOString(),
			url: identity.url,
			commit: identity.commit
		}
	});
	const pullRequest = readPullRequest(process.env);
	const log = new ActionLog({ record: report });
	using signal = cancellation();
	using _ = surviveStrayErrors((line) => log.warn(line));
	let wantsComment = false;
	const result = await attempt(report, async () => {
		const { settings, warnings } = parseInputs(process.env, context);
		for (const warning of warnings) log.warn(warning);
		wantsComment = settings.command === "check" && settings.comment;
		const workFolder = await WorkFolder.create(context.temporaryDirectory);
		saveWorkFolder(workFolder.path);
		const repository = repositoryRootOf(settings.workingDirectory, context.workspace);
		try {
			return await runCommand({
				run: identity,
				log,
				report,
				ports: openPorts(mask, readArtifactAccess(process.env, context, raw["github-token"]), checkoutRoots(context, repository)),
				workFolder: workFolder.path,
				repository,
				pullRequest,
				journalIsOpen: (isOpen) => saveOpenRun(isOpen ? identity.id : null),
				signal
			}, settings);
		} finally {
			await workFolder[Symbol.asyncDispose]().catch((error) => {
				log.warn(`${workFolder.path} could not be removed: ${messageOf(error)}`);
			});
		}
	});
	const told = masks.hideIn(report.build(result, /* @__PURE__ */ new Date()));
	await publish(told, context, log);
	if (wantsComment && pullRequest !== null) await commentOnPullRequest({
		report: told,
		context,
		pullRequest,
		token: raw["github-token"]
	});
}
/** What fails before the story begins, has touched nothing. */
async function attempt(report, work) {
	try {
		return await work();
	} catch (error) {
		report.problem(error);
		return "refused";
	}
}

// src/main.ts
/** The first door: the step's main. */
await run(openPorts);

export {  };