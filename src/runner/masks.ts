import * as core from '@actions/core';
import { decodePercent } from '../database/postgres/server/url-refusals.ts';
import { secretsIn } from '../database/postgres/server/url-secrets.ts';
import { commands, failingResults, passingResults, type Report } from '../report/report.ts';
import { phases } from '../system/phase.ts';

/** Shorter texts are words, and no secrets that hiding could keep. */
const shortestHidden = 6;
/** Of a variable that the job has beside our inputs. */
const secretName = /TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_KEY/i;
const shortestOfEnvironment = 8;
const hidden = '***';

/** Words of the commands that a report prints: who takes one of them for a password must still be able to paste those. */
const commandWords = [
  'postgresql psql createdb dropdb pg_restore template0 public database dbname password',
  'prisma migrations migration.sql _prisma_migrations manifest.json details.json.age database.dump.age',
  'safe-migrate safe_migrate fallback failed rehearsal scratch sha256sum decrypt identity',
];

/**
 * What nobody is to read of what a run publishes. The runner hides secrets in the log and nowhere else: summary, comment,
 * report.json and its attachments are ours to see to, in the one value that they are all made of.
 */
export class Masks {
  readonly #forms = new Set<string>();
  /** Roles: who takes his own name for a password has none to hide. */
  readonly #names: string[] = [];

  /** What is known from the start: variables of the job that are secrets by their names, or URLs with passwords. */
  constructor(environment: NodeJS.ProcessEnv) {
    for (const [name, value = ''] of Object.entries(environment)) {
      if (secretName.test(name) && value.length >= shortestOfEnvironment) this.#note(value);
      else if (/^[a-z+]+:\/\/[^/@]*:[^/@]+@/i.test(value))
        for (const secret of secretsIn(value)) this.#note(secret);
    }
  }

  /** Hides a secret from now on, in the log as well. */
  add(secret: string): void {
    core.setSecret(secret);
    this.#note(secret);
  }

  /** The report as it may be published. What is public by its nature (names, ids, our own words) stays readable. */
  hideIn(report: Report): Report {
    const { target, backup, run } = report;
    const words = [phases, commands, passingResults, failingResults, commandWords];
    const known = JSON.stringify([target, backup, run, words, this.#names]);
    const forms = [...this.#forms]
      .filter((form) => !known.includes(form))
      .sort((a, b) => b.length - a.length);
    return mapTexts(report, (text) =>
      forms.reduce((rest, form) => (rest.includes(form) ? rest.replaceAll(form, hidden) : rest), text),
    );
  }

  #note(secret: string): void {
    if (URL.canParse(secret)) this.#names.push(decodePercent(new URL(secret).username) ?? '');
    for (const part of [secret, ...secret.split(/\r?\n/)]) {
      for (const form of formsOf(part.trim())) if (form.length >= shortestHidden) this.#forms.add(form);
    }
  }
}

/** A secret, and the ways in which it may be written somewhere else. */
function formsOf(secret: string): readonly string[] {
  if (secret.length < shortestHidden) return [];
  const text = secret.toWellFormed();
  return [
    secret,
    encodeURIComponent(text),
    encodeURI(text),
    JSON.stringify(text).slice(1, -1),
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    Buffer.from(text).toString('base64url'),
    ...[0, 1, 2].map((before) => base64Within(Buffer.from(text), before)),
  ];
}

/** The characters that a text has for sure when it stands in something longer, `before` bytes from where three begin. */
function base64Within(secret: Buffer, before: number): string {
  const encoded = Buffer.concat([Buffer.alloc(before), secret])
    .toString('base64')
    .replaceAll('=', '');
  const isPartAtEnd = (before + secret.length) % 3 !== 0;
  return encoded.slice(before === 0 ? 0 : before + 1, isPartAtEnd ? -1 : undefined);
}

function mapTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, change)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, change)])) as T;
}
