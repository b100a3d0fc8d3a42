import { $t as SafeMigrateError } from "./safe-migrate.js";
import { t as require_dist_cjs } from "./aws-sdk.js";

// src/storage/port/until-stopped.ts
/**
* The result of `work`, or a rejection as soon as the signal is aborted. The SDK heeds a signal only while a
* request is under way, not in its pauses between attempts, which grow to 20 s.
*/
async function untilStopped(signal, work) {
	work.catch(() => {});
	signal.throwIfAborted();
	const { promise: stopped, reject } = Promise.withResolvers();
	const stop = () => reject(signal.reason);
	signal.addEventListener("abort", stop, { once: true });
	try {
		return await Promise.race([work, stopped]);
	} finally {
		signal.removeEventListener("abort", stop);
	}
}

// src/storage/s3/s3-errors.ts
var import_dist_cjs = require_dist_cjs();
const permissions = {
	list: "s3:ListBucket",
	read: "s3:GetObject",
	write: "s3:PutObject (with sse=aws:kms also kms:GenerateDataKey and kms:Decrypt on the key)",
	"clean up an upload in": "s3:AbortMultipartUpload and s3:ListBucketMultipartUploads",
	remove: "s3:DeleteObject"
};
const credentialProblems = /* @__PURE__ */ new Set([
	"CredentialsProviderError",
	"TokenProviderError",
	"InvalidAccessKeyId",
	"SignatureDoesNotMatch",
	"ExpiredToken",
	"ExpiredTokenException",
	"InvalidToken",
	"InvalidClientTokenId",
	"InvalidIdentityToken",
	"TokenRefreshRequired",
	"RequestTimeTooSkewed"
]);
const unreachable = /* @__PURE__ */ new Set([
	"ECONNREFUSED",
	"ECONNRESET",
	"EHOSTUNREACH",
	"ENETUNREACH",
	"ENETDOWN",
	"ENOTFOUND",
	"EAI_AGAIN",
	"EPIPE",
	"ETIMEDOUT",
	"TimeoutError",
	"DEPTH_ZERO_SELF_SIGNED_CERT",
	"SELF_SIGNED_CERT_IN_CHAIN",
	"UNABLE_TO_VERIFY_LEAF_SIGNATURE",
	"UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
	"CERT_HAS_EXPIRED",
	"ERR_TLS_CERT_ALTNAME_INVALID"
]);
/** Whether an error says that the object (not the bucket) does not exist. */
function isNotFound(error) {
	const { name } = symptomOf(error);
	return name === "NoSuchKey" || name === "NotFound";
}
/** Whether an upload is refused because the key is taken, or is being taken at this very moment. */
function isTaken(error) {
	const { name, status } = symptomOf(error);
	return status === 412 || name === "PreconditionFailed" || name === "ConditionalRequestConflict";
}
/** Whether a multipart upload is gone already. */
function isUploadGone(error) {
	return symptomOf(error).name === "NoSuchUpload";
}
/** Whether the server understood a request and did nothing of it. */
function isRefusal(error) {
	const { status } = symptomOf(error);
	return status !== null && status >= 400 && status < 500;
}
/** Whether the server refuses for want of a permission. */
function isForbidden(error) {
	return symptomOf(error).status === 403;
}
/** Any failure of a request as an error of ours. Errors that are ours already pass unchanged. */
function s3Error(error, context) {
	if (error instanceof SafeMigrateError) return error;
	const { action, url, location, region } = context;
	const symptom = symptomOf(error);
	const { name, status } = symptom;
	const told = status === null ? name : `${name}, HTTP ${status}`;
	const at = location.endpoint ?? `AWS${region === null ? "" : ` in ${region}`}`;
	const make = (code, message, hint) => new SafeMigrateError({
		code,
		message,
		hint,
		docs: "storage.md",
		cause: new S3RequestError(symptom)
	});
	if (name === "NoSuchBucket") return make("SM_STORAGE_MISSING", `the bucket ${location.bucket} does not exist at ${at}`, "Create it, or correct the name, region= or endpoint= of the storage URL.");
	if (status === 301 || name === "PermanentRedirect" || name === "AuthorizationHeaderMalformed") return make("SM_STORAGE_REGION", `the bucket ${location.bucket} is not in the region ${region ?? "that was asked"} (${told})`, "Give the region where the bucket is: region= in the storage URL.");
	if (error instanceof Error && /region is missing/i.test(error.message)) return make("SM_STORAGE_REGION", `no region is known for ${url}`, "Add region= to the storage URL, or set AWS_REGION.");
	if (credentialProblems.has(name)) return make("SM_STORAGE_CREDENTIALS", name === "CredentialsProviderError" ? `no credentials were found for ${url}` : `${at} does not accept the credentials for ${url} (${told})`, "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from secrets, or run aws-actions/configure-aws-credentials before this step.");
	if (name.startsWith("KMS.") || name === "KMSAccessDeniedException") return make("SM_STORAGE_ENCRYPTION", `the key of sse= for ${url} cannot be used (${told})`, "Give a KMS key of the same region that these credentials may use (kms:GenerateDataKey, kms:Decrypt).");
	if (status === 403) return make("SM_STORAGE_FORBIDDEN", `not allowed to ${action} ${url} (${told})`, `The credentials need ${permissions[action]} there.`);
	if (name === "NoSuchKey" || status === 404) return make("SM_STORAGE_NOT_FOUND", `${url} does not exist`, "Look which backups this storage holds.");
	if (unreachable.has(name)) return make("SM_STORAGE_UNREACHABLE", `${at} cannot be reached (${name}) to ${action} ${url}`, "Look at endpoint=, its certificate, and whether this machine may connect there.");
	return make("SM_STORAGE_FAILED", `${at} failed to ${action} ${url} (${told})`, "Run the job again; when it happens again, the server of the storage needs attention.");
}
var S3RequestError = class extends Error {
	name = "S3RequestError";
	constructor({ name, status, requestId }) {
		super([
			name,
			status && `HTTP ${status}`,
			requestId && `request ${requestId}`
		].filter(Boolean).join(", "));
	}
};
function symptomOf(error) {
	if (!(error instanceof Error)) return {
		name: "unknown",
		status: null,
		requestId: null
	};
	const metadata = "$metadata" in error && typeof error.$metadata === "object" ? error.$metadata : null;
	const status = metadata !== null && "httpStatusCode" in metadata ? metadata.httpStatusCode : null;
	const requestId = metadata !== null && "requestId" in metadata ? metadata.requestId : null;
	const systemCode = "code" in error && typeof error.code === "string" ? error.code : null;
	const name = systemCode !== null && unreachable.has(systemCode) ? systemCode : error.name;
	return {
		name: /^[\w.]{1,80}$/.test(name) ? name : "unknown",
		status: typeof status === "number" ? status : null,
		requestId: typeof requestId === "string" && /^[\w./+=-]{1,120}$/.test(requestId) ? requestId : null
	};
}

