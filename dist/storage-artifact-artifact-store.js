import { d as number$1, f as object, h as string, i as array, l as literal, o as boolean, t as number } from "./zod.js";
import { $t as SafeMigrateError, Bt as storageMismatch, Ht as objectKey, Lt as sha256Of, Vt as stoppedBy, en as messageOf, lt as LeftBehindError, zt as ContentGate } from "./safe-migrate.js";
import { f as HttpClient } from "./actions-core.js";
import { c as untilStopped } from "./lazy-shared.js";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { Readable, Writable, addAbortSignal } from "node:stream";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";

// src/storage/artifact/artifact-errors.ts
const permissionHints = {
	list: "The job needs `actions: read` in its `permissions:`.",
	read: "The job needs `actions: read` in its `permissions:`.",
	write: "An organization or enterprise may forbid artifacts; ask whoever keeps its settings.",
	remove: "The job needs `actions: write` in its `permissions:`; otherwise artifacts end by themselves."
};
/** An answer with a status that is no success. */
var AnswerError = class extends Error {
	name = "AnswerError";
	status;
	limited;
	/** What its Retry-After asks for; null where it has none. */
	retryAfterMs;
	/** @param limited whether it says that too many requests were made */
	constructor(status, limited = false, retryAfterMs = null) {
		super(`HTTP ${status}`);
		this.status = status;
		this.limited = limited;
		this.retryAfterMs = retryAfterMs;
	}
};
const unreachable = /* @__PURE__ */ new Set([
	"ECONNREFUSED",
	"ECONNRESET",
	"EHOSTUNREACH",
	"ENETUNREACH",
	"ENOTFOUND",
	"EAI_AGAIN",
	"EPIPE",
	"ETIMEDOUT"
]);
/** Whether the connection could not be made, or broke. */
function isUnreachable(error) {
	return error instanceof Error && "code" in error && unreachable.has(String(error.code));
}
/** Any failure of a request as an error of ours. Errors that are ours already pass unchanged. */
function artifactError(error, action, url) {
	if (error instanceof SafeMigrateError) return error;
	const make = (code, message, hint) => new SafeMigrateError({
		code,
		message,
		hint,
		docs: "storage.md",
		cause: error
	});
	const status = error instanceof AnswerError ? error.status : statusIn(messageOf(error));
	const code = error instanceof Error && "code" in error ? String(error.code) : "";
	if (error instanceof AnswerError && error.limited) return make("SM_STORAGE_FAILED", `GitHub answers no more requests for now (HTTP ${status}), so ${url} could not be ${past[action]}`, "Run the job again in an hour: the limit of requests counts for the whole repository.");
	if (status === 401) return make("SM_STORAGE_CREDENTIALS", `GitHub does not accept the token with which ${url} was to be ${past[action]}`, "Leave `github-token` out, so that it is the job’s own, or give one that is still valid.");
	if (status === 403) return make("SM_STORAGE_FORBIDDEN", `the token may not ${action} ${url}`, permissionHints[action]);
	if (status === 404 || status === 410) return artifactNotFound(url);
	if (status === 409) return make("SM_STORAGE_EXISTS", `${url} exists already and is never replaced`, "Stored backups are write-once. Run the job again: a new run gets a new name.");
	if (error instanceof Error && error.name === "UsageError") return make("SM_STORAGE_FULL", `GitHub takes no more artifacts: the account's storage for them is used up (${url})`, "Remove artifacts, lower retention-days, raise the spending limit, or add another storage.");
	if (isUnreachable(error) || error instanceof Error && error.name === "NetworkError") return make("SM_STORAGE_UNREACHABLE", `GitHub's artifact service cannot be reached (${code || firstLine(error)}), so ${url} could not be ${past[action]}`, "Run the job again; on a runner of your own look at its proxy and firewall.");
	return make("SM_STORAGE_FAILED", `${url} could not be ${past[action]}: ${firstLine(error)}`, "Run the job again; when it happens again, look at https://www.githubstatus.com.");
}
const past = {
	list: "listed",
	read: "read",
	write: "written",
	remove: "removed"
};
/** @param why what happened to it, when that is known */
function artifactNotFound(url, why = "does not exist") {
	return new SafeMigrateError({
		code: "SM_STORAGE_NOT_FOUND",
		message: `${url} ${why}`,
		hint: "Look which backups this storage holds. Artifacts end by themselves when their retention is over.",
		docs: "storage.md"
	});
}
/** The status in a message of the toolkit's client: `Failed request: (409) Conflict: …`. */
function statusIn(message) {
	const found = /Failed request: \((\d{3})\)/.exec(message)?.[1];
	return found === void 0 ? null : Number(found);
}
/** What an error says, without what stands behind a URL's `?` or path: a signature opens the artifact. */
function firstLine(error) {
	const [line = ""] = messageOf(error).split("\n");
	return line.replaceAll(/(https?:\/\/[^\s/?]+)\S*/g, "$1").replaceAll(/\/\S*\?\S*/g, "(path)");
}

