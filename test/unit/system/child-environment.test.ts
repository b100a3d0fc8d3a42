import { expect, test } from 'vitest';
import {
  childEnvironment,
  databaseToolEnvironment,
  hookEnvironment,
} from '../../../src/system/child-environment.ts';

const own = {
  PATH: '/bin',
  HOME: '/home/runner',
  GITHUB_TOKEN: 'given by the workflow',
  GITHUB_SHA: 'abc',
  GITHUB_OUTPUT: '/out',
  GITHUB_STATE: '/state',
  GITHUB_ENV: '/env',
  GITHUB_PATH: '/path',
  GITHUB_STEP_SUMMARY: '/summary',
  'INPUT_DATABASE-URL': 'secret',
  INPUT_COMMAND: 'migrate',
  STATE_run: 'x',
  ACTIONS_RUNTIME_TOKEN: 'secret',
  ACTIONS_RUNTIME_URL: 'u',
  ACTIONS_RESULTS_URL: 'u',
  ACTIONS_CACHE_URL: 'u',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'secret',
  ACTIONS_ID_TOKEN_REQUEST_URL: 'u',
  DATABASE_URL: 'postgresql://…',
  PGHOST: 'elsewhere',
  PGSERVICE: 'elsewhere',
  PGOPTIONS: '-c x=y',
  PSQLRC: '/rc',
  LC_MESSAGES: 'de_DE',
  LANG: 'de_DE.UTF-8',
  UNSET: undefined,
};

test("the migrator gets the environment without the action's inputs, the runner's secrets and its files", () => {
  expect(childEnvironment({ EXTRA: '1' }, own)).toEqual({
    PATH: '/bin',
    HOME: '/home/runner',
    GITHUB_TOKEN: 'given by the workflow',
    GITHUB_SHA: 'abc',
    DATABASE_URL: 'postgresql://…',
    PGHOST: 'elsewhere',
    PGSERVICE: 'elsewhere',
    PGOPTIONS: '-c x=y',
    PSQLRC: '/rc',
    LC_MESSAGES: 'de_DE',
    LANG: 'de_DE.UTF-8',
    EXTRA: '1',
  });
});

test("a hook may write to the runner's files, and sees no more of the action than others", () => {
  const files = ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STEP_SUMMARY'];
  const expected = Object.fromEntries(
    files.map((name) => [name, Object.entries(own).find(([key]) => key === name)?.[1]]),
  );
  expect(hookEnvironment({}, own)).toEqual({ ...childEnvironment({}, own), ...expected });
});

test("database tools connect where they are told, speak English, and do not see the runner's files", () => {
  expect(databaseToolEnvironment({ PGHOST: 'here' }, own)).toEqual({
    PATH: '/bin',
    HOME: '/home/runner',
    GITHUB_TOKEN: 'given by the workflow',
    GITHUB_SHA: 'abc',
    DATABASE_URL: 'postgresql://…',
    LC_ALL: 'C',
    PGHOST: 'here',
  });
});
