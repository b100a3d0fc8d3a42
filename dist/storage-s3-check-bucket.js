import { t as require_dist_cjs } from "./aws-sdk.js";
import { c as untilStopped, t as encryptionParameters } from "./lazy-shared.js";
import { randomUUID } from "node:crypto";

// src/storage/s3/check-bucket.ts
var import_dist_cjs = require_dist_cjs();
/** What a role session lasts unless more was asked for. */
const usualSessionMinutes = 60;
/**
* Makes sure that the bucket is there and that it may be listed, read and written with these credentials,
* leaving nothing behind: an upload that is begun and aborted needs no object. Returns warnings.
*/
async function checkBucket(bucket, signal, neededMinutes = usualSessionMinutes) {
	const { client, location } = bucket;
	const url = `s3://${location.bucket}${location.prefix === "" ? "" : `/${location.prefix}`}`;
	const attempt = async (action, work) => {
		try {
			return await untilStopped(signal, work());
		} catch (error) {
			throw await bucket.errorFor(error, action, url, signal);
		}
	};
	const credentials = await attempt("list", () => client.config.credentials());
	const probe = `.safe-migrate-check-${randomUUID()}`;
	const abortSignal = signal;
	await attempt("list", () => client.send(new import_dist_cjs.ListObjectsV2Command({
		Bucket: location.bucket,
		Prefix: location.prefix,
		MaxKeys: 1
	}), { abortSignal }));
	await bucket.head(probe, signal);
	const target = {
		Bucket: location.bucket,
		Key: bucket.fullKey(probe)
	};
	const { UploadId } = await attempt("write", () => client.send(new import_dist_cjs.CreateMultipartUploadCommand({
		...target,
		...encryptionParameters(location.encryption)
	}), { abortSignal }));
	await attempt("clean up an upload in", () => client.send(new import_dist_cjs.AbortMultipartUploadCommand({
		...target,
		UploadId
	})));
	return [...credentialWarnings(url, credentials, neededMinutes), ...isPlainHttp(location.endpoint) ? [`${url}: ${location.endpoint} is not https, backups travel readable for everybody on the way`] : []];
}
/**
* Credentials from the environment are never renewed, so those that end before the run is over lose the backup.
* Exported for the test: AWS tells `expiration` only where a provider knows it.
*/
function credentialWarnings(url, credentials, neededMinutes, now = /* @__PURE__ */ new Date()) {
	const hint = "Ask for a longer session (role-duration-seconds of aws-actions/configure-aws-credentials).";
	if (credentials.expiration !== void 0) {
		const leftMinutes = Math.floor((credentials.expiration.getTime() - now.getTime()) / 6e4);
		if (leftMinutes >= neededMinutes) return [];
		return [`${url}: the credentials end in ${Math.max(0, leftMinutes)} min, this run may need ${neededMinutes} min. ${hint}`];
	}
	if (credentials.sessionToken === void 0 || neededMinutes <= usualSessionMinutes) return [];
	return [`${url}: the credentials are those of a session, which lasts ${usualSessionMinutes} min unless more was asked for; this run may need ${neededMinutes} min. ${hint}`];
}
function isPlainHttp(endpoint) {
	if (endpoint === null) return false;
	const { protocol, hostname } = new URL(endpoint);
	return protocol === "http:" && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

export { checkBucket, credentialWarnings };