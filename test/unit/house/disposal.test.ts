import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ESTree, parseSync, Visitor } from 'rolldown/utils';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

/** Methods of arrays and strings: what they return is no promise. */
const synchronous = new Set([
  'map',
  'flatMap',
  'filter',
  'join',
  'slice',
  'toSorted',
  'toReversed',
  'trim',
  'split',
]);

function isSynchronous({ callee }: ESTree.CallExpression): boolean {
  return (
    callee.type === 'MemberExpression' &&
    callee.property.type === 'Identifier' &&
    synchronous.has(callee.property.name)
  );
}

interface Scope {
  readonly isAsync: boolean;
  /** Whether the function holds something that is disposed of at its end. */
  holds: boolean;
  readonly returns: ESTree.ReturnStatement[];
}

/**
 * Lines where an async function returns a call's promise without awaiting it although it holds a `using`: disposal
 * comes first then, and the work goes on with a lock, session or folder that is gone.
 */
function returnsBeforeDisposal(file: string, text: string): readonly string[] {
  const found: string[] = [];
  const scopes: Scope[] = [];
  const enter = (node: { readonly async: boolean }) => {
    scopes.push({ isAsync: node.async, holds: false, returns: [] });
  };
  const leave = () => {
    const scope = scopes.pop();
    if (scope === undefined || !scope.isAsync || !scope.holds) return;
    for (const { argument, start } of scope.returns) {
      if (argument?.type !== 'CallExpression' || isSynchronous(argument)) continue;
      found.push(`${file}:${text.slice(0, start).split('\n').length} ${text.slice(start).split('\n', 1)[0]}`);
    }
  };
  new Visitor({
    FunctionDeclaration: enter,
    'FunctionDeclaration:exit': leave,
    FunctionExpression: enter,
    'FunctionExpression:exit': leave,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': leave,
    VariableDeclaration(node) {
      const scope = scopes.at(-1);
      if (scope !== undefined && (node.kind === 'using' || node.kind === 'await using')) scope.holds = true;
    },
    ReturnStatement(node) {
      scopes.at(-1)?.returns.push(node);
    },
  }).visit(parseSync(file, text).program);
  return found;
}

test('nothing is disposed of before the work that needs it has ended', () => {
  const files = globSync(['src/**/*.ts', 'test/**/*.ts', 'scripts/**/*.ts'], {
    cwd: root,
    exclude: ['**/node_modules/**'],
  });
  expect(
    files.flatMap((file) => returnsBeforeDisposal(file, readFileSync(join(root, file), 'utf8'))),
  ).toEqual([]);
});

test('the check finds what it looks for', () => {
  const wrong = 'async function f() {\n  await using lock = take();\n  return work(lock);\n}\n';
  expect(returnsBeforeDisposal('wrong.ts', wrong)).toEqual(['wrong.ts:3 return work(lock);']);
  expect(returnsBeforeDisposal('right.ts', wrong.replace('return work', 'return await work'))).toEqual([]);
});
