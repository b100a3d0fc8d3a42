import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { signManifest } from '../../../src/backup/manifest/manifest-authentication.ts';
import { Secret } from '../../../src/system/secret.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const passphrase = new Secret('correct horse battery staple');

test('a manifest is verified without this program as docs/security.md says', async () => {
  const text = await signManifest(sampleManifest({ takenAt: '20261122_020000' }), passphrase);
  const page = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8');
  const script = /```python\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  expect(script).toContain('scrypt');
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-manifest-'));
  try {
    const verify = (stored: string, typed: string): string => {
      execFileSync('sh', ['-c', 'cat > manifest.json'], { cwd: folder, input: stored });
      // getpass reads standard input where there is no terminal.
      return execFileSync('setsid', ['python3', '-W', 'ignore', 'check.py'], {
        cwd: folder,
        input: `${typed}\n`,
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'ignore'],
      }).trim();
    };
    await writeFile(join(folder, 'check.py'), script);
    expect(verify(text, passphrase.reveal())).toBe('authentic');
    expect(verify(text.replace('"erp"', '"crm"'), passphrase.reveal())).toBe('edited');
    expect(verify(text, 'wrong')).toBe('wrong passphrase');
  } finally {
    await rm(folder, { recursive: true });
  }
});
