import { describe, expect, test } from 'vitest';
import { asScriptCommand, migrateCommandProblems } from '../../../src/prisma/migrate-command.ts';

const named = (command: string, scripts: Readonly<Record<string, string>> = {}): readonly string[] =>
  migrateCommandProblems(command, scripts).map(
    ({ message }) => /^names (.*), which must never/.exec(message)?.[1] ?? message,
  );

describe('a migrate-command is refused when it names', () => {
  test.each([
    ['npx prisma migrate dev', '`migrate dev`'],
    ['npx prisma migrate reset --force', '`migrate reset`'],
    ['docker compose run --rm app npx prisma db push', '`db push`'],
    ['prisma migrate resolve --applied x && prisma migrate deploy', '`migrate resolve`'],
    ['prisma migrate deploy; prisma migrate  reset', '`migrate reset`'],
    ['prisma migrate deploy\nprisma db push\n', '`db push`'],
    ['prisma migrate \\\n  reset', '`migrate reset`'],
    [`prisma "migrate" 'dev'`, '`migrate dev`'],
    [`prisma mi"grat"e d\\ev`, '`migrate dev`'],
    ['prisma migrate --schema prisma/schema.prisma reset', '`migrate reset`'],
    [`sh -c "cd app && npx prisma db push"`, '`db push`'],
    [`docker exec app sh -c 'sh -c "prisma migrate dev"'`, '`migrate dev`'],
    ['$(npx prisma migrate reset)', '`migrate reset`'],
    ['yarn dlx prisma@6 db push --accept-data-loss=true', '`db push`, `--accept-data-loss`'],
    ['./deploy.sh --force-reset', '`--force-reset`'],
  ])('%j', (command, found) => {
    expect(named(command).join(', ')).toBe(found);
  });

  test.each([
    'npm run db:deploy',
    'pnpm --filter api db:deploy',
    'yarn db:deploy',
    'docker compose run app bun run db:deploy',
  ])('it in a script: %s', (command) => {
    const scripts = {
      'db:deploy': 'prisma migrate deploy',
      'predb:deploy': 'npm run clean',
      clean: 'prisma migrate reset',
    };
    expect(named(command, scripts)).toEqual(['`migrate reset` (in the package.json script clean)']);
  });

  test('it in scripts that call each other in a circle', () => {
    expect(named('npm run a', { a: 'npm run b', b: 'npm run a && prisma db push' })).toEqual([
      '`db push` (in the package.json script b)',
    ]);
  });
});

describe('a migrate-command is accepted', () => {
  test.each([
    'npx prisma migrate deploy',
    'docker compose run --rm app npx prisma migrate deploy',
    'yarn prisma migrate deploy --schema dev',
    'docker compose exec db psql -c "select 1" && git push',
    '# not: prisma db push\nprisma migrate deploy',
    'prisma migrate deploy # never migrate reset',
    './deploy.sh dev reset push',
    'npm run db:deploy',
    'npx prisma migrate status && npx prisma migrate deploy',
  ])('%j', (command) => {
    expect(named(command, { 'db:deploy': 'prisma migrate deploy', clean: 'prisma migrate reset' })).toEqual(
      [],
    );
  });
});

describe('the command that shows where a migrate-command connects to', () => {
  test.each([
    ['npx prisma migrate deploy', 'npx prisma db execute --stdin'],
    [
      'docker compose run --rm app npx prisma migrate deploy',
      'docker compose run --rm app npx prisma db execute --stdin',
    ],
    [
      'docker run --rm app prisma migrate deploy',
      'docker run --interactive --rm app prisma db execute --stdin',
    ],
    [
      'docker container exec app prisma migrate deploy',
      'docker container exec --interactive app prisma db execute --stdin',
    ],
    ['cd api && yarn prisma migrate deploy --schema ./a.prisma', 'cd api && yarn prisma db execute --stdin'],
    [
      `docker exec app sh -c 'prisma migrate deploy'`,
      `docker exec --interactive app sh -c 'prisma db execute --stdin'`,
    ],
  ])('of %j', (command, expected) => {
    expect(asScriptCommand(command, null)).toBe(expected);
  });

  test('names the schema where Prisma wants to be told', () => {
    expect(asScriptCommand("prisma migrate deploy --schema='x y'", "pris'ma/s.prisma")).toBe(
      `prisma db execute --stdin --schema 'pris'\\''ma/s.prisma'`,
    );
  });

  test.each([
    './deploy.sh',
    'npm run db:deploy',
    'node before.js && npx prisma migrate deploy',
    'npx prisma migrate deploy; node seed.js',
    'npx prisma migrate deploy | tee log',
    'npx prisma migrate deploy > $(node where.js)',
    'app-migrate deploy',
    `sh -c 'node before.js; npx prisma migrate deploy'`,
  ])('is not known of %j: something else would run before there is a backup', (command) => {
    expect(asScriptCommand(command, null)).toBeNull();
  });
});
