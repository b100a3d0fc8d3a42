// Given to the action by NODE_OPTIONS=--require: writes down every process that the action itself starts, in order.
// Its children inherit the option and keep silent.
const childProcess = require('node:child_process');
const { appendFileSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { basename } = require('node:path');

const isAction = /[\\/]dist[\\/](main|post)\.js$/.test(process.argv[1] ?? '');
const { spawn } = childProcess;
if (isAction) {
  childProcess.spawn = (file, args, options) => {
    const isPrisma = /[\\/]prisma[\\/]build[\\/]/.test(args[0] ?? '');
    const [first = ''] = args;
    const isProbe = first === '--version' || first === '--list';
    const words = isPrisma
      ? ['prisma', ...args.slice(1, 3)]
      : [basename(file), ...(isProbe || file === 'docker' ? [first] : [])];
    appendFileSync(process.env.SAFE_MIGRATE_TEST_STARTS, `${words.join(' ')}\n`);
    return spawn(file, args, options);
  };
  syncBuiltinESMExports();
}
