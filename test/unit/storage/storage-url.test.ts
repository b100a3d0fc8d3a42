import { describe, expect, test } from 'vitest';
import { parseStorageUrl } from '../../../src/storage/port/storage-url.ts';
import { problemsOf } from '../../../src/system/errors.ts';

function problemsFor(line: string) {
  try {
    parseStorageUrl(line);
  } catch (error) {
    return problemsOf(error);
  }
  throw new Error(`${line} was accepted`);
}

const plain = { kind: 's3', bucket: 'bucket', prefix: '', region: null, endpoint: null, encryption: null };

describe('a storage URL', () => {
  test.each([
    ['s3://bucket', plain],
    ['s3://bucket/', plain],
    ['S3://bucket', plain],
    ['s3://bucket/a/b/', { ...plain, prefix: 'a/b' }],
    ['s3://bucket/pre fix/%41+b', { ...plain, prefix: 'pre fix/%41+b' }],
    ['s3://my.bucket-1?region=eu-central-1', { ...plain, bucket: 'my.bucket-1', region: 'eu-central-1' }],
    ['s3://bucket?endpoint=https://s3.example.com/', { ...plain, endpoint: 'https://s3.example.com' }],
    ['s3://bucket?endpoint=http%3A%2F%2F127.0.0.1%3A9000', { ...plain, endpoint: 'http://127.0.0.1:9000' }],
    ['s3://bucket?sse=AES256', { ...plain, encryption: { algorithm: 'AES256' } }],
    ['s3://bucket?sse=aws:kms', { ...plain, encryption: { algorithm: 'aws:kms', keyId: null } }],
    [
      's3://bucket?sse=aws:kms:arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab',
      {
        ...plain,
        encryption: {
          algorithm: 'aws:kms',
          keyId: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab',
        },
      },
    ],
    ['file:///var/backups', { kind: 'file', directory: '/var/backups' }],
    ['file:///var/backups/', { kind: 'file', directory: '/var/backups' }],
    ['file:///var/back%20ups/ü%3F', { kind: 'file', directory: '/var/back ups/ü?' }],
    ['file:///', { kind: 'file', directory: '/' }],
  ])('is understood: %s', (line, location) => {
    expect(parseStorageUrl(line)).toEqual(location);
  });

  test.each([
    ['bucket/prefix', 'no storage URL'],
    ['https://bucket.s3.amazonaws.com', 'https:// is no storage'],
    ['gs://bucket', 'gs:// is no storage'],
    ['s3://', 'without a bucket'],
    ['s3:///prefix', 'without a bucket'],
    ['s3://b*cket', 'no bucket can have'],
    ['s3://bucket/a//b', 'empty, "." or ".."'],
    ['s3://bucket/../b', 'empty, "." or ".."'],
    ['s3://bucket?regoin=eu-central-1', 'parameter regoin of s3:// is unknown'],
    ['s3://bucket?region=', 'parameter region of s3:// is empty'],
    ['s3://bucket?region=a&region=b', 'given twice'],
    ['s3://bucket?region=EU Central', 'no region'],
    ['s3://bucket?endpoint=s3.example.com', 'endpoint='],
    ['s3://bucket?endpoint=ftp://s3.example.com', 'endpoint='],
    ['s3://bucket?sse=rot13', 'sse='],
    ['file://backups', 'absolute path'],
    ['file://', 'absolute path'],
    ['file:///a/../b', '".."'],
    ['file:///a/%2E%2E/b', '".."'],
    ['file:///a%00b', 'NUL'],
    ['file:///a%zz', 'percent-encoded'],
    ['file:///a?mode=1', 'no parameters'],
    ['artifact://applizor/erp', 'names no place'],
    ['artifact://?plaintext=yes', 'plaintext='],
    ['artifact://?retention=7', 'parameter retention of artifact:// is unknown'],
  ])('is refused: %s', (line, words) => {
    expect(problemsFor(line)).toEqual([
      { code: 'SM_INPUT', message: expect.stringContaining(words), hint: expect.stringMatching(/\.$/) },
    ]);
  });

  test('of artifacts names no place, and says whether plaintext is allowed', () => {
    expect(parseStorageUrl('artifact://')).toEqual({ kind: 'artifact', plaintextAllowed: false });
    expect(parseStorageUrl('artifact://?plaintext=allow')).toEqual({
      kind: 'artifact',
      plaintextAllowed: true,
    });
  });

  test('tells all that is wrong with it at once', () => {
    expect(problemsFor('s3://bucket/../x?sse=x&foo=1&endpoint=x')).toHaveLength(4);
  });

  test.each([
    's3://AKIACANARY:canary@bucket/prefix',
    's3://bucket?secret_access_key=canary',
    's3://bucket?canary%20canary=1',
    's3://bucket?endpoint=https://user:canary@s3.example.com',
    's3://bucket?region=canary canary',
    's3://bucket?sse=canary',
    'canary',
    'postgres://user:canary@host/db',
    'file://canary/path',
    'artifact://canary',
    'artifact://?plaintext=canary',
  ])('never has its values repeated: %s', (line) => {
    expect(JSON.stringify(problemsFor(line))).not.toMatch(/canary/i);
  });
});
