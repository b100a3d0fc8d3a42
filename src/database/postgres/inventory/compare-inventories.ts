import type { Inventory } from '../../inventory.ts';
import { type InventoryObject, objectsOf } from './inventory.ts';

/** What a comparison found: `differences` refuse the copy, `told` is what it does not prove, by name. */
export interface Comparison {
  readonly differences: readonly string[];
  readonly told: readonly string[];
}

/** A fact that is known to differ, and why it may is said elsewhere. */
export interface KnownDifference {
  readonly kind: string;
  readonly name: string;
  readonly fact: string;
}

/** Facts whose values say what is wrong and hold nothing of the user's: the others are named only. */
const longestValue = 60;
const unspoken =
  /^(prosrc|probin|prosqlbody|description|label|umoptions|srvoptions|fdwoptions|ftoptions|reloptions|attfdwoptions|tgargs|toastOptions|proconfig|dictinitoption)$/;

/** Of an extension's own functions and types other than these, an older script may have made them otherwise. */
const binding = /owner$|^prosrc$|^probin$|^prosecdef$|^tgenabled$|^extconfig$|^extnamespace$/;
/** Kinds that hold rows or hang on them: there, whatever differs counts. */
const ofRelations =
  /table|index|column|default|constraint|trigger|rule|policy|sequence|view|inheritance|partition/;

/**
 * Compares two inventories, object by object. What belongs to an extension is made anew by its script, which may be of
 * another age than the one that made the original: what that explains is told, what it does not is a difference.
 */
export function compareInventories(
  expected: Inventory,
  actual: Inventory,
  known: readonly KnownDifference[] = [],
): Comparison {
  const before = byKey(objectsOf(expected));
  const after = byKey(objectsOf(actual));
  const members = memberNames(before);
  const membersNow = memberNames(after);
  const isKnown = (object: InventoryObject, fact: string): boolean =>
    known.some((each) => each.kind === object.kind && each.name === object.name && each.fact === fact);
  const differences: string[] = [];
  const told: string[] = [];

  for (const [key, objects] of before) {
    const [object] = objects;
    const others = after.get(key);
    if (object === undefined) continue;
    if (others === undefined) {
      if (object.kind === 'invalid index') {
        told.push(`index ${object.name} is not valid, so the backup does not hold it`);
      } else if (object.kind === 'subscription') {
        told.push(
          `subscription ${object.name} is not in the backup: restored, it would take the slot of the original`,
        );
      } else {
        (object.kind === 'comment' && members.has(object.name) ? told : differences).push(
          `${labelOf(object)} is missing`,
        );
      }
      continue;
    }
    if (isTransient(object)) {
      told.push(
        `table ${object.name} of extension ${object.extension} is unlogged and holds what passes: its rows are not in the backup`,
      );
    }
    for (const fact of differingFacts(objects, others)) {
      if (isKnown(object, fact.name)) continue;
      const sentence = `${labelOf(object)}: ${wordsOf(fact)}`;
      (isExplained(object, fact, members) ? told : differences).push(sentence);
    }
  }
  for (const [key, [object]] of after) {
    if (object === undefined || before.has(key)) continue;
    const sentence = `${labelOf(object)} is there and should not be`;
    const isOfExtension =
      object.extension !== null ||
      object.kind === 'member of extension' ||
      (object.kind === 'comment' && membersNow.has(object.name));
    (isOfExtension ? told : differences).push(sentence);
  }
  return { differences: tablesFirst(differences), told };
}

function byKey(objects: readonly InventoryObject[]): ReadonlyMap<string, readonly InventoryObject[]> {
  const found = new Map<string, InventoryObject[]>();
  for (const object of objects) {
    const key = `${object.kind}\t${object.name}`;
    found.set(key, [...(found.get(key) ?? []), object]);
  }
  return found;
}

/** `type name` of everything that is a member of an extension, as comments are named. */
function memberNames(objects: ReadonlyMap<string, readonly InventoryObject[]>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [object] of objects.values()) {
    if (object?.kind === 'member of extension') names.add(object.name.slice(object.name.indexOf(': ') + 2));
  }
  return names;
}

function labelOf(object: InventoryObject): string {
  return `${object.kind} ${object.name}`;
}

function isTransient(object: InventoryObject): boolean {
  return object.kind === 'table' && object.extension !== null && object.facts.relpersistence === 'u';
}

function isExplained(object: InventoryObject, fact: DifferingFact, members: ReadonlySet<string>): boolean {
  // What initdb made is the server's; another server of the same major may have been made by another minor version.
  if (object.kind === 'system rows') return true;
  if (object.kind === 'comment') return members.has(object.name) || object.name.startsWith('extension ');
  // pg_dump writes what a column inherits once, for the parent.
  if (fact.name === 'position') return true;
  // An identity column that LIKE has copied may count in a type that is not its own; a dump gives it its own.
  if (fact.name === 'seqtypid') return true;
  // A restore names it after the parent's.
  if (fact.name === 'inheritedAs') return true;
  if (object.facts.attinhcount !== undefined && /^att(storage|compression)$/.test(fact.name)) return true;
  if (object.extension === null) return false;
  // What default privileges had added when the extension was made; more than there was is no explanation.
  if (fact.name.endsWith('acl')) return grantsNoMore(fact);
  return !ofRelations.test(object.kind) && !binding.test(fact.name);
}

function grantsNoMore({ before, after }: DifferingFact): boolean {
  const had = new Set(before?.split(' '));
  return (after ?? '').split(' ').every((item) => item === '' || had.has(item));
}

interface DifferingFact {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

function differingFacts(
  before: readonly InventoryObject[],
  after: readonly InventoryObject[],
): readonly DifferingFact[] {
  if (before.length !== after.length) {
    return [{ name: 'number', before: String(before.length), after: String(after.length) }];
  }
  return before.flatMap((object, place) => {
    const other = after[place]?.facts ?? {};
    const names = new Set([...Object.keys(object.facts), ...Object.keys(other)]);
    return [...names]
      .filter((name) => object.facts[name] !== other[name])
      .map((name) => ({ name, before: object.facts[name], after: other[name] }));
  });
}

function wordsOf({ name, before, after }: DifferingFact): string {
  const isLong = [before, after].some((value) => (value?.length ?? 0) > longestValue);
  if (isLong || unspoken.test(name)) return `${name} differs`;
  return `${name} is ${after ?? 'not set'} instead of ${before ?? 'not set'}`;
}

/** A table that is missing says more than its columns, which are missing, too. */
function tablesFirst(differences: readonly string[]): readonly string[] {
  const rank = (sentence: string): number =>
    /^(schema|extension|table|partitioned table) /.test(sentence) ? 0 : 1;
  return differences.toSorted((a, b) => rank(a) - rank(b));
}