// src/storage/artifact/artifact-name.ts
/** Before the run: tells our artifacts from those of other steps and actions. */
const mark = "safe-migrate";
/** Neither a key's own character in its encoded form nor forbidden in names of artifacts and files. */
const separator = "~";
/** An artifact that is not archived is named by its file, and a file's name has at most 255 bytes. */
const maximumNameBytes = 255;
/**
* The artifact that holds the object `key`: `safe-migrate~<run>-<attempt>~<key>`, the key's `/` written as `~` and
* whatever is not surely harmless in a file's name as `=` and two hex digits. Names are unique within a run, all
* of its attempts together, so the attempt is a part of them. Throws SM_STORAGE_KEY.
*/
function artifactName(run, key) {
	const encoded = objectKey("", key).split("/").map(encode).join(separator);
	const name = [
		mark,
		run,
		encoded
	].join(separator);
	if (name.length <= maximumNameBytes) return name;
	throw new SafeMigrateError({
		code: "SM_STORAGE_KEY",
		message: `${JSON.stringify(key)} is too long for the name of an artifact (${name.length} of ${maximumNameBytes} characters)`,
		hint: "Use a shorter label, or another storage for this database.",
		docs: "storage.md"
	});
}
/** The key of the object that an artifact of this name holds; null when it is not one of ours. */
function keyOfArtifact(name) {
	const [found, run = "", ...parts] = name.split(separator);
	if (found !== mark || !/^\d+-\d+$/.test(run) || parts.length === 0) return null;
	const key = parts.map(decode).join("/");
	try {
		return artifactName(run, key) === name ? key : null;
	} catch {
		return null;
	}
}
/** The workflow run whose id stands in the name of one of our artifacts; null for others. */
function runOfArtifact(name) {
	return /^safe-migrate~(\d+)-\d+~/.exec(name)?.[1] ?? null;
}
function encode(text) {
	return [...Buffer.from(text)].map((byte) => {
		const character = String.fromCharCode(byte);
		return /[A-Za-z0-9_.%-]/.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
	}).join("");
}
function decode(text) {
	const bytes = [];
	for (let at = 0; at < text.length; at += 1) if (text[at] === "=") {
		bytes.push(Number.parseInt(text.slice(at + 1, at + 3), 16));
		at += 2;
	} else bytes.push(text.charCodeAt(at));
	return Buffer.from(bytes).toString("utf8");
}

// src/storage/artifact/check-artifacts.ts
/** Where artifacts of this form exist: github.com and the enterprise cloud, never a server of one's own. */
function refuseWithoutArtifacts(access) {
	const host = new URL(access.serverUrl).hostname.toLowerCase();
	if (host !== "github.com" && !host.endsWith(".ghe.com")) throw new SafeMigrateError({
		code: "SM_ARTIFACT_UNAVAILABLE",
		message: `artifact:// needs GitHub's artifact service, which GitHub Enterprise Server (${host}) does not have`,
		hint: "Use s3:// or file:// in `storage`.",
		docs: "storage.md"
	});
	if (access.repository === null) throw new SafeMigrateError({
		code: "SM_ARTIFACT_UNAVAILABLE",
		message: "artifact:// exists only in a job of GitHub Actions",
		hint: "Use s3:// or file:// in `storage`.",
		docs: "storage.md"
	});
}
/**
* Whoever can read the repository can download its artifacts, and from a public one everybody can: there a backup
* that is not encrypted is refused whatever the storage's URL says.
*/
function refusePlaintext(repository, given) {
	if (given.isEncrypted) return;
	if (given.isPublic !== false) throw new SafeMigrateError({
		code: "SM_ARTIFACT_PUBLIC",
		message: given.isPublic ? `everybody can download the artifacts of ${repository}, because it is public, and the backup would not be encrypted: ${noKey}` : `the backup would not be encrypted: ${noKey}. Everybody can download the artifacts of a public repository, and neither the event nor GitHub's API says whether ${repository} is one`,
		hint: encryptionHint(repository),
		docs: "storage.md"
	});
	if (!given.plaintextAllowed) throw new SafeMigrateError({
		code: "SM_ARTIFACT_PLAINTEXT",
		message: `everybody who can read ${repository} can download its artifacts, and the backup would not be encrypted: ${noKey}`,
		hint: `${encryptionHint(repository)} Or write artifact://?plaintext=allow when every reader may see the data.`,
		docs: "storage.md"
	});
}
const noKey = "encryption-passphrase is empty (a secret that does not exist arrives as an empty text)";
/** One command makes the secret; GitHub never shows it again, so it is printed once. */
function encryptionHint(repository) {
	return [`Create a passphrase and keep what is printed, because GitHub never shows it again: openssl rand -base64 32 | tee /dev/stderr | gh secret set SAFE_MIGRATE_PASSPHRASE --repo ${repository};`, `then give this step encryption-passphrase: \${{ secrets.SAFE_MIGRATE_PASSPHRASE }}.`].join(" ");
}

