import { describe, expect, test } from 'vitest';
import {
  diffSchemaTexts,
  parseSchemaText,
  schemaDigest,
} from '../../../src/database/postgres/schema/schema-text.ts';

const preamble = (token: string, version: string): string => `--
-- PostgreSQL database dump
--

\\restrict ${token}

-- Dumped from database version ${version}
-- Dumped by pg_dump version ${version}

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

`;
const entry = (header: string, body: string): string => `--
-- ${header}
--

${body}


`;
const settings = `SET default_tablespace = '';

SET default_table_access_method = heap;

`;
const end = (token: string): string => `--
-- PostgreSQL database dump complete
--

\\unrestrict ${token}

`;

const users = entry(
  'Name: users; Type: TABLE; Schema: public; Owner: joe',
  'CREATE TABLE public.users (\n    id integer\n);',
);
const view = entry('Name: v; Type: VIEW; Schema: public; Owner: joe', 'CREATE VIEW public.v AS\n SELECT 1;');
const acl = entry(
  'Name: TABLE users; Type: ACL; Schema: public; Owner: joe',
  'GRANT SELECT ON TABLE public.users TO PUBLIC;',
);
const text = preamble('abc', '15.18') + settings + users + view + acl + end('abc');

describe('schema texts', () => {
  test('entries hold their object and their statements only', () => {
    expect(parseSchemaText(text).map(({ object, body }) => [object, body])).toEqual([
      ['TABLE public.users', 'CREATE TABLE public.users (\n    id integer\n);\nUSING heap'],
      ['VIEW public.v', 'CREATE VIEW public.v AS\n SELECT 1;'],
      ['ACL public.TABLE users', 'GRANT SELECT ON TABLE public.users TO PUBLIC;'],
    ]);
  });

  test('order, versions, tokens and the place of settings do not change the digest', () => {
    const other = preamble('xyz', '15.20') + view + settings + users + acl + end('xyz');
    expect(schemaDigest(other)).toBe(schemaDigest(text));
    expect(diffSchemaTexts(text, other)).toEqual([]);
  });

  test('extensions and their comments are left out', () => {
    const extension =
      entry(
        'Name: citext; Type: EXTENSION; Schema: -; Owner: -',
        'CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;',
      ) +
      entry(
        'Name: EXTENSION citext; Type: COMMENT; Schema: -; Owner: ',
        "COMMENT ON EXTENSION citext IS 'x';",
      );
    expect(schemaDigest(preamble('a', '15.1') + extension + settings + users + view + acl + end('a'))).toBe(
      schemaDigest(text),
    );
  });

  test('another access method changes the table that follows it, not the one before', () => {
    const columnar = text.replace('method = heap', 'method = columnar');
    expect(diffSchemaTexts(text, columnar)).toEqual(['TABLE public.users is defined differently']);
  });

  test('differences are named', () => {
    const other =
      preamble('a', '15.1') +
      settings +
      users.replace('id integer', 'id bigint') +
      acl.replace('Owner: joe', 'Owner: ann') +
      entry('Name: extra; Type: TYPE; Schema: -; Owner: joe', 'CREATE TYPE extra;') +
      end('a');
    expect(diffSchemaTexts(text, other)).toEqual([
      'TABLE public.users is defined differently',
      'VIEW public.v is missing',
      'ACL public.TABLE users is defined differently',
      'TYPE extra is there and should not be',
    ]);
    expect(schemaDigest(other)).not.toBe(schemaDigest(text));
  });
});
