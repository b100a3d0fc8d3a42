import { linesOfTable } from './comparable-entries.ts';

const name = String.raw`(?:"(?:[^"]|"")+"|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
const tableName = new RegExp(`^CREATE (?:UNLOGGED |FOREIGN )?TABLE (${name}(?:\\.${name})?)`);
/** `    CONSTRAINT amount_positive CHECK ((amount > 0))` inside of a CREATE TABLE. */
const constraintLine = new RegExp(`^ {4}CONSTRAINT (${name}) (.*)$`);
const columnLine = new RegExp(`^ {4}(?!CONSTRAINT )(${name}) (.*)$`);
const statementLine = /^ALTER TABLE .*;$/;

/** What ends a setting that pg_dump prints as a statement below the table. */
const resets: readonly (readonly [RegExp, string])[] = [
  [/^(ALTER TABLE .*) FORCE ROW LEVEL SECURITY;$/, '$1 NO FORCE ROW LEVEL SECURITY;'],
  [/^(ALTER TABLE .* SET STATISTICS) -?\d+;$/, '$1 -1;'],
  [/^(ALTER TABLE .* REPLICA IDENTITY) .*;$/, '$1 DEFAULT;'],
];

/** Statements that stand for one another, the gentlest first. */
type Ways = readonly string[];

/**
 * What takes a table to what it should be, each to be done for itself, from the definitions that pg_dump prints:
 * columns, constraints and settings. What is found nowhere here (partitions, storage parameters, inheritance) is not.
 */
export function tableStatements(is: string, should: string): readonly Ways[] {
  const table = tableName.exec(is)?.[1];
  if (table === undefined) return [];
  const [before, after] = [linesOfTable(is), linesOfTable(should)];
  const gone = before.filter((line) => !after.includes(line));
  const come = after.filter((line) => !before.includes(line));
  const alter = (action: string): string => `ALTER TABLE ${table} ${action};`;
  return [
    ...gone.flatMap((line) =>
      named(constraintLine, line, ([constraint]) => [alter(`DROP CONSTRAINT ${constraint}`)]),
    ),
    ...columns(gone, come, alter),
    ...come.flatMap((line) =>
      named(constraintLine, line, ([constraint, rest]) => [alter(`ADD CONSTRAINT ${constraint} ${rest}`)]),
    ),
    ...gone.filter((line) => statementLine.test(line)).flatMap(reset),
    ...come.filter((line) => statementLine.test(line)).map((line) => [line]),
  ];
}

/** The lines in which two definitions of a table differ, for people. */
export function tableLines(is: string, should: string): readonly string[] {
  const [before, after] = [is, should].map((body) =>
    linesOfTable(body).filter((line) => !/^\);?$/.test(line)),
  );
  if (before === undefined || after === undefined) return [];
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `only in the database: ${line.trim()}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `only in the migrations: ${line.trim()}`),
  ];
}

function named(pattern: RegExp, line: string, make: (parts: readonly string[]) => Ways): readonly Ways[] {
  const found = pattern.exec(line);
  return found === null ? [] : [make(found.slice(1))];
}

function reset(line: string): readonly Ways[] {
  const found = resets.find(([pattern]) => pattern.test(line));
  return found === undefined ? [] : [[line.replace(found[0], found[1])]];
}

function columns(
  gone: readonly string[],
  come: readonly string[],
  alter: (action: string) => string,
): readonly Ways[] {
  const [before, after] = [columnsIn(gone), columnsIn(come)];
  return [
    ...[...before].flatMap(([column, rest]): readonly Ways[] => {
      const wanted = after.get(column);
      return wanted === undefined
        ? [[alter(`DROP COLUMN ${column}`)]]
        : changed(column, rest, wanted).map((ways) => ways.map(alter));
    }),
    ...[...after]
      .filter(([column]) => !before.has(column))
      .map(([column, rest]) => [alter(`ADD COLUMN ${column} ${rest}`)]),
  ];
}

function columnsIn(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    lines.flatMap((line) => {
      const [, column, rest] = columnLine.exec(line) ?? [];
      return column === undefined || rest === undefined ? [] : [[column, rest] as const];
    }),
  );
}

function changed(column: string, is: string, should: string): readonly Ways[] {
  const [before, after] = [partsOf(is), partsOf(should)];
  if (before.generated !== after.generated) {
    // Only a computed column can be made anew without losing anything.
    return before.generated === null ? [] : [[`DROP COLUMN ${column}, ADD COLUMN ${column} ${should}`]];
  }
  const found: Ways[] = [];
  const alter = (action: string) => `ALTER COLUMN ${column} ${action}`;
  const withDefault = after.default === null ? 'DROP DEFAULT' : `SET DEFAULT ${after.default}`;
  if (before.type !== after.type) {
    const converted = alter(`TYPE ${after.type} USING ${column}::${after.type}`);
    // A default of the old type may not fit the new one.
    const around = [
      alter('DROP DEFAULT'),
      converted,
      ...(after.default === null ? [] : [alter(withDefault)]),
    ];
    found.push([alter(`TYPE ${after.type}`), converted, around.join(', ')]);
  }
  if (before.default !== after.default) found.push([alter(withDefault)]);
  if (before.isRequired !== after.isRequired) {
    found.push([alter(after.isRequired ? 'SET NOT NULL' : 'DROP NOT NULL')]);
  }
  return found;
}

/** From 18 on it may have a name. */
const required = new RegExp(`(?: CONSTRAINT ${name})? NOT NULL$`);

/** `integer DEFAULT 0 NOT NULL`. */
function partsOf(definition: string) {
  const isRequired = required.test(definition);
  const [, type = '', , expression] =
    /^(.*?)(?: (DEFAULT|GENERATED ALWAYS AS) (.*))?$/.exec(definition.replace(required, '')) ?? [];
  const isGenerated = / GENERATED ALWAYS AS /.test(definition);
  return {
    isRequired,
    type,
    default: isGenerated ? null : (expression ?? null),
    generated: isGenerated ? (expression ?? null) : null,
  };
}