// src/storage/artifact/checked-content.ts
/**
* A download as it comes, that fails at its end when it is not what the artifact's digest says: the toolkit's client
* computed it from what it sent. `sha256`: hex; null where none is known.
*/
async function* checkedContent(body, of) {
	const hash = createHash("sha256");
	try {
		for await (const chunk of body) {
			hash.update(chunk);
			yield chunk;
		}
	} catch (error) {
		if (of.signal.aborted) throw stoppedBy(of.signal, of.url);
		throw artifactError(error, "read", of.url);
	}
	if (of.sha256 === null || hash.digest("hex") === of.sha256) return;
	throw new SafeMigrateError({
		code: "SM_STORAGE_DAMAGED",
		message: `${of.url} is not what was uploaded: its SHA-256 differs from the artifact's digest`,
		hint: "Use another backup, or another storage that holds this one.",
		docs: "storage.md"
	});
}

// src/storage/artifact/read-again.ts
/** Before the second, third and fourth attempt. */
const pausesMs = [
	300,
	1500,
	5e3
];
/** GitHub may ask for an hour: a job does not wait so long, and its error says so. */
const longestPauseMs = 6e4;
/**
* Asks again what has no effect, or the same effect twice, when the connection broke, the service failed, or it asked for
* patience: one lost packet must not refuse an emergency rollback. Rejects with the last attempt's error.
*/
async function readAgain(url, signal, ask) {
	for (let attempt = 0;; attempt += 1) try {
		return await ask();
	} catch (error) {
		const pauseMs = pauseAfter(error, pausesMs[attempt]);
		if (pauseMs === null || signal.aborted) throw error;
		await setTimeout(pauseMs, void 0, { signal }).catch(() => {
			throw stoppedBy(signal, url);
		});
	}
}
/** How long to wait; null when it is over. */
function pauseAfter(error, usualMs) {
	if (usualMs === void 0) return null;
	if (!(error instanceof AnswerError)) return isUnreachable(error) ? usualMs : null;
	if (error.retryAfterMs !== null) return error.retryAfterMs <= longestPauseMs ? Math.max(error.retryAfterMs, usualMs) : null;
	return error.status === 408 || error.status === 429 || error.status >= 500 ? usualMs : null;
}

// src/storage/artifact/http.ts
/** An answer that stays away for so long is given up; a slow download is not, as long as bytes come. */
const silenceMs = 6e4;
const maximumJsonBytes = 33554432;
/** The toolkit's client: it knows the runner's proxy. The token goes by header, which a redirect elsewhere loses. */
const client = new HttpClient("safe-migrate", [], { socketTimeout: silenceMs });
/**
* The answer once it begins. Rejects with AnswerError for every status that is no success. What may be asked twice is asked
* again where that helps.
*/
function send(request) {
	return request.method === "POST" ? sendOnce(request) : readAgain(request.url, request.signal, () => sendOnce(request));
}
async function sendOnce(request) {
	const { method, url, headers, body, signal } = request;
	const text = body === void 0 ? null : JSON.stringify(body);
	const asked = client.request(method, url, text, {
		...text === null ? {} : { "content-type": "application/json" },
		...headers
	});
	const onLate = () => void asked.then(({ message }) => message.destroy()).catch(() => {});
	signal.addEventListener("abort", onLate, { once: true });
	const { message } = await untilStopped(signal, asked).finally(() => {
		signal.removeEventListener("abort", onLate);
	});
	const status = message.statusCode ?? 0;
	if (status >= 200 && status < 300) return message;
	message.resume();
	const limited = status === 429 || message.headers["x-ratelimit-remaining"] === "0";
	throw new AnswerError(status, limited && (status === 403 || status === 429), retryAfterMs(message.headers["retry-after"]));
}
/** Seconds or a date, as HTTP has it. */
function retryAfterMs(header) {
	if (header === void 0) return null;
	if (/^\d+$/.test(header)) return Number(header) * 1e3;
	const until = Date.parse(header);
	return Number.isNaN(until) ? null : Math.max(0, until - Date.now());
}
/** An answer's JSON, parsed; one that breaks off is asked for again, like one that never came. */
function sendForJson(request, schema) {
	return request.method === "POST" ? sendOnceForJson(request, schema) : readAgain(request.url, request.signal, () => sendOnceForJson(request, schema));
}
async function sendOnceForJson(request, schema) {
	const message = await sendOnce(request);
	const chunks = [];
	let sizeBytes = 0;
	const read = async () => {
		for await (const chunk of message) {
			sizeBytes += chunk.byteLength;
			if (sizeBytes > maximumJsonBytes) throw new Error("the answer is far too long");
			chunks.push(chunk);
		}
		return Buffer.concat(chunks);
	};
	const text = await untilStopped(request.signal, read());
	const parsed = schema.safeParse(JSON.parse(text.toString("utf8")));
	if (!parsed.success) throw new Error("the answer is not what GitHub documents");
	return parsed.data;
}