// src/storage/s3/abort-upload.ts
const attempts = 5;
/**
* Aborts one multipart upload of the object `key`; it is no error when it is gone or an object by now. A part that was
* under way may still arrive after an abort (AWS's API reference), so it is aborted until there is none.
*/
async function abortUpload(bucket, fullKey, uploadId, signal) {
	const { client, location } = bucket;
	const upload = {
		Bucket: location.bucket,
		Key: fullKey,
		UploadId: uploadId
	};
	const isGone = async () => {
		try {
			const parts = new import_dist_cjs.ListPartsCommand({
				...upload,
				MaxParts: 1
			});
			await untilStopped(signal, client.send(parts, { abortSignal: signal }));
			return false;
		} catch (error) {
			if (isUploadGone(error) || isNotFound(error) || isForbidden(error)) return true;
			throw error;
		}
	};
	for (let attempt = 1; attempt <= attempts; attempt += 1) {
		try {
			const abort = new import_dist_cjs.AbortMultipartUploadCommand(upload);
			await untilStopped(signal, client.send(abort, { abortSignal: signal }));
		} catch (error) {
			if (isUploadGone(error)) return;
			throw error;
		}
		if (await isGone()) return;
	}
	throw new Error(`the multipart upload ${uploadId} is still there after it was aborted`);
}
/** Uploads whose key begins with `fullPrefix`. */
async function begunUploads({ client, location }, fullPrefix, signal) {
	const list = new import_dist_cjs.ListMultipartUploadsCommand({
		Bucket: location.bucket,
		Prefix: fullPrefix
	});
	const { Uploads: uploads = [] } = await untilStopped(signal, client.send(list, { abortSignal: signal }));
	return uploads.flatMap(({ Key: fullKey, UploadId: uploadId, Initiated: begunAt = null }) => fullKey === void 0 || uploadId === void 0 || !fullKey.startsWith(fullPrefix) ? [] : [{
		fullKey,
		uploadId,
		begunAt
	}]);
}

// src/storage/s3/encryption-parameters.ts
/** `sse=` of the storage URL in the SDK's terms. */
function encryptionParameters(encryption) {
	if (encryption === null) return {};
	if (encryption.algorithm === "AES256") return { ServerSideEncryption: "AES256" };
	return {
		ServerSideEncryption: "aws:kms",
		...encryption.keyId === null ? {} : { SSEKMSKeyId: encryption.keyId }
	};
}

export { isRefusal as a, untilStopped as c, isNotFound as i, abortUpload as n, isTaken as o, begunUploads as r, s3Error as s, encryptionParameters as t };