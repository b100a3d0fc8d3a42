import { openPorts } from './open-ports.ts';
import { runPost } from './runner/run-post.ts';

/** The second door: runs after the step's main has ended, however it ended. */
await runPost(openPorts);