// src/storage/artifact/own-run.ts
const claimsSchema = object({ scp: string() });
const servicePath = "twirp/github.actions.results.api.v1.ArtifactService";
const listed = object({ artifacts: array(object({
	workflow_run_backend_id: string(),
	workflow_job_run_backend_id: string(),
	database_id: number(),
	name: string(),
	size: number()
})).default([]) });
/**
* The artifacts of the run that this job belongs to, with the job's own token: it needs no permission, and an
* upload can be looked at and taken back at once. What the toolkit's client cannot do, stream a download and stop
* when told to, is asked of the same service here.
*/
var OwnRun = class {
	#service;
	constructor(service) {
		this.#service = service;
	}
	/** Whether there is a finished artifact of this name; that it answers proves that the service knows this job. */
	async holds(name, signal) {
		return await this.#find(name, signal) !== null;
	}
	/** The content of an artifact; null when there is none of this name. */
	async open(name, signal) {
		const artifact = await this.#find(name, signal);
		if (artifact === null) return null;
		const { signed_url: url } = await this.#call("GetSignedArtifactURL", {
			...idsOf(artifact),
			name
		}, object({ signed_url: string() }), signal);
		return send({
			method: "GET",
			url,
			signal
		});
	}
	/** Removes an artifact; false when there is none of this name. */
	async remove(name, signal) {
		const artifact = await this.#find(name, signal);
		if (artifact === null) return false;
		await this.#call("DeleteArtifact", {
			...idsOf(artifact),
			name
		}, object({ ok: literal(true) }), signal);
		return true;
	}
	async #find(name, signal) {
		const ids = backendIds(this.#service.token.reveal());
		const { artifacts } = await this.#call("ListArtifacts", {
			workflow_run_backend_id: ids.run,
			workflow_job_run_backend_id: ids.job,
			name_filter: name
		}, listed, signal);
		return artifacts.find((artifact) => artifact.name === name) ?? null;
	}
	#call(method, body, answer, signal) {
		return sendForJson({
			method: "POST",
			url: new URL(`/${servicePath}/${method}`, this.#service.url).href,
			headers: { authorization: `Bearer ${this.#service.token.reveal()}` },
			body,
			signal
		}, answer);
	}
};
function idsOf(artifact) {
	return {
		workflow_run_backend_id: artifact.workflow_run_backend_id,
		workflow_job_run_backend_id: artifact.workflow_job_run_backend_id
	};
}
/** Run and job as the service calls them; they stand in the token's claim `scp`. */
function backendIds(token) {
	const [, run, job] = /(?:^| )Actions\.Results:([^: ]+):([^: ]+)(?: |$)/.exec(scopesOf(token)) ?? [];
	if (run !== void 0 && job !== void 0) return {
		run,
		job
	};
	throw new SafeMigrateError({
		code: "SM_ARTIFACT_UNAVAILABLE",
		message: "the runner's token names no run of GitHub's artifact service",
		hint: "Runners that only resemble GitHub’s have another service: use s3:// or file:// in `storage`.",
		docs: "storage.md"
	});
}
/** Empty when it is no token of the kind that GitHub gives. */
function scopesOf(token) {
	try {
		const [, claims = ""] = token.split(".");
		return claimsSchema.parse(JSON.parse(Buffer.from(claims, "base64url").toString("utf8"))).scp;
	} catch {
		return "";
	}
}

