import { $t as SafeMigrateError, Bt as storageMismatch, Lt as sha256Of, Vt as stoppedBy, en as messageOf, lt as LeftBehindError, zt as ContentGate } from "./safe-migrate.js";
import { t as require_dist_cjs } from "./aws-sdk.js";
import { a as isRefusal, c as untilStopped, n as abortUpload, o as isTaken, r as begunUploads, t as encryptionParameters } from "./lazy-shared.js";
import { randomUUID } from "node:crypto";
import { pipeline } from "node:stream";
import { setTimeout } from "node:timers/promises";

// src/storage/s3/begun-uploads.ts
var import_dist_cjs = require_dist_cjs();
/** How long an answer that is on its way is waited for; a cancelled run has 5 s for everything. */
const answerWaitMs = 2e3;
/** Clocks of two machines may differ by this much before S3 refuses signatures (15 min). */
const clockToleranceMs = 9e5;
/** The multipart uploads that were begun for one object: parts cost money until somebody aborts them. */
var BegunUploads = class {
	#bucket;
	#key;
	#startedAt = Date.now();
	#ids = /* @__PURE__ */ new Set();
	#beginnings = [];
	#ending = new AbortController();
	/** Beginnings whose answer has not come, or never came. */
	#unanswered = 0;
	constructor(bucket, key) {
		this.#bucket = bucket;
		this.#key = key;
	}
	/** Begins one and returns its id. */
	async begin(input, signal) {
		const beginning = this.#begin(input);
		this.#beginnings.push(beginning);
		return untilStopped(signal, beginning);
	}
	/** Whether the server may have begun more than are known by their id. */
	get mayBeMore() {
		return this.#unanswered > 0;
	}
	/** Aborts all of them, but for those that are objects by now. Rejects when the server cannot tell that they are gone. */
	async abort(signal) {
		const answered = Promise.allSettled(this.#beginnings);
		await Promise.race([answered, setTimeout(answerWaitMs, void 0, { ref: false })]);
		this.#ending.abort();
		if (this.mayBeMore) for (const id of await this.#listed(signal)) this.#ids.add(id);
		const key = this.#bucket.fullKey(this.#key);
		for (const id of this.#ids) await abortUpload(this.#bucket, key, id, signal);
	}
	/** Not ended with the run: it is over soon, and an upload without an id is hard to find. */
	async #begin(input) {
		const create = new import_dist_cjs.CreateMultipartUploadCommand(input);
		this.#unanswered += 1;
		try {
			const { UploadId: id, $metadata: metadata } = await this.#bucket.client.send(create, { abortSignal: this.#ending.signal });
			if (id === void 0) throw new Error("the answer to the beginning of an upload has no id");
			if (metadata.attempts === void 0 || metadata.attempts <= 1) this.#unanswered -= 1;
			this.#ids.add(id);
			return id;
		} catch (error) {
			if (isRefusal(error)) this.#unanswered -= 1;
			throw error;
		}
	}
	/** Uploads to this key that are as young as this run. Keys hold the run's own backup id: nobody else's are. */
	async #listed(signal) {
		const key = this.#bucket.fullKey(this.#key);
		const oldest = this.#startedAt - clockToleranceMs;
		return (await begunUploads(this.#bucket, key, signal)).filter(({ fullKey, begunAt }) => fullKey === key && (begunAt?.getTime() ?? Infinity) >= oldest).map(({ uploadId }) => uploadId);
	}
};

// src/storage/s3/part-plan.ts
const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;
/** S3: a part is 5 MiB to 5 GiB, the last one may be smaller; an upload has at most 10 000 parts. */
const maximumParts = 1e4;
const maximumPartBytes = 5 * gibibyte;
/** Below 8 MiB requests cost more than they carry; 10 000 of these hold 78 GiB whatever was estimated. */
const smallestPartBytes = 8 * mebibyte;
/** What the buffers of parts may take of the memory, as long as there are two of them. */
const memoryBudgetBytes = 24 * mebibyte;
/** An estimate may be wrong by its own size, for large databases by this much. */
const largestHeadroomBytes = 256 * gibibyte;
/** Part size and buffers for an upload of about `estimatedBytes`; more than that, by a headroom, still fits. */
function partPlan(estimatedBytes) {
	const capacityBytes = estimatedBytes + Math.min(estimatedBytes, largestHeadroomBytes);
	const neededBytes = Math.ceil(capacityBytes / maximumParts / mebibyte) * mebibyte;
	const partSizeBytes = Math.min(Math.max(neededBytes, smallestPartBytes), maximumPartBytes);
	return {
		partSizeBytes,
		bufferCount: Math.max(2, Math.floor(memoryBudgetBytes / partSizeBytes)),
		maximumBytes: partSizeBytes * maximumParts
	};
}

// src/storage/s3/crc32-text.ts
/** A CRC-32 as S3 writes it: base64 of its four bytes, big-endian. */
function crc32Text(crc32) {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(crc32);
	return bytes.toString("base64");
}

// src/storage/s3/send-content.ts
/**
* Sends a content, as one object when it fits into one part and in parts otherwise, never replacing an object.
* It is read into a few buffers that are used again and again: memory stays flat however long the stream is.
* On rejection its requests are ended; parts that arrived are for `begun.abort()`.
*/
async function sendContent(sending) {
	const { plan } = sending;
	const parts = new Parts(sending);
	const free = Array.from({ length: plan.bufferCount }, () => Buffer.allocUnsafeSlow(plan.partSizeBytes));
	let filling = free.pop() ?? Buffer.alloc(0);
	let filledBytes = 0;
	try {
		for await (const chunk of contentOf(sending, parts)) for (let at = 0; at < chunk.byteLength;) {
			if (filledBytes === filling.byteLength) {
				const full = filling;
				parts.send(full, () => free.push(full));
				filling = await nextFree(free, parts);
				filledBytes = 0;
			}
			const copiedBytes = chunk.copy(filling, filledBytes, at);
			filledBytes += copiedBytes;
			at += copiedBytes;
		}
		const last = filling.subarray(0, filledBytes);
		if (parts.count === 0) await putWhole(sending, last);
		else {
			parts.send(last, () => {});
			await parts.complete();
		}
	} finally {
		await parts.end();
	}
}
/** What comes through the gate. Its failures are told apart from those of the requests, which end it as well. */
async function* contentOf({ gate, url }, parts) {
	try {
		for await (const chunk of gate) yield chunk;
	} catch (error) {
		parts.throwIfFailed();
		if (error instanceof SafeMigrateError) throw error;
		throw new SafeMigrateError({
			code: "SM_STORAGE_FAILED",
			message: `${url} was not written, because its content broke off: ${messageOf(error)}`,
			hint: "Nothing was left in the storage. Look at what failed before this.",
			docs: "storage.md",
			cause: error
		});
	}
}
async function nextFree(free, parts) {
	for (;;) {
		const buffer = free.pop();
		if (buffer !== void 0) return buffer;
		await parts.oneSent();
	}
}
/** For the SDK to compute and the server to verify, for every request. */
function checksumAlgorithm(bucket) {
	return bucket.keepsChecksums ? { ChecksumAlgorithm: "CRC32" } : {};
}
async function putWhole({ bucket, target, signal, onProgress }, body) {
	const put = new import_dist_cjs.PutObjectCommand({
		...target,
		...checksumAlgorithm(bucket),
		Body: body,
		IfNoneMatch: "*"
	});
	await untilStopped(signal, bucket.client.send(put, { abortSignal: signal }));
	onProgress(body.byteLength);
}
/** The parts of one multipart upload, several on their way at once. */
var Parts = class {
	#sending;
	#underWay = /* @__PURE__ */ new Set();
	#sent = [];
	/** Ends what is under way when one part has failed. */
	#failing = new AbortController();
	#signal;
	#uploadId = null;
	#failure = null;
	#sentBytes = 0;
	count = 0;
	constructor(sending) {
		this.#sending = sending;
		this.#signal = AbortSignal.any([sending.signal, this.#failing.signal]);
	}
	/** Begins to send a part. `onDone` is called when nothing needs its bytes any more. */
	send(bytes, onDone) {
		this.count += 1;
		const work = this.#sendOne(this.count, bytes).catch((error) => {
			this.#failure ??= { error };
			this.#failing.abort();
			this.#sending.gate.destroy(/* @__PURE__ */ new Error("a part could not be sent"));
		}).finally(() => {
			this.#underWay.delete(work);
			onDone();
		});
		this.#underWay.add(work);
	}
	throwIfFailed() {
		if (this.#failure !== null) throw this.#failure.error;
	}
	/** Resolves when at least one part more has arrived. */
	async oneSent() {
		await Promise.race(this.#underWay);
		this.throwIfFailed();
	}
	/** Waits for all parts and makes them an object. */
	async complete() {
		const { bucket, target, gate, signal, onCompleting } = this.#sending;
		await Promise.all(this.#underWay);
		this.throwIfFailed();
		if (gate.passed === null) throw new TypeError("an upload is completed before its content is known");
		await onCompleting();
		const whole = bucket.keepsChecksums ? {
			ChecksumType: "FULL_OBJECT",
			ChecksumCRC32: crc32Text(gate.passed.crc32),
			MpuObjectSize: gate.passed.sizeBytes
		} : {};
		const complete = new import_dist_cjs.CompleteMultipartUploadCommand({
			Bucket: target.Bucket,
			Key: target.Key,
			UploadId: await this.#begin(),
			MultipartUpload: { Parts: this.#sent.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0)) },
			IfNoneMatch: "*",
			...whole
		});
		await untilStopped(signal, bucket.client.send(complete, { abortSignal: signal }));
	}
	/** Ends what is still under way; with nothing under way it does nothing. */
	async end() {
		this.#failing.abort();
		await Promise.all(this.#underWay);
	}
	async #sendOne(partNumber, bytes) {
		const { bucket, target, onProgress } = this.#sending;
		const upload = new import_dist_cjs.UploadPartCommand({
			Bucket: target.Bucket,
			Key: target.Key,
			UploadId: await this.#begin(),
			PartNumber: partNumber,
			Body: bytes,
			...checksumAlgorithm(bucket)
		});
		const sent = await untilStopped(this.#signal, bucket.client.send(upload, { abortSignal: this.#signal }));
		if (sent.ETag === void 0) throw new Error(`the answer to part ${partNumber} has no ETag`);
		const checksum = sent.ChecksumCRC32 === void 0 ? {} : { ChecksumCRC32: sent.ChecksumCRC32 };
		this.#sent.push({
			PartNumber: partNumber,
			ETag: sent.ETag,
			...checksum
		});
		this.#sentBytes += bytes.byteLength;
		onProgress(this.#sentBytes);
	}
	#begin() {
		const { bucket, target, begun, signal } = this.#sending;
		const checksum = bucket.keepsChecksums ? {
			...checksumAlgorithm(bucket),
			ChecksumType: "FULL_OBJECT"
		} : {};
		this.#uploadId ??= begun.begin({
			...target,
			...checksum
		}, signal);
		return this.#uploadId;
	}
};

// src/storage/s3/verify-object.ts
/** Each of them has the SDK's own attempts up to the first byte. */
const readingAttempts = 3;
/**
* Compares what the bucket holds with what was sent, because a 200 to an upload proves neither length nor
* content. Where the server keeps a checksum of the whole object that suffices; elsewhere it is read back.
* `held` is what a HEAD said. Returns how it was verified, for people. Rejects with SM_STORAGE_MISMATCH.
*/
async function verifyObject(bucket, key, held, sent, signal) {
	const url = bucket.urlOf(key);
	if (held === null || held.ContentLength !== sent.sizeBytes) throw storageMismatch(url, sent, { sizeBytes: held?.ContentLength ?? 0 });
	if (held.ChecksumType === "FULL_OBJECT" && held.ChecksumCRC32 !== void 0) {
		if (held.ChecksumCRC32 !== crc32Text(sent.crc32)) throw storageMismatch(url, sent, { sizeBytes: sent.sizeBytes });
		return "length and CRC-32 of the whole object, as the server computed it";
	}
	const readBack = await readAgain(bucket, key, sent.sizeBytes, signal);
	if (readBack.sizeBytes !== sent.sizeBytes || readBack.sha256 !== sent.sha256) throw storageMismatch(url, sent, readBack);
	return "read back, length and SHA-256 equal";
}
/** A download that breaks off says nothing about the object: it is begun anew. */
async function readAgain(bucket, key, sizeBytes, signal) {
	for (let attempt = 1;; attempt += 1) try {
		return await sha256Of(await bucket.get(key, signal), sizeBytes);
	} catch (error) {
		if (signal.aborted || attempt === readingAttempts) throw error;
	}
}

// src/storage/s3/upload-object.ts
/** Metadata by which an upload knows its own object again, whatever the answer to it was. */
const uploadMark = "safe-migrate-upload";
/** A cancelled run is ended by force after some seconds; any other failure leaves time to try again. */
const cleanUpAfterCancelMs = 4e3;
const cleanUpMs = 3e4;
/**
* Uploads a body, write-once, and verifies what is held. On rejection nothing is left of it, no object and no
* part; where the server cannot be asked for that any more, the error says so.
*/
async function uploadObject(bucket, request) {
	const { key, signal, expected, estimatedBytes } = request;
	const url = bucket.urlOf(key);
	if (signal.aborted) throw stoppedBy(signal, url);
	if (await bucket.head(key, signal) !== null) throw taken(url);
	const { maximumBytes } = partPlan(estimatedBytes);
	const begun = new BegunUploads(bucket, key);
	const attempt = {
		bucket,
		request,
		url,
		mark: randomUUID(),
		begun,
		gate: new ContentGate({
			expected,
			maximumBytes,
			url
		})
	};
	try {
		const sent = await send(attempt);
		const held = await bucket.head(key, signal);
		if (isOfAnother(held, attempt)) throw taken(url);
		return {
			storage: "s3",
			url,
			verified: `${await verifyObject(bucket, key, held, sent, signal)}${await removeStrays(begun)}`
		};
	} catch (error) {
		throw await leaveNothing(attempt, await bucket.errorFor(error, "write", url, signal));
	}
}
/** Ends uploads that were begun by attempts whose answer was lost. The object is good whether that works or not. */
async function removeStrays(begun) {
	if (!begun.mayBeMore) return "";
	try {
		await begun.abort(AbortSignal.timeout(cleanUpMs));
		return "";
	} catch {
		return "; parts of an earlier attempt may be left, for a lifecycle rule of the bucket to abort";
	}
}
/** Sends the content and returns what was sent, once the server has taken the whole of it. */
async function send(attempt) {
	const { bucket, request, url, gate, begun } = attempt;
	const { location } = bucket;
	const work = {
		bucket,
		gate,
		url,
		plan: partPlan(request.estimatedBytes),
		begun,
		signal: request.signal,
		target: {
			Bucket: location.bucket,
			Key: bucket.fullKey(request.key),
			ContentType: "application/octet-stream",
			Metadata: { [uploadMark]: attempt.mark },
			...encryptionParameters(location.encryption)
		},
		onProgress: (sentBytes) => request.onProgress?.(sentBytes),
		onCompleting: async () => {
			if (await bucket.head(request.key, request.signal) !== null) throw taken(url);
		}
	};
	const stop = () => {
		gate.destroy(stoppedBy(request.signal, url));
	};
	request.signal.addEventListener("abort", stop, { once: true });
	pipeline(request.body, gate, () => {});
	try {
		await sendContent(work);
	} catch (error) {
		if (gate.passed === null || !await isStored(attempt)) throw isTaken(error) ? taken(url) : error;
	} finally {
		request.signal.removeEventListener("abort", stop);
		gate.destroy();
	}
	if (gate.passed === null) throw new Error("the upload ended before its content");
	return gate.passed;
}
/** Whether somebody else's object took the key after all, on a server that let it. */
function isOfAnother(held, { mark }) {
	const found = held?.Metadata?.[uploadMark];
	return found !== void 0 && found !== mark;
}
/** Whether the object is there and is the one that this attempt sent; afterwards it cannot come any more. */
async function isStored({ bucket, request, begun, mark }) {
	const signal = AbortSignal.any([request.signal, AbortSignal.timeout(cleanUpMs)]);
	await begun.abort(signal);
	return (await bucket.head(request.key, signal))?.Metadata?.[uploadMark] === mark;
}
/** Removes what the server has of a failed attempt, and returns the failure, with what could not be removed. */
async function leaveNothing(attempt, failure) {
	const { bucket, request, begun, gate, mark, url } = attempt;
	const signal = AbortSignal.timeout(request.signal.aborted ? cleanUpAfterCancelMs : cleanUpMs);
	try {
		await begun.abort(signal);
		if (gate.passed === null) return failure;
		const held = await bucket.head(request.key, signal);
		if (held?.Metadata?.[uploadMark] === mark) await bucket.remove(request.key, signal, held.VersionId);
		return failure;
	} catch (error) {
		const left = await bucket.errorFor(error, "clean up an upload in", url, signal);
		return new LeftBehindError({
			code: failure.code,
			message: `${failure.message}; parts or the object itself may be left there: ${left.message}`,
			hint: `${failure.hint} Let a lifecycle rule of the bucket abort incomplete uploads.`,
			docs: failure.docs,
			cause: new AggregateError([failure, left], "the upload failed, and so did cleaning up after it")
		});
	}
}
function taken(url) {
	return new SafeMigrateError({
		code: "SM_STORAGE_EXISTS",
		message: `${url} exists already and is never replaced`,
		hint: "Stored backups are write-once. Run the job again: a new run gets a new name.",
		docs: "storage.md"
	});
}

export { uploadObject };