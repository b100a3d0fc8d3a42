import { i as saveState, n as getState } from "./actions-core.js";
import { createHash } from "node:crypto";
import { Transform } from "node:stream";
import { basename, join } from "node:path";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

// src/system/errors.ts
/**
* The one error type that stories see. The code is stable, the hint is for people, the cause is kept.
* What is thrown by libraries is wrapped where it enters (`cause`), never shown raw.
*/
var SafeMigrateError = class extends Error {
	name = "SafeMigrateError";
	code;
	hint;
	docs;
	phase;
	constructor(details) {
		super(details.message, details.cause === void 0 ? void 0 : { cause: details.cause });
		this.code = details.code;
		this.hint = details.hint;
		this.docs = details.docs ?? "errors.md";
		this.phase = details.phase;
	}
};
/** Several problems found together; nothing was touched. Thrown by input parsing and by preflight. */
var RefusedError = class extends SafeMigrateError {
	name = "RefusedError";
	problems;
	constructor(problems, details = {}) {
		const [first] = problems;
		if (first === void 0) throw new TypeError("RefusedError needs at least one problem");
		super({
			...details,
			code: first.code,
			message: problems.map((problem) => problem.message).join("; "),
			hint: first.hint,
			docs: first.docs ?? details.docs ?? "errors.md"
		});
		this.problems = problems.map((problem) => problem.docs !== void 0 || details.docs === void 0 ? problem : {
			code: problem.code,
			message: problem.message,
			hint: problem.hint,
			docs: details.docs
		});
	}
};
/** What a thrown value says, whatever it is. */
function messageOf(error) {
	return error instanceof Error ? error.message : String(error);
}
/** The problems an error stands for: its own list, or itself as the only one. */
function problemsOf(error) {
	if (error instanceof RefusedError) return error.problems;
	if (error instanceof SafeMigrateError) return [error];
	return [{
		code: "SM_UNEXPECTED",
		message: messageOf(error),
		hint: "This is a defect of safe-migrate or of the machine: please report it with the log of this job."
	}];
}

// src/storage/object-key.ts
/** S3's limit for a whole key, bytes of UTF-8. */
const maximumKeyBytes = 1024;
/**
* Returns `prefix/key` when `key` can be one everywhere, and rejects what could climb out of the prefix or
* be read differently by different servers: empty, `.` and `..` parts, control characters.
*/
function objectKey(prefix, key) {
	const whole = prefix === "" ? key : `${prefix}/${key}`;
	if (key.split("/").every((part) => part !== "" && part !== "." && part !== "..") && !/\p{Cc}/u.test(key) && key.isWellFormed() && Buffer.byteLength(whole) <= maximumKeyBytes) return whole;
	throw new SafeMigrateError({
		code: "SM_STORAGE_KEY",
		message: `${JSON.stringify(key)} cannot be the name of a stored object`,
		hint: `Names have no empty, "." or ".." parts and no control characters, and with the prefix at most ${maximumKeyBytes} bytes.`,
		docs: "storage.md"
	});
}

// src/storage/stopped.ts
/** Why a signal ended work: its own reason where that is one of ours. `url` names what was worked on. */
function stoppedBy(signal, url) {
	if (signal.reason instanceof SafeMigrateError) return signal.reason;
	return new SafeMigrateError({
		code: "SM_STORAGE_STOPPED",
		message: `work on ${url} was stopped before it was done`,
		hint: "The run was cancelled or another part of it failed; nothing was left behind in the storage.",
		docs: "storage.md",
		cause: signal.reason
	});
}

// src/storage/mismatch.ts
/** The error for a content that is not the expected one. `url` names the object, without credentials. */
function storageMismatch(url, expected, found) {
	const difference = expected.sizeBytes === found.sizeBytes ? "its content differs from what was sent" : `${expected.sizeBytes} bytes were expected, ${found.sizeBytes} are there`;
	return new SafeMigrateError({
		code: "SM_STORAGE_MISMATCH",
		message: `${url} does not hold what it should: ${difference}`,
		hint: "The object was removed. Run the job again; when it happens again, do not trust this storage.",
		docs: "storage.md"
	});
}

