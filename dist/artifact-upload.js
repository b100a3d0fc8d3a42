import { parentPort } from "node:worker_threads";

// src/storage/artifact/upload-worker.ts
/**
* The toolkit's artifact client in a thread of its own. It cannot be told to stop, and it prints every block that it
* sends to stdout: a thread can be ended at any moment, and what it prints stays in it.
*/
async function upload(order) {
	try {
		Object.assign(process.env, order.environment);
		const { DefaultArtifactClient } = await import("./actions-artifact-artifact.js");
		const { digest, size } = await new DefaultArtifactClient().uploadArtifact("safe-migrate", [order.path], order.folder, {
			retentionDays: order.retentionDays,
			skipArchive: true
		});
		return { uploaded: {
			sha256: digest ?? "",
			sizeBytes: size ?? 0
		} };
	} catch (error) {
		const { name, message } = error instanceof Error ? error : new Error(String(error));
		return { failed: {
			name,
			message
		} };
	}
}
if (parentPort !== null) {
	const port = parentPort;
	const answer = (given) => port.postMessage(given);
	process.stdout.write = (text) => {
		const sentBytes = /^Uploaded bytes (\d+)$/m.exec(String(text))?.[1];
		if (sentBytes !== void 0) answer({ sentBytes: Number(sentBytes) });
		return true;
	};
	port.on("message", async (order) => answer(await upload(order)));
}

export {  };