import { openPorts } from './open-ports.ts';
import { run } from './runner/run.ts';

/** The first door: the step's main. */
await run(openPorts);