// src/storage/artifact/upload-file.ts
/** Beside the bundle's other files, or beside this one. */
const workerUrl = new URL(import.meta.url.endsWith(".ts") ? "./upload-worker.ts" : "./artifact-upload.js", import.meta.url);
/** A worker that has done its work well and waits for more; loading the client takes longer than a small upload. */
let idle = null;
/**
* Uploads a file as an artifact of this run with the toolkit's client and returns what the client says to have sent.
* Ends it when `signal` is aborted; what the service made of it by then is for the caller to look at.
*/
async function uploadFile(access, file, options) {
	options.signal.throwIfAborted();
	const worker = idle ?? new UploadWorker();
	idle = null;
	const answer = await worker.do({
		...file,
		environment: {
			ACTIONS_RESULTS_URL: access.service.url,
			ACTIONS_RUNTIME_TOKEN: access.service.token.reveal(),
			GITHUB_SERVER_URL: access.serverUrl
		}
	}, options);
	idle = worker;
	if ("failed" in answer) throw new ClientError(answer.failed.name, answer.failed.message);
	return answer.uploaded;
}
var UploadWorker = class {
	/** Its stdout and stderr are its own and never read: a reader would keep this process alive. */
	#worker = new Worker(workerUrl, {
		env: { ...process.env },
		stdout: true,
		stderr: true
	});
	/** One order at a time. On rejection the worker is at its end. */
	async do(order, { signal, onProgress }) {
		const worker = this.#worker;
		const { promise, resolve, reject } = Promise.withResolvers();
		const stop = () => reject(signal.reason);
		const ended = () => reject(/* @__PURE__ */ new Error("the upload ended without an answer"));
		const heard = (answer) => {
			if ("sentBytes" in answer) onProgress(answer.sentBytes);
			else resolve(answer);
		};
		signal.addEventListener("abort", stop, { once: true });
		worker.on("message", heard).on("error", reject).on("exit", ended);
		worker.ref();
		worker.postMessage(order);
		try {
			return await promise;
		} catch (error) {
			await worker.terminate();
			throw error;
		} finally {
			signal.removeEventListener("abort", stop);
			worker.off("message", heard).off("error", reject).off("exit", ended);
			worker.unref();
		}
	}
};
/** An error of the toolkit's client, by its name there (`UsageError`, `NetworkError`). */
var ClientError = class extends Error {
	name;
	constructor(name, message) {
		super(message);
		this.name = name;
	}
};

// src/storage/artifact/put-artifact.ts
/** A cancelled run is ended by force after some seconds; any other failure leaves time to try again. */
const cleanUpAfterCancelMs = 4e3;
const cleanUpMs = 3e4;
const readingAttempts = 3;
const pauseMs = 1e3;
/**
* Uploads a content as one artifact and reads it back, because the digest that GitHub shows is the one that the
* client claimed. Returns how it was verified, for people. On rejection the artifact is taken back.
*
* An artifact cannot be streamed while it is made: the client sends files. So the body is waited for; where it lies
* on disk already, that file is sent under another name, and nothing is copied.
*/
async function putArtifact(upload, request) {
	const { name, run, url } = upload;
	const { signal } = request;
	if (await run.holds(name, signal)) throw artifactError(new AnswerError(409), "write", url);
	const folder = await mkdtemp(join(upload.use.workFolder, "artifact-"));
	try {
		const path = join(folder, name);
		const expected = await waitForBody(path, url, request);
		if (request.path !== void 0) await symlink(request.path, path);
		try {
			const sent = await uploadFile(upload.access, {
				path,
				folder,
				retentionDays: upload.use.retentionDays
			}, {
				signal,
				onProgress: (sentBytes) => request.onProgress?.(sentBytes)
			});
			if (sent.sha256 !== expected.sha256) throw storageMismatch(url, expected, sent);
			await verify(upload, expected, signal);
		} catch (error) {
			const failure = artifactError(error, "write", url);
			throw failure.code === "SM_STORAGE_EXISTS" ? failure : await takeBack(upload, failure, signal);
		}
		return "read back, length and SHA-256 equal";
	} finally {
		await rm(folder, {
			recursive: true,
			force: true
		});
	}
}
/** Lets the body come to its end and makes sure that it is what was expected; keeps it unless it lies on disk. */
async function waitForBody(path, url, request) {
	const gate = new ContentGate({
		expected: request.expected,
		maximumBytes: Number.MAX_SAFE_INTEGER,
		url
	});
	const sink = request.path === void 0 ? createWriteStream(path, {
		flags: "wx",
		mode: 384
	}) : new Writable({ write: (_chunk, _encoding, done) => done() });
	await pipeline(request.body, gate, sink, { signal: request.signal });
	return request.expected;
}
async function verify({ run, name, url }, expected, signal) {
	for (let attempt = 1;; attempt += 1) {
		const held = await readBack(run, name, expected.sizeBytes, signal).catch((error) => {
			if (signal.aborted || attempt === readingAttempts) throw error;
			return null;
		});
		if (held?.sizeBytes === expected.sizeBytes && held.sha256 === expected.sha256) return;
		if (held !== null || attempt === readingAttempts) throw storageMismatch(url, expected, held ?? { sizeBytes: 0 });
		await setTimeout(pauseMs, void 0, { signal });
	}
}
async function readBack(run, name, sizeBytes, signal) {
	const body = await run.open(name, signal);
	if (body === null) return null;
	const stop = () => void body.destroy(/* @__PURE__ */ new Error("stopped"));
	signal.addEventListener("abort", stop, { once: true });
	try {
		return await sha256Of(body, sizeBytes);
	} finally {
		signal.removeEventListener("abort", stop);
	}
}
/**
* Removes what the service has of a failed upload and returns the failure, with what could not be removed. What was
* never finished has no name by which it could be removed; GitHub discards it.
*/
async function takeBack({ run, name, url }, failure, stopped) {
	try {
		await run.remove(name, AbortSignal.timeout(stopped.aborted ? cleanUpAfterCancelMs : cleanUpMs));
		return failure;
	} catch (error) {
		const left = artifactError(error, "remove", url);
		return new LeftBehindError({
			code: failure.code,
			message: `${failure.message}; the artifact may be left there: ${left.message}`,
			hint: failure.hint,
			docs: failure.docs,
			cause: new AggregateError([failure, left], "the upload failed, and so did cleaning up after it")
		});
	}
}

