import { n as require_dist_cjs, t as require_dist_cjs$1 } from "./aws-sdk.js";
import { a as sha256Of, c as stoppedBy, d as SafeMigrateError, o as ContentGate, s as storageMismatch } from "./safe-migrate.js";
import { c as uploadClient, i as isUploadGone, l as encryptionParameters, n as isNotFound, r as isTaken, s as isAws, t as isForbidden } from "./lazy-shared.js";
import { randomUUID } from "node:crypto";
import { pipeline } from "node:stream";

// src/storage/s3/begun-uploads.ts
var import_dist_cjs = require_dist_cjs$1();
var import_dist_cjs$1 = require_dist_cjs();
/** Clocks of two machines may differ by this much before S3 refuses signatures (15 min). */
const clockToleranceMs = 9e5;
/** The multipart uploads that were begun for one object: parts cost money until somebody aborts them. */
var BegunUploads = class {
	#bucket;
	#key;
	#startedAt = Date.now();
	#ids = /* @__PURE__ */ new Set();
	#beginning = 0;
	constructor(bucket, key) {
		this.#bucket = bucket;
		this.#key = key;
	}
	onBeginning() {
		this.#beginning += 1;
	}
	onBegun(uploadId) {
		this.#beginning -= 1;
		this.#ids.add(uploadId);
	}
	/** Aborts all of them. Rejects when the server cannot tell that they are gone. */
	async abort(signal) {
		if (this.#beginning > 0) for (const id of await this.#unanswered(signal)) this.#ids.add(id);
		for (const id of this.#ids) await this.#abortOne(id, signal);
	}
	/** A part that was under way may still arrive after an abort (AWS's API reference): abort until none does. */
	async #abortOne(uploadId, signal) {
		const { client, location } = this.#bucket;
		const upload = {
			Bucket: location.bucket,
			Key: this.#bucket.fullKey(this.#key),
			UploadId: uploadId
		};
		const isGone = async () => {
			try {
				await client.send(new import_dist_cjs$1.ListPartsCommand({
					...upload,
					MaxParts: 1
				}), { abortSignal: signal });
				return false;
			} catch (error) {
				if (isUploadGone(error) || isNotFound(error) || isForbidden(error)) return true;
				throw error;
			}
		};
		for (let attempt = 1; attempt <= 5; attempt += 1) {
			try {
				await client.send(new import_dist_cjs$1.AbortMultipartUploadCommand(upload), { abortSignal: signal });
			} catch (error) {
				if (isUploadGone(error)) return;
				throw error;
			}
			if (await isGone()) return;
		}
		throw new Error(`the multipart upload ${uploadId} is still there after it was aborted`);
	}
	/** Uploads to this key that are as young as this run. Keys hold the run's own backup id: nobody else's are. */
	async #unanswered(signal) {
		const { client, location } = this.#bucket;
		const key = this.#bucket.fullKey(this.#key);
		const { Uploads: uploads = [] } = await client.send(new import_dist_cjs$1.ListMultipartUploadsCommand({
			Bucket: location.bucket,
			Prefix: key
		}), { abortSignal: signal });
		return uploads.filter(({ Key, Initiated }) => Key === key && (Initiated?.getTime() ?? Infinity) >= this.#startedAt - clockToleranceMs).flatMap(({ UploadId }) => UploadId ?? []);
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
/** What the parts in flight may take of the memory, as long as at least two can be in flight. */
const memoryBudgetBytes = 32 * mebibyte;
/** An estimate may be wrong by its own size, for large databases by this much. */
const largestHeadroomBytes = 256 * gibibyte;
/** Part size and queue for an upload of about `estimatedBytes`; more than that, by a headroom, still fits. */
function partPlan(estimatedBytes) {
	const capacityBytes = estimatedBytes + Math.min(estimatedBytes, largestHeadroomBytes);
	const neededBytes = Math.ceil(capacityBytes / maximumParts / mebibyte) * mebibyte;
	const partSizeBytes = Math.min(Math.max(neededBytes, smallestPartBytes), maximumPartBytes);
	return {
		partSizeBytes,
		queueSize: Math.min(4, Math.max(2, Math.floor(memoryBudgetBytes / partSizeBytes))),
		maximumBytes: partSizeBytes * maximumParts
	};
}

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
		const crc32 = Buffer.alloc(4);
		crc32.writeUInt32BE(sent.crc32);
		if (held.ChecksumCRC32 !== crc32.toString("base64")) throw storageMismatch(url, sent, { sizeBytes: sent.sizeBytes });
		return "length and CRC-32 of the whole object, as the server computed it";
	}
	const readBack = await readAgain(bucket, key, signal);
	if (readBack.sizeBytes !== sent.sizeBytes || readBack.sha256 !== sent.sha256) throw storageMismatch(url, sent, readBack);
	return "read back, length and SHA-256 equal";
}
/** A download that breaks off says nothing about the object: it is begun anew. */
async function readAgain(bucket, key, signal) {
	for (let attempt = 1;; attempt += 1) try {
		return await sha256Of(await bucket.get(key, signal));
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
	const attempt = {
		bucket,
		request,
		url,
		mark: randomUUID(),
		begun: new BegunUploads(bucket, key),
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
			verified: await verifyObject(bucket, key, held, sent, signal)
		};
	} catch (error) {
		throw await leaveNothing(attempt, await describe(attempt, error));
	}
}
/** Sends the content and returns what was sent, once the server has taken the whole of it. */
async function send(attempt) {
	const { bucket, request, url, gate, begun } = attempt;
	const { location } = bucket;
	const plan = partPlan(request.estimatedBytes);
	const upload = new import_dist_cjs.Upload({
		client: uploadClient(bucket.client, location, {
			signal: request.signal,
			onBeginning: () => begun.onBeginning(),
			onBegun: (uploadId) => begun.onBegun(uploadId),
			onCompleting: async () => {
				if (await bucket.head(request.key, request.signal) !== null) throw taken(url);
			}
		}),
		params: {
			Bucket: location.bucket,
			Key: bucket.fullKey(request.key),
			Body: gate,
			IfNoneMatch: "*",
			ContentType: "application/octet-stream",
			Metadata: { [uploadMark]: attempt.mark },
			...encryptionParameters(location.encryption),
			...isAws(location) ? {
				ChecksumAlgorithm: "CRC32",
				ChecksumType: "FULL_OBJECT"
			} : {}
		},
		partSize: plan.partSizeBytes,
		queueSize: plan.queueSize,
		leavePartsOnError: true
	});
	upload.on("httpUploadProgress", ({ loaded = 0 }) => request.onProgress?.(loaded));
	const stop = () => {
		gate.destroy(stoppedBy(request.signal, url));
	};
	request.signal.addEventListener("abort", stop, { once: true });
	pipeline(request.body, gate, () => {});
	try {
		await upload.done();
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
		return new SafeMigrateError({
			code: failure.code,
			message: `${failure.message}; parts or the object itself may be left there: ${left.message}`,
			hint: `${failure.hint} Let a lifecycle rule of the bucket abort incomplete uploads.`,
			docs: failure.docs,
			cause: new AggregateError([failure, left], "the upload failed, and so did cleaning up after it")
		});
	}
}
async function describe({ bucket, request, url }, error) {
	const { body, signal } = request;
	const isOfBody = error === body.errored && error instanceof Error && !(error instanceof SafeMigrateError);
	if (signal.aborted || !isOfBody) return bucket.errorFor(error, "write", url, signal);
	return new SafeMigrateError({
		code: "SM_STORAGE_FAILED",
		message: `${url} was not written, because its content broke off: ${error.message}`,
		hint: "Nothing was left in the storage. Look at what failed before this.",
		docs: "storage.md",
		cause: error
	});
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