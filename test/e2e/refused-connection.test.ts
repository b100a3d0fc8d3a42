import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addQuotations } from '../support/erp.ts';
import { freePort } from '../support/postgres.ts';
import { createPrismaProject } from '../support/prisma-project.ts';
import { expectRefused } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

/** One world for all: a refusal leaves it as it was, and each test checks that. */
describe('migrate refuses, and touches nothing, when the database URL', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ pending: { '20260103000000_add_quotations': addQuotations } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** The URL with parts of it replaced. */
  function urlWith(parts: Readonly<Record<string, string>>): string {
    return Object.assign(new URL(world.url), parts).href;
  }
  const refusedWith = (
    url: string,
    codes: readonly string[],
    options: { readonly fromPrisma?: boolean } = {},
  ) =>
    expectRefused(
      world,
      options.fromPrisma === true
        ? { inputs: { 'database-url': '' }, env: { DATABASE_URL: url } }
        : { inputs: { 'database-url': url } },
      codes,
    );

  it('leads to a port where nobody listens', async () => {
    const port = await freePort();
    const { result, report } = await refusedWith(urlWith({ port: String(port) }), ['SM_UNREACHABLE']);
    expect(report.problems[0]?.message).toContain(`127.0.0.1:${port} cannot be reached`);
    expect(report.problems[0]?.message).toContain('Connection refused');
    expect(result.summary).toContain(`127.0.0.1:${port}`);
  });

  it('names a host that does not exist', async () => {
    const url = urlWith({ hostname: 'no-such-host.invalid' });
    const { report } = await refusedWith(url, ['SM_UNREACHABLE']);
    expect(report.problems[0]?.message).toContain('no-such-host.invalid');
  });

  it('has a wrong password, which is not shown', async () => {
    const url = urlWith({ password: 'not-the-password' });
    const { result, report } = await refusedWith(url, ['SM_AUTH']);
    expect(report.problems[0]?.message).toContain(`user ${world.user}`);
    expect(result.rawLog).not.toContain('not-the-password');
  });

  it('names a database that does not exist, and does not create it', async () => {
    const missing = `${world.database}_nowhere`;
    const url = urlWith({ pathname: missing });
    const { report } = await refusedWith(url, ['SM_NO_DATABASE']);
    expect(report.problems[0]?.message).toContain(missing);
    expect(await world.cluster.databases()).not.toContain(missing);
  });

  const poolers: readonly (readonly [string, string, string])[] = [
    ['port 6543', 'port', '6543'],
    ['pgbouncer=true', 'search', '?pgbouncer=true'],
    ['a -pooler host', 'hostname', 'ep-cool-1-pooler.eu-central-1.aws.neon.tech'],
  ];
  describe.each(poolers)('leads to a transaction pooler (%s)', (sign, part, value) => {
    it.each([
      ['as the input', false],
      ['as what Prisma itself uses', true],
    ])('%s', async (_, fromPrisma) => {
      const { report } = await refusedWith(urlWith({ [part]: value }), ['SM_URL_POOLER'], { fromPrisma });
      expect(report.problems[0]?.message).toContain(`a transaction pooler (${sign})`);
      expect(report.problems[0]?.hint).toContain('direct URL');
    });
  });

  it.each([
    ['prisma://', 'prisma://accelerate.prisma-data.net/?api_key=ey-secret-key', false],
    ['prisma+postgres://', 'prisma+postgres://accelerate.prisma-data.net/?api_key=ey-secret-key', false],
    [
      'prisma+postgres:// of Prisma itself',
      'prisma+postgres://accelerate.prisma-data.net/?api_key=ey-secret-key',
      true,
    ],
  ])('is one of Prisma Accelerate: %s', async (_, url, fromPrisma) => {
    const { result, report } = await refusedWith(url, ['SM_URL_PRISMA_PROXY'], { fromPrisma });
    expect(report.problems[0]?.hint).toContain('postgresql://user:password@host:5432/database');
    expect(result.rawLog).not.toContain('ey-secret-key');
  });

  it.each([
    ['mysql://root:secret-root@127.0.0.1:3306/erp', 'MySQL'],
    ['sqlserver://127.0.0.1:1433;database=erp;user=sa;password=secret-root', 'SQL Server'],
    ['file:./dev.db', 'SQLite'],
    ['mongodb+srv://root:secret-root@cluster0.example.net/erp', 'MongoDB'],
  ])('is not one of PostgreSQL: %s', async (url, provider) => {
    const { result, report } = await refusedWith(url, ['SM_PROVIDER']);
    expect(report.problems[0]?.message).toContain(provider);
    expect(result.rawLog).not.toContain('secret-root');
  });

  it('leads elsewhere than the one that Prisma would migrate', async () => {
    const other = await world.cluster.createOwnedDatabase('other');
    const { report } = await expectRefused(world, { env: { DATABASE_URL: other.url } }, ['SM_URL_MISMATCH']);
    expect(report.problems[0]?.message).toMatch(
      new RegExp(`${world.database}.*${other.database}.*database\\)`),
    );
    const tables = `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`;
    expect(await world.cluster.psql(other.database, tables)).toBe('0');
  });

  it('is given nowhere', async () => {
    const { report } = await refusedWith('', ['SM_PRISMA_CONFIG']);
    expect(report.problems[0]?.hint).toContain('database-url');
  });

  it('is written into prisma.config.ts and leads to a pooler', async () => {
    const project = await createPrismaProject(join(world.folder, 'pooled'), {
      migrations: { '20260101000000_init': 'SELECT 1;' },
    });
    await writeFile(
      join(project.directory, 'prisma.config.ts'),
      `export default { schema: 'prisma/schema.prisma', datasource: { url: 'postgresql://u:hidden-in-config@db-pooler.example.com/erp' } };`,
    );
    const { result } = await expectRefused(
      world,
      { workspace: project.directory, inputs: { 'database-url': '' } },
      ['SM_URL_POOLER'],
    );
    expect(result.rawLog).not.toContain('hidden-in-config');
  });
});
