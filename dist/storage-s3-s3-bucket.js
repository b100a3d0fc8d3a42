import { t as require_dist_cjs } from "./aws-sdk.js";
import { Ht as objectKey, Vt as stoppedBy } from "./safe-migrate.js";
import { c as untilStopped, i as isNotFound, s as s3Error } from "./lazy-shared.js";
import { Readable, addAbortSignal } from "node:stream";

// src/storage/s3/s3-client.ts
var import_dist_cjs = require_dist_cjs();
/** An attempt that hears nothing for so long is given up and made again. */
const silenceMs = 6e4;
const connectionTimeoutMs = 1e4;
/** With the SDK's growing pauses these ride out some seconds of 503. */
const attempts = 6;
/** Whether the endpoint is AWS itself: its checksums are known to work, other servers' are not. */
function isAws(location) {
	if (location.endpoint === null) return true;
	return /\.amazonaws\.com(\.cn)?$/.test(new URL(location.endpoint).hostname);
}
/** A client for the location, with the standard chain for credentials and, where none is given, the region. */
function createS3Client(location, options) {
	const custom = location.endpoint === null ? {} : { endpoint: location.endpoint };
	const careful = isAws(location) ? {} : {
		forcePathStyle: true,
		requestChecksumCalculation: "WHEN_REQUIRED",
		responseChecksumValidation: "WHEN_REQUIRED"
	};
	const environmentRegion = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
	const region = location.region ?? (isAws(location) || environmentRegion ? null : "us-east-1");
	return new import_dist_cjs.S3Client({
		...custom,
		...careful,
		...region === null ? {} : { region },
		...options.credentials === void 0 ? {} : { credentials: options.credentials },
		maxAttempts: attempts,
		requestHandler: {
			connectionTimeout: connectionTimeoutMs,
			socketTimeout: silenceMs
		}
	});
}

// src/storage/s3/s3-bucket.ts
/** The bucket and prefix of an `s3://` storage: every request but those of an upload. */
var S3Bucket = class {
	location;
	client;
	/** Whether checksums of whole objects are sent, for the server to verify; others may break on them. */
	keepsChecksums;
	constructor(location, options) {
		this.location = location;
		this.client = createS3Client(location, options);
		this.keepsChecksums = options.keepsChecksums ?? isAws(location);
	}
	/** The key as the bucket knows it. Throws SM_STORAGE_KEY. */
	fullKey(key) {
		return objectKey(this.location.prefix, key);
	}
	/** For people; `key` below the prefix. */
	urlOf(key) {
		return `s3://${this.location.bucket}/${this.fullKey(key)}`;
	}
	/** What is known of an object, with its checksum where the server keeps one; null when there is none. */
	async head(key, signal) {
		try {
			const command = new import_dist_cjs.HeadObjectCommand({
				Bucket: this.location.bucket,
				Key: this.fullKey(key),
				ChecksumMode: "ENABLED"
			});
			return await untilStopped(signal, this.client.send(command, { abortSignal: signal }));
		} catch (error) {
			if (isNotFound(error)) return null;
			throw await this.errorFor(error, "read", this.urlOf(key), signal);
		}
	}
	async get(key, signal) {
		const url = this.urlOf(key);
		try {
			const command = new import_dist_cjs.GetObjectCommand({
				Bucket: this.location.bucket,
				Key: this.fullKey(key)
			});
			const { Body: body } = await untilStopped(signal, this.client.send(command, { abortSignal: signal }));
			if (!(body instanceof Readable)) throw new TypeError("the answer has no body");
			return addAbortSignal(signal, Readable.from(this.#translated(body, url, signal), { objectMode: false }));
		} catch (error) {
			throw await this.errorFor(error, "read", url, signal);
		}
	}
	async list(prefix, signal, onDoubt = () => {}) {
		const root = this.location.prefix === "" ? "" : `${this.location.prefix}/`;
		const found = [];
		let token;
		const seen = /* @__PURE__ */ new Set();
		try {
			do {
				const command = new import_dist_cjs.ListObjectsV2Command({
					Bucket: this.location.bucket,
					Prefix: `${root}${prefix}`,
					EncodingType: "url",
					...token === void 0 ? {} : { ContinuationToken: token }
				});
				const page = await untilStopped(signal, this.client.send(command, { abortSignal: signal }));
				for (const { Key: given = "", Size: sizeBytes = 0, LastModified: modifiedAt } of page.Contents ?? []) {
					const key = page.EncodingType === "url" ? decodeURIComponent(given.replaceAll("+", "%20")) : given;
					found.push({
						key: key.slice(root.length),
						sizeBytes,
						modifiedAt: (modifiedAt ?? /* @__PURE__ */ new Date(0)).toISOString()
					});
				}
				token = page.IsTruncated === true ? page.NextContinuationToken : void 0;
				if (page.IsTruncated === true && (token === void 0 || seen.has(token))) {
					onDoubt("the server says that there is more and does not give it");
					token = void 0;
				}
				if (token !== void 0) seen.add(token);
			} while (token !== void 0);
		} catch (error) {
			throw await this.errorFor(error, "list", `s3://${this.location.bucket}/${root}${prefix}`, signal);
		}
		return found.sort((a, b) => a.key < b.key ? -1 : 1);
	}
	/**
	* @param versionId one version for good, in a bucket that keeps versions; otherwise the newest is hidden
	*/
	async remove(key, signal, versionId) {
		try {
			const command = new import_dist_cjs.DeleteObjectCommand({
				Bucket: this.location.bucket,
				Key: this.fullKey(key),
				...versionId === void 0 ? {} : { VersionId: versionId }
			});
			await untilStopped(signal, this.client.send(command, { abortSignal: signal }));
		} catch (error) {
			if (isNotFound(error)) return;
			throw await this.errorFor(error, "remove", this.urlOf(key), signal);
		}
	}
	/** Any failure of a request as an error of ours. */
	async errorFor(error, action, url, signal) {
		if (signal.aborted) return stoppedBy(signal, url);
		const region = await this.client.config.region().catch(() => null);
		return s3Error(error, {
			action,
			url,
			location: this.location,
			region
		});
	}
	/** A body that breaks off half-way tells so in our words. */
	async *#translated(body, url, signal) {
		try {
			for await (const chunk of body) yield chunk;
		} catch (error) {
			throw await this.errorFor(error, "read", url, signal);
		}
	}
};

export { S3Bucket };