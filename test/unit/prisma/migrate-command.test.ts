import { describe, expect, test } from 'vitest';
import { migrateCommandProblems } from '../../../src/prisma/command/migrate-command.ts';

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

  test('it in one of several scripts that run one after the other', () => {
    const scripts = { deploy: 'run-s clean apply', clean: 'prisma db push', apply: 'prisma migrate deploy' };
    expect(named('npm run deploy', scripts)).toEqual(['`db push` (in the package.json script clean)']);
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

  test.each([
    'yarn prisma migrate deploy',
    'pnpm --filter api exec prisma migrate deploy',
    'npm exec -- prisma migrate deploy',
    'npm run deploy -- migrate',
  ])('when a script that it does not run names one: %s', (command) => {
    expect(named(command, { migrate: 'prisma migrate dev', deploy: 'prisma migrate deploy' })).toEqual([]);
  });
});