// src/storage/content-gate.ts
/**
* Stands between a body and the place where it is stored: measures what passes and lets the end pass only
* when it is what was expected. So a wrong or truncated body is never completed in the first place.
*/
var ContentGate = class extends Transform {
	#expected;
	#maximumBytes;
	#url;
	#sha256 = createHash("sha256");
	#crc32 = 0;
	#sizeBytes = 0;
	#passed = null;
	/** @param options.maximumBytes where this storage must give up; @param options.url for messages */
	constructor(options) {
		super();
		this.#expected = options.expected;
		this.#maximumBytes = options.maximumBytes;
		this.#url = options.url;
		this.#expected.catch(() => {});
	}
	/** What has passed to the end and was as expected; null before, and for ever when it was not. */
	get passed() {
		return this.#passed;
	}
	_transform(chunk, _encoding, done) {
		this.#sizeBytes += chunk.byteLength;
		if (this.#sizeBytes > this.#maximumBytes) {
			done(new SafeMigrateError({
				code: "SM_STORAGE_TOO_LARGE",
				message: `${this.#url} cannot take more than ${this.#maximumBytes} bytes in the parts that were planned`,
				hint: "The dump is far larger than the database was estimated to be: please report it with the log of this job.",
				docs: "storage.md"
			}));
			return;
		}
		this.#sha256.update(chunk);
		this.#crc32 = crc32(chunk, this.#crc32);
		done(null, chunk);
	}
	_flush(done) {
		const sizeBytes = this.#sizeBytes;
		const sha256 = this.#sha256.digest("hex");
		this.#expected.then((expected) => {
			if (expected.sizeBytes !== sizeBytes || expected.sha256 !== sha256) {
				done(storageMismatch(this.#url, expected, {
					sizeBytes,
					sha256
				}));
				return;
			}
			this.#passed = {
				sizeBytes,
				sha256,
				crc32: this.#crc32
			};
			done();
		}, (error) => done(error instanceof Error ? error : new Error(String(error))));
	}
};

// src/system/young-garbage.ts
/** What may pile up before it is cleared away. Clearing takes about a millisecond. */
const toleratedBytes = 8 * 1024 ** 2;
/**
* Clears away the buffers of a stream that were read and done with, every 8 MiB of them. Left to itself V8 counts
* memory outside of its heap generously: a download that is only hashed held over 100 MiB of buffers that nobody
* used any more (measured), half of what the whole action may take.
*/
var YoungGarbage = class {
	#collect;
	#bytes = 0;
	/** So many bytes were read and done with. */
	add(sizeBytes) {
		this.#bytes += sizeBytes;
		if (this.#bytes < toleratedBytes) return;
		this.#bytes = 0;
		this.#collect ??= collector();
		this.#collect?.({ type: "minor" });
	}
};
/** V8's own function, which a program only gets by asking; null where there is none. */
function collector() {
	setFlagsFromString("--expose-gc");
	try {
		const collect = runInNewContext("globalThis.gc");
		return typeof collect === "function" ? (options) => void collect(options) : null;
	} finally {
		setFlagsFromString("--no-expose-gc");
	}
}

// src/storage/sha256-of.ts
/** Reads a stream to its end. Rejects with the stream's error. */
async function sha256Of(body) {
	const hash = createHash("sha256");
	const garbage = new YoungGarbage();
	let sizeBytes = 0;
	for await (const chunk of body) {
		hash.update(chunk);
		sizeBytes += chunk.byteLength;
		garbage.add(chunk.byteLength);
	}
	return {
		sizeBytes,
		sha256: hash.digest("hex")
	};
}
/** What a read takes at a time. */
const blockBytes = 1048576;
/**
* Reads an open file from its start to its end. Into one buffer over and over: a stream's buffers for every
* chunk pile up, some 60 MiB of them, before the garbage collector comes by.
*/
async function sha256OfFile(handle, signal) {
	const hash = createHash("sha256");
	const block = Buffer.allocUnsafeSlow(blockBytes);
	for (let sizeBytes = 0;;) {
		signal?.throwIfAborted();
		const { bytesRead } = await handle.read(block, 0, blockBytes, sizeBytes);
		if (bytesRead === 0) return {
			sizeBytes,
			sha256: hash.digest("hex")
		};
		hash.update(block.subarray(0, bytesRead));
		sizeBytes += bytesRead;
	}
}

// src/runner/state.ts
const workFolderKey = "work-folder";
/** What main leaves for post of the same step. This module is the only reader and writer of the step's state. */
function saveWorkFolder(path) {
	saveState(workFolderKey, path);
}
/** The folder that main saved, or null when it did not get that far. */
function savedWorkFolder() {
	return getState(workFolderKey) || null;
}

// src/runner/work-folder.ts
const namePrefix = "safe-migrate-work-";
/** A run's private folder for the dump on its way: 0700, on the disk of RUNNER_TEMP, gone at the end. */
var WorkFolder = class WorkFolder {
	path;
	constructor(path) {
		this.path = path;
	}
	/** `mkdtemp` makes it 0700 and never takes one that is there already. */
	static async create(temporaryDirectory) {
		await mkdir(temporaryDirectory, { recursive: true });
		return new WorkFolder(await mkdtemp(join(temporaryDirectory, namePrefix)));
	}
	async [Symbol.asyncDispose]() {
		await removeWorkFolder(this.path);
	}
};
/** Removes what `create` made and nothing else; it is no error when it is gone already. */
async function removeWorkFolder(path) {
	if (!basename(path).startsWith(namePrefix)) throw new TypeError("not a work folder of safe-migrate");
	await rm(path, {
		recursive: true,
		force: true
	});
}

export { sha256Of as a, ContentGate as c, objectKey as d, RefusedError as f, problemsOf as h, savedWorkFolder as i, storageMismatch as l, messageOf as m, removeWorkFolder as n, sha256OfFile as o, SafeMigrateError as p, saveWorkFolder as r, YoungGarbage as s, WorkFolder as t, stoppedBy as u };