// src/storage/artifact/repository-artifacts.ts
const pageSize = 100;
/** How often a listing is begun that does not fit together. */
const attempts = 4;
/** Pages that are asked for at once. */
const askers = 4;
const artifactSchema = object({
	id: number$1(),
	name: string(),
	size_in_bytes: number$1(),
	created_at: string().nullable(),
	expires_at: string().nullable(),
	expired: boolean(),
	/** `sha256:` and hex, of the file as it was uploaded. */
	digest: string().nullish(),
	/** The run that uploaded it. Of a pull request's from a fork the head repository is another one. */
	workflow_run: object({
		id: number$1().nullish(),
		repository_id: number$1().nullish(),
		head_repository_id: number$1().nullish()
	}).nullish()
});
const pageSchema = object({
	total_count: number$1(),
	artifacts: array(artifactSchema)
});
/**
* Whether the repository's own code uploaded it, in the run that its name tells. Whoever opens a pull request from a
* fork can upload artifacts here, too, under any name: what GitHub does not say to be our own is somebody else's.
*/
function isOwn({ name, workflow_run: run }) {
	const { id, repository_id: here, head_repository_id: head } = run ?? {};
	return typeof here === "number" && here === head && runOfArtifact(name) === String(id);
}
function union(one, other) {
	return [...new Map([...one, ...other].map((artifact) => [artifact.id, artifact])).values()];
}
/** The artifacts of all runs of a repository, with the workflow's token. */
var RepositoryArtifacts = class {
	#root;
	#headers;
	constructor(apiUrl, repository, token) {
		this.#root = `${apiUrl.replace(/\/+$/, "")}/repos/${repository}`;
		this.#headers = {
			accept: "application/vnd.github+json",
			"x-github-api-version": "2022-11-28",
			authorization: `Bearer ${token.reveal()}`
		};
	}
	/** Whether everybody may read the repository. */
	async isPublic(signal) {
		return !(await this.#json("", object({ private: boolean() }), signal)).private;
	}
	/**
	* All artifacts that are ours by name and by the run that uploaded them; the API filters by whole names only.
	* Expired ones are among them. Pages are counted off from the newest: whatever comes or goes meanwhile moves others from
	* one to the next, past whoever reads. So they are read again until they fit together.
	*/
	async all(signal) {
		let listed = await this.#pages(signal);
		for (let attempt = 1; !listed.isWhole && attempt < attempts; attempt += 1) {
			const before = listed.artifacts;
			listed = await this.#pages(signal);
			if (!listed.isWhole) listed = {
				...listed,
				artifacts: union(before, listed.artifacts)
			};
		}
		return {
			...listed,
			artifacts: listed.artifacts.filter(isOwn)
		};
	}
	async #pages(signal) {
		const page = (number) => this.#json(`/actions/artifacts?per_page=${pageSize}&page=${number}`, pageSchema, signal);
		const first = await page(1);
		const found = new Map(first.artifacts.map((artifact) => [artifact.id, artifact]));
		let isSteady = true;
		const numbers = Iterator.from(Array.from({ length: Math.ceil(first.total_count / pageSize) }, (_, index) => index + 1)).drop(1);
		const askOneAfterTheOther = async () => {
			for (const number of numbers) {
				const { artifacts, total_count: total } = await page(number);
				isSteady &&= total === first.total_count;
				for (const artifact of artifacts) found.set(artifact.id, artifact);
			}
		};
		await Promise.all(Array.from({ length: askers }, askOneAfterTheOther));
		return {
			artifacts: [...found.values()],
			isWhole: isSteady && found.size === first.total_count
		};
	}
	/** The newest artifact of exactly this name; null when there is none. */
	async named(name, signal) {
		const path = `/actions/artifacts?per_page=${pageSize}&name=${encodeURIComponent(name)}`;
		const { artifacts } = await this.#json(path, pageSchema, signal);
		return artifacts.filter(isOwn).toSorted((a, b) => b.id - a.id)[0] ?? null;
	}
	/** The file as it was uploaded. */
	open(id, signal) {
		return send({
			method: "GET",
			url: this.#url(`/actions/artifacts/${id}/zip`),
			headers: this.#headers,
			signal
		});
	}
	/** It is no error when it is gone already. */
	async remove(id, signal) {
		try {
			const url = this.#url(`/actions/artifacts/${id}`);
			(await send({
				method: "DELETE",
				url,
				headers: this.#headers,
				signal
			})).resume();
		} catch (error) {
			if (!(error instanceof AnswerError) || error.status !== 404) throw error;
		}
	}
	#json(path, schema, signal) {
		return sendForJson({
			method: "GET",
			url: this.#url(path),
			headers: this.#headers,
			signal
		}, schema);
	}
	#url(path) {
		return `${this.#root}${path}`;
	}
};

