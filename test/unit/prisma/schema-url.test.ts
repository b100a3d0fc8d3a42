import { describe, expect, test } from 'vitest';
import { unsetVariableIn } from '../../../src/prisma/capture/unset-variable.ts';
import { providerIn, schemaUrlIn, urlVariablesIn } from '../../../src/prisma/project/schema-url.ts';

const datasource = (...lines: string[]) => `datasource db {\n${lines.join('\n')}\n}\n`;

describe('the URL that the schema names', () => {
  test('is directUrl before url', () => {
    const schema = datasource('  url = env("POOLED")', '  directUrl = env("DIRECT")');
    expect(schemaUrlIn([schema])).toEqual({ property: 'directUrl', variable: 'DIRECT' });
  });

  test('is url where there is no directUrl, or only in a comment', () => {
    const schema = datasource('  // directUrl = env("DIRECT")', '  url=env( "ONLY" ) // direct');
    expect(schemaUrlIn(['model A {\n  url String\n}\n', schema])).toEqual({
      property: 'url',
      variable: 'ONLY',
    });
  });

  test('is never the shadow database', () => {
    expect(schemaUrlIn([datasource('  shadowDatabaseUrl = env("SHADOW")')])).toBeNull();
  });

  test('may be written out, with braces in it', () => {
    const schema = datasource('  url = "postgresql://a:{}@h/d"', '  provider = "postgresql"');
    expect(schemaUrlIn([schema])).toEqual({ property: 'url', variable: null });
    expect(providerIn([schema])).toBe('postgresql');
  });

  test('is not there without a datasource', () => {
    expect(schemaUrlIn(['model A {\n  url String @default("x")\n}\n'])).toBeNull();
    expect(providerIn(['generator client {\n  provider = "prisma-client-js"\n}\n'])).toBeNull();
  });
});

describe('the variables that the schema reads its URL from', () => {
  test('are those of url and directUrl, and no other one', () => {
    const schema = `datasource db {
      provider = "postgresql"
      url = env("POOLED") // env("NO")
      // url = env("OLD")
      directUrl = env( "DIRECT" )
      shadowDatabaseUrl = env("SHADOW")
    }
    generator client { url = env("OTHER") }`;
    expect(urlVariablesIn([schema])).toEqual(['POOLED', 'DIRECT']);
    expect(urlVariablesIn(['datasource db { url = "postgresql://a" }', ''])).toEqual([]);
    expect(urlVariablesIn([])).toEqual([]);
  });
});

describe('the variable that Prisma missed', () => {
  const missed = (line: string, name = 'DIRECT_URL') =>
    `Error: Prisma schema validation - (get-config wasm)\nError code: P1012\nerror: Environment variable not found: ${name}.\n  -->  prisma/schema.prisma:4\n   | \n 3 |   url = env("OTHER")\n 4 |   ${line}\n   | \n`;

  test.each(['url = env("DIRECT_URL")', 'directUrl = env("DIRECT_URL")', 'directUrl=env( "DIRECT_URL" )'])(
    'holds the URL where the schema says %s',
    (line) => {
      expect(unsetVariableIn(missed(line))).toEqual({ name: 'DIRECT_URL', holdsUrl: true });
    },
  );

  test('does not hold it as a shadow database', () => {
    expect(unsetVariableIn(missed('shadowDatabaseUrl = env("DIRECT_URL")'))).toEqual({
      name: 'DIRECT_URL',
      holdsUrl: false,
    });
  });

  test('is only named where a config reads it', () => {
    const said = 'Error: PrismaConfigEnvError: Missing required environment variable: CONFIG_URL';
    expect(unsetVariableIn(said)).toEqual({ name: 'CONFIG_URL', holdsUrl: false });
    expect(unsetVariableIn('Cannot resolve environment variable: CONFIG_URL.')?.name).toBe('CONFIG_URL');
  });

  test('is none in other texts', () => {
    expect(unsetVariableIn('Environment variables loaded from .env')).toBeNull();
  });
});
