import { describe, expect, test } from 'vitest';
import { scriptCommand } from '../../../src/prisma/command/script-command.ts';

const ask = (command: string) =>
  scriptCommand(command, { schema: 'left-out', containerName: 'asked' })?.text ?? null;

describe('the command that shows where a migrate-command connects to', () => {
  test.each([
    ['npx prisma migrate deploy', 'npx prisma db execute --stdin'],
    ['npx --yes prisma@6.19.0 migrate deploy', 'npx --yes prisma@6.19.0 db execute --stdin'],
    ['NODE_ENV=production npx prisma migrate deploy', 'NODE_ENV=production npx prisma db execute --stdin'],
    [
      'npm exec --workspace api -- prisma migrate deploy',
      'npm exec --workspace api -- prisma db execute --stdin',
    ],
    ['pnpm --filter api exec prisma migrate deploy', 'pnpm --filter api exec prisma db execute --stdin'],
    ['yarn workspace api prisma migrate deploy', 'yarn workspace api prisma db execute --stdin'],
    ['cd api && yarn prisma migrate deploy --schema ./a.prisma', 'cd api && yarn prisma db execute --stdin'],
    [
      'dotenv -e .env.prod -- npx prisma migrate deploy',
      'dotenv -e .env.prod -- npx prisma db execute --stdin',
    ],
    ['../bin/prisma migrate deploy', '../bin/prisma db execute --stdin'],
    [
      'node node_modules/prisma/build/index.js migrate deploy',
      'node node_modules/prisma/build/index.js db execute --stdin',
    ],
    [
      'docker container exec app prisma migrate deploy',
      'docker container exec -i app prisma db execute --stdin',
    ],
    [
      'docker compose exec -T -u node app npx prisma migrate deploy',
      'docker compose exec -T -u node app npx prisma db execute --stdin',
    ],
    [`docker exec app sh -c 'prisma migrate deploy'`, `docker exec -i app sh -c 'prisma db execute --stdin'`],
  ])('of %j', (command, expected) => {
    expect(scriptCommand(command, { schema: 'left-out', containerName: 'asked' })).toEqual({
      text: expected,
      endContainer: null,
    });
  });

  test.each([
    [
      'docker run --network host app prisma migrate deploy',
      'docker run --rm -i --name asked --network host app prisma db execute --stdin',
      'docker kill asked',
    ],
    [
      'docker compose run --rm app npx prisma migrate deploy',
      'docker compose run --no-deps --name asked --rm app npx prisma db execute --stdin',
      'docker kill asked',
    ],
    [
      'export DOCKER_HOST=tcp://app\ndocker --context prod compose -f a.yml run app ./entry.sh prisma migrate deploy',
      'export DOCKER_HOST=tcp://app\ndocker --context prod compose -f a.yml run --rm --no-deps --name asked app ./entry.sh prisma db execute --stdin',
      'export DOCKER_HOST=tcp://app\ndocker --context prod kill asked',
    ],
    [
      'docker-compose -p erp run --rm app prisma migrate deploy',
      'docker-compose -p erp run --no-deps --name asked --rm app prisma db execute --stdin',
      'docker kill asked',
    ],
    [
      'podman run --rm --name own app prisma migrate deploy',
      'podman run -i --rm --name own app prisma db execute --stdin',
      'podman kill own',
    ],
  ])('of %j makes a container that can be ended by its name', (command, text, endContainer) => {
    expect(scriptCommand(command, { schema: 'left-out', containerName: 'asked' })).toEqual({
      text,
      endContainer,
    });
  });

  test("names the schema where Prisma wants to be told: the command's own before the usual one", () => {
    const told = (command: string, usual: string | null) =>
      scriptCommand(command, { schema: { usual }, containerName: 'asked' })?.text ?? null;
    expect(told('prisma migrate deploy', "pris'ma/s.prisma")).toBe(
      `prisma db execute --stdin --schema 'pris'\\''ma/s.prisma'`,
    );
    expect(told("prisma migrate deploy --schema='x y'", 'a.prisma')).toBe(
      "prisma db execute --stdin --schema='x y'",
    );
    expect(told('prisma migrate deploy', null)).toBeNull();
  });

  test.each([
    './deploy.sh',
    'npm run db:deploy',
    'npm run prisma migrate deploy',
    'node before.js && npx prisma migrate deploy',
    'npx prisma migrate deploy; node seed.js',
    'npx prisma migrate deploy | tee log',
    'npx prisma migrate deploy > $(node where.js)',
    'app-migrate deploy',
    './wrapper prisma migrate deploy',
    'sh entrypoint.sh prisma migrate deploy',
    'node wrapper.js prisma migrate deploy',
    'npx wrapper prisma migrate deploy',
    'npm exec -- ./wrapper.sh prisma migrate deploy',
    'ssh host npx prisma migrate deploy',
    'docker exec app ./entrypoint.sh prisma migrate deploy',
    'docker exec -d app prisma migrate deploy',
    'docker run -d app prisma migrate deploy',
    `sh -c 'docker run --rm app prisma migrate deploy'`,
    `sh -c 'node before.js; npx prisma migrate deploy'`,
  ])('is not known of %j: something else would run before there is a backup', (command) => {
    expect(ask(command)).toBeNull();
  });
});