// src/storage/artifact/artifact-store.ts
/**
* The artifacts of a repository as a storage. What this run does to its own artifacts goes with the job's token and
* needs no permission; finding those of other runs needs `actions: read`, removing them `actions: write`.
*/
var ArtifactStore = class {
	#url;
	#location;
	#access;
	#use;
	#run;
	#ownRun;
	#repository;
	/** What the last listing found, by key, newest first; null when it may have changed since. */
	#index = null;
	constructor(url, location, access, use) {
		refuseWithoutArtifacts(access);
		this.#url = url;
		this.#location = location;
		this.#access = access;
		this.#use = use;
		this.#run = `${access.runId ?? 0}-${access.attempt}`;
		this.#ownRun = access.service === null ? null : new OwnRun(access.service);
		this.#repository = access.token === null || access.repository === null ? null : new RepositoryArtifacts(access.apiUrl, access.repository, access.token);
	}
	async check(signal) {
		const { isEncrypted, retentionDays } = this.#use;
		const { plaintextAllowed } = this.#location;
		refusePlaintext(this.#access.repository ?? "", {
			isEncrypted,
			plaintextAllowed,
			isPublic: isEncrypted ? null : await this.#isPublic(signal)
		});
		await this.#during(signal, "write", this.#url, () => this.#own().holds("safe-migrate", signal));
		const granted = this.#access.maximumRetentionDays;
		if (granted === null || granted >= retentionDays) return [];
		return [`${this.#url} keeps artifacts for ${granted} days at most, not for ${retentionDays}: raise the repository's limit or lower retention-days`];
	}
	async put(request) {
		const { key, signal } = request;
		const name = artifactName(this.#run, key);
		const url = this.#urlOf(key);
		const { service } = this.#access;
		const sha256 = await this.#during(signal, "write", url, async () => {
			const run = this.#own();
			if (service === null) throw new TypeError("an own run without a service");
			return putArtifact({
				access: {
					...this.#access,
					service
				},
				use: this.#use,
				run,
				name,
				url
			}, request);
		});
		this.#index = null;
		return {
			storage: "artifact",
			url,
			verified: `${sha256}; ${await this.#granted(name, signal)}`
		};
	}
	async get(key, signal) {
		const name = artifactName(this.#run, key);
		const url = this.#urlOf(key);
		return this.#during(signal, "read", url, async () => {
			const { message, sha256 } = await this.#open(key, name, url, signal);
			return addAbortSignal(signal, Readable.from(checkedContent(message, {
				sha256,
				url,
				signal
			}), { objectMode: false }));
		});
	}
	async list(prefix, signal, onDoubt = () => {}) {
		return this.#during(signal, "list", `${this.#url}/${prefix}`, async () => {
			const found = [];
			for (const [key, [artifact]] of await this.#readIndex(signal, onDoubt)) {
				if (artifact === void 0 || !key.startsWith(prefix)) continue;
				found.push({
					key,
					sizeBytes: artifact.size_in_bytes,
					modifiedAt: new Date(artifact.created_at ?? 0).toISOString(),
					...artifact.expired ? { expiredAt: expiryOf(artifact) } : {}
				});
			}
			return found.sort((a, b) => a.key < b.key ? -1 : 1);
		});
	}
	async remove(key, signal) {
		const name = artifactName(this.#run, key);
		await this.#during(signal, "remove", this.#urlOf(key), async () => {
			const removed = await this.#ownRun?.remove(name, signal) ?? false;
			try {
				const repository = this.#others();
				const index = this.#index ?? await this.#readIndex(signal);
				for (const artifact of index.get(key) ?? []) if (artifact.name !== name || !removed) await repository.remove(artifact.id, signal);
				this.#index = new Map([...index].filter(([other]) => other !== key));
			} catch (error) {
				if (!removed) throw error;
				this.#index = null;
			}
		});
	}
	/** The newest artifact of the key, of whichever run; without the permission to look there, of this one. */
	async #open(key, name, url, signal) {
		let refused = null;
		try {
			const [artifact] = (this.#index ?? await this.#readIndex(signal)).get(key) ?? [];
			if (artifact === void 0) throw artifactNotFound(url);
			if (artifact.expired) throw artifactNotFound(url, `expired on ${expiryOf(artifact).slice(0, 10)}`);
			const sha256 = /^sha256:([0-9a-f]{64})$/.exec(artifact.digest ?? "")?.[1] ?? null;
			return {
				message: await this.#others().open(artifact.id, signal),
				sha256
			};
		} catch (error) {
			if (!(error instanceof AnswerError && error.status === 403 && this.#ownRun !== null)) throw error;
			refused = error;
		}
		const message = await this.#own().open(name, signal);
		if (message === null) throw refused;
		return {
			message,
			sha256: null
		};
	}
	async #readIndex(signal, onDoubt = () => {}) {
		const index = /* @__PURE__ */ new Map();
		const { artifacts, isWhole } = await this.#others().all(signal);
		if (!isWhole) onDoubt("artifacts came or went every time that they were listed");
		for (const artifact of artifacts.toSorted((a, b) => Number(a.expired) - Number(b.expired) || b.id - a.id)) {
			const key = keyOfArtifact(artifact.name);
			if (key !== null) index.set(key, [...index.get(key) ?? [], artifact]);
		}
		this.#index = index;
		return index;
	}
	/** For people: until when the artifact is kept, as GitHub says, or as far as it can be told. */
	async #granted(name, signal) {
		const { retentionDays } = this.#use;
		const artifact = await this.#repository?.named(name, signal).catch(() => null);
		if (artifact?.expires_at) {
			const until = artifact.expires_at.slice(0, 10);
			const createdAt = Date.parse(artifact.created_at ?? (/* @__PURE__ */ new Date()).toISOString());
			const days = Math.round((Date.parse(artifact.expires_at) - createdAt) / 864e5);
			return days >= retentionDays ? `kept for ${days} days, until ${until}` : `kept for ${days} days only, until ${until}, because the repository grants no more`;
		}
		return `asked to be kept for ${Math.min(retentionDays, this.#access.maximumRetentionDays ?? retentionDays)} days (what was granted needs \`actions: read\` to be read)`;
	}
	/** null when neither the event nor GitHub tells. */
	async #isPublic(signal) {
		if (this.#access.isPublic !== null) return this.#access.isPublic;
		return await this.#repository?.isPublic(signal).catch(() => null) ?? null;
	}
	#own() {
		if (this.#ownRun !== null) return this.#ownRun;
		throw new SafeMigrateError({
			code: "SM_ARTIFACT_UNAVAILABLE",
			message: "the runner gave this step no access to the artifact service of its run",
			hint: "artifact:// works in a step that `uses:` this action, not in one that starts it by `run:`. Otherwise use s3:// or file://.",
			docs: "storage.md"
		});
	}
	#others() {
		if (this.#repository !== null) return this.#repository;
		throw new SafeMigrateError({
			code: "SM_STORAGE_CREDENTIALS",
			message: `there is no token with which ${this.#url} could be read`,
			hint: "Leave `github-token` out, so that it is the job’s own.",
			docs: "storage.md"
		});
	}
	#urlOf(key) {
		return `${this.#url}/${key}`;
	}
	async #during(signal, action, url, work) {
		try {
			signal.throwIfAborted();
			return await work();
		} catch (error) {
			if (signal.aborted) throw stoppedBy(signal, url);
			throw artifactError(error, action, url);
		}
	}
};
function expiryOf(artifact) {
	return new Date(artifact.expires_at ?? artifact.created_at ?? 0).toISOString();
}

export { ArtifactStore };