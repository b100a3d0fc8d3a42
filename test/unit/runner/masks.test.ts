import { describe, expect, it } from 'vitest';
import { secretsIn } from '../../../src/database/postgres/server/url-secrets.ts';
import { Masks } from '../../../src/runner/masks.ts';
import { restoredReport } from '../../support/sample-reports.ts';

const passphrase = `correct "horse" & battery/staple ü`;

/** What stays of `text` when it is a warning of a report. */
function published(text: string, masks: Masks): string {
  const [warning = ''] = masks.hideIn({ ...restoredReport(), warnings: [text] }).warnings;
  return warning;
}

function masksWith(...secrets: readonly string[]): Masks {
  const masks = new Masks({});
  const write = process.stdout.write;
  // The runner reads `::add-mask::` from standard output, which here is the test's own.
  process.stdout.write = () => true;
  try {
    for (const secret of secrets) masks.add(secret);
  } finally {
    process.stdout.write = write;
  }
  return masks;
}

describe('what is published', () => {
  const base64 = (before: string) => Buffer.from(`${before}${passphrase} and more`).toString('base64');
  it.each([
    ['as it is', passphrase],
    ['in a URL', `https://x/?q=${encodeURIComponent(passphrase)}`],
    ['in a path', encodeURI(passphrase)],
    ['in JSON', JSON.stringify({ passphrase })],
    ['in HTML', passphrase.replaceAll('&', '&amp;').replaceAll('"', '&quot;')],
    ['in base64', base64('')],
    ['in base64 behind one byte', base64('a')],
    ['in base64 behind two', base64('ab')],
    ['in base64 for URLs', Buffer.from(passphrase).toString('base64url')],
  ])('holds no secret %s', (_how, text) => {
    expect(published(`before ${text} after`, masksWith(passphrase))).toMatch(/^before .*\*\*\*.* after$/);
  });

  it('holds none of the lines of a key, nor what variables of the job are called secrets', () => {
    const key = '# created\nAGE-SECRET-KEY-1QQQQQQ\n';
    expect(published('AGE-SECRET-KEY-1QQQQQQ', masksWith(key))).toBe('***');
    const masks = new Masks({
      NPM_TOKEN: 'npm_0123456789',
      AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI',
      MY_DB: 'postgres://app:hunter2hunter2@db/app',
      PATH: '/usr/bin',
    });
    expect(published('npm_0123456789 wJalrXUtnFEMI hunter2hunter2 /usr/bin', masks)).toBe(
      '*** *** *** /usr/bin',
    );
  });

  it('keeps what is public: names of database and role, the ids, our own words', () => {
    const report = restoredReport();
    const database = report.target?.database ?? '';
    const url = `postgres://app_owner:app_owner@db/${database}`;
    const masks = masksWith(...secretsIn(url), database, 'migrate', 'postgres', report.backup?.id ?? '');
    expect(published(`migrate ${database} as app_owner from ${report.backup?.id}`, masks)).toBe(
      `migrate ${database} as app_owner from ${report.backup?.id}`,
    );
    expect(published(`at ${url}`, masks)).toBe('at ***');
    expect(published('psql --dbname=postgres', masks)).toBe('psql --dbname=postgres');
  });
});
