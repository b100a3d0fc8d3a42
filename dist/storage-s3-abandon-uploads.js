import { n as abortUpload, r as begunUploads } from "./lazy-shared.js";

// src/storage/s3/abandon-uploads.ts
/** Aborts every multipart upload below `prefix`: parts cost money until somebody does. */
async function abandonUploads(bucket, prefix, signal) {
	const root = bucket.location.prefix === "" ? "" : `${bucket.location.prefix}/`;
	try {
		for (const { fullKey, uploadId } of await begunUploads(bucket, `${root}${prefix}`, signal)) await abortUpload(bucket, fullKey, uploadId, signal);
	} catch (error) {
		throw await bucket.errorFor(error, "list", `s3://${bucket.location.bucket}/${root}${prefix}`, signal);
	}
}

export { abandonUploads };