import { cleanUp } from './runner/clean-up.ts';

/** The second door: runs after the step's main has ended, however it ended. */
await cleanUp();
