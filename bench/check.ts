// How long a check takes with 500 migrations and a schema of 3 000 lines: `npm run bench:check`. The parts are printed as
// shares of the whole, which is what can be compared between machines.
import { createCheckGround } from '../test/support/check-ground.ts';
import { startPostgres } from '../test/support/postgres.ts';

const migrationCount = 500;
const tableCount = 250;
const columnCount = 9;

/** One migration makes a table, the next one an index on it. */
function migrations(): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: migrationCount }, (_, index) => {
      const table = Math.floor(index / 2);
      const name = `2026${String(1_000_000_000 + index).slice(0, 10)}_step_${index}`;
      return [
        name,
        index % 2 === 0 ? createTable(table) : `CREATE INDEX "T${table}_c1_idx" ON "T${table}"("c1");\n`,
      ];
    }),
  );
}

function createTable(table: number): string {
  const columns = Array.from({ length: columnCount }, (_, column) => `  "c${column}" TEXT`);
  return `CREATE TABLE "T${table}" (\n  "id" SERIAL NOT NULL,\n${columns.join(',\n')},\n\n  CONSTRAINT "T${table}_pkey" PRIMARY KEY ("id")\n);\n`;
}

function model(table: number): string {
  const columns = Array.from({ length: columnCount }, (_, column) => `  c${column} String?`);
  return `model T${table} {\n  id Int @id @default(autoincrement())\n${columns.join('\n')}\n\n  @@index([c1])\n}\n`;
}

const models = Array.from({ length: tableCount }, (_, table) => model(table)).join('\n');
await using target = await startPostgres();
await using shadow = await startPostgres();
await using ground = await createCheckGround({ target, shadow, base: migrations(), models });
await ground.commit();
const startedAt = performance.now();
await using run = await ground.check();
const seconds = (performance.now() - startedAt) / 1000;
if (run.result.exitCode !== 0) throw new Error(run.result.log);
console.log(
  `${migrationCount} migrations, ${models.split('\n').length} lines of schema: ${seconds.toFixed(1)} s`,
);
for (const line of run.result.visibleLog.split('\n')) {
  const [, part, took] = /^check\s+([\d.]+) s\s+(\w+)/.exec(line) ?? [];
  if (part !== undefined) console.log(`  ${took}: ${Math.round((100 * Number(part)) / seconds)} %`);
}
