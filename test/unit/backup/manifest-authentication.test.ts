import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { manifestSchema, renderManifest } from '../../../src/backup/manifest/manifest.ts';
import {
  checkManifest,
  deriveKey,
  judgeManifest,
  signManifest,
} from '../../../src/backup/manifest/manifest-authentication.ts';
import { Secret } from '../../../src/system/secret.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const passphrase = new Secret('correct horse battery staple');
const sample = sampleManifest({ takenAt: '20261122_020000' });
const { authentication: _, ...unsigned } = sample;
const text = await signManifest(unsigned, passphrase);

const key = await deriveKey(passphrase, JSON.parse(text).authentication.salt);

const judge = (stored: string) => {
  const { authentication } = manifestSchema.parse(JSON.parse(stored));
  return authentication === null ? 'unsigned' : judgeManifest(stored, authentication, key);
};

describe('a signed manifest', () => {
  it('is authentic as it was written, and says the same', () => {
    expect(judge(text)).toBe('authentic');
    expect({ ...JSON.parse(text), authentication: null }).toEqual(sample);
  });

  it('holds neither the passphrase nor the key', () => {
    const { authentication } = JSON.parse(text);
    expect(Object.keys(authentication)).toEqual(['method', 'salt', 'check', 'mac']);
    expect(text).not.toContain('horse');
    const withCheck = createHmac('sha256', Buffer.from(authentication.check, 'hex'))
      .update(text.replace(authentication.mac, '0'.repeat(64)))
      .digest('hex');
    expect(withCheck).not.toBe(authentication.mac);
  });

  it('has another salt every time, and tells a wrong passphrase from an edit', async () => {
    const wrong = new Secret('correct horse battery stable');
    const other = await signManifest(unsigned, wrong);
    expect(JSON.parse(other).authentication.salt).not.toBe(JSON.parse(text).authentication.salt);
    expect(await checkManifest(other, JSON.parse(other), wrong)).toBe('authentic');
    expect(judge(other)).toBe('wrong-passphrase');
  });

  it.each([
    ['another digest of the file', (whole: string) => whole.replace(/[0-9a-f]{64}/, 'ab'.repeat(32))],
    [
      'another digest of the details',
      (whole: string) => whole.replace(/(?<="details.json",[^}]*)[0-9a-f]{64}/, 'ab'.repeat(32)),
    ],
    ['another database', (whole: string) => whole.replace('"name": "erp"', '"name": "crm"')],
    ['another mac', (whole: string) => whole.replace(/"mac": ".{64}"/, `"mac": "${'1'.repeat(64)}"`)],
    ['a space more', (whole: string) => `${whole} `],
    ['another way to write the same', (whole: string) => `${JSON.stringify(JSON.parse(whole))}\n`],
    [
      'a second mac before the real one',
      (whole: string) => whole.replace('{', `{"authentication": {"mac": "${'2'.repeat(64)}"},`),
    ],
  ])('is edited when it has %s', (_what, edit) => {
    const edited = edit(text);
    expect(edited).not.toBe(text);
    expect(judge(edited)).toBe('edited');
  });

  it('cannot be made unsigned unseen', async () => {
    expect(await checkManifest(renderManifest(sample), sample, passphrase)).toBe('unsigned');
  });
});
