import { s as warning } from "./actions-core.js";
import { i as savedWorkFolder, m as messageOf, n as removeWorkFolder } from "./safe-migrate.js";

// src/runner/clean-up.ts
/**
* Removes from the disk what a killed main left there. Clean-up fails softly: the result of the step is main's,
* and the runner empties RUNNER_TEMP itself.
*/
async function cleanUp() {
	const folder = savedWorkFolder();
	if (folder === null) return;
	try {
		await removeWorkFolder(folder);
	} catch (error) {
		warning(`The work folder could not be removed: ${messageOf(error)}`);
	}
}

// src/post.ts
/** The second door: runs after the step's main has ended, however it ended. */
await cleanUp();

export {  };