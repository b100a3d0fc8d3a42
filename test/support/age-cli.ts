import { execFile, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { needPart } from './needed-parts.ts';

const run = promisify(execFile);

/** A key pair as `age-keygen` makes it; the identity is the whole file, comments and all. */
export async function ageKeyPair(): Promise<{ readonly identity: string; readonly recipient: string }> {
  needPart('age');
  const { stdout } = await run('age-keygen');
  const recipient = /^# public key: (age1\S+)$/m.exec(stdout)?.[1];
  if (recipient === undefined) throw new TypeError('age-keygen names no public key');
  return { identity: stdout, recipient };
}

/** `age --decrypt`, as a person restores by hand with the private key in a file. */
export async function ageDecrypt(sealed: string, plain: string, identity: string): Promise<void> {
  needPart('age');
  const keyFile = `${plain}.key`;
  await writeFile(keyFile, identity, { mode: 0o600 });
  await run('age', ['--decrypt', `--identity=${keyFile}`, `--output=${plain}`, sealed]);
}

export async function ageEncrypt(plain: string, sealed: string, recipient: string): Promise<void> {
  needPart('age');
  await run('age', [`--recipient=${recipient}`, `--output=${sealed}`, plain]);
}

/** With a passphrase age asks the terminal and nobody else: it gets one from python's pty. */
const terminal = `
import os, pty, sys, select
answer = sys.stdin.readline().rstrip('\\n').encode() + b'\\n'
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
heard = b''
while True:
    try:
        chunk = os.read(terminal, 1024)
    except OSError:
        break
    if not chunk:
        break
    heard += chunk
    if heard.rstrip().endswith(b':'):
        os.write(terminal, answer)
        heard = b''
_, status = os.waitpid(pid, 0)
sys.stderr.buffer.write(heard)
sys.exit(os.waitstatus_to_exitcode(status))
`;

/** `age` with a passphrase that is typed at its prompts; rejects with what it said. */
export async function ageWithPassphrase(args: readonly string[], passphrase: string): Promise<void> {
  needPart('age');
  const child = spawn('python3', ['-c', terminal, 'age', ...args], { stdio: ['pipe', 'ignore', 'pipe'] });
  child.stdin.end(`${passphrase}\n`);
  const said: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  const exitCode = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  if (exitCode !== 0) throw new Error(`age ended with ${exitCode}: ${Buffer.concat(said).toString('utf8')}`);
}
