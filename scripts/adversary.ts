import { parseArgs } from 'node:util';
import { loadParser } from '../src/lint/parse-sql.ts';
import { letLoose } from '../test/adversary/let-loose.ts';
import { startPostgres } from '../test/support/postgres.ts';

const usage = `npm run test:adversary -- [options]

Lets hostile migration scripts loose on a PostgreSQL of its own, each statement by statement and as one query, and lets
recovery decide; an oracle that shares no code with src/ says whether the target is as before. Fails when one is not.

  --seed TEXT   which scripts [1]
  --from N      the first of them [0]
  --scripts N   how many of them [300]
  --show        print every script`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    scripts: { type: 'string', default: '300' },
    show: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(usage);
} else {
  await loadParser();
  await using cluster = await startPostgres();
  const from = Number(values.from);
  const judged = await letLoose(
    cluster,
    { seed: values.seed, from, to: from + Number(values.scripts) },
    ({ index, mode, result, method, kinds, script, wrong }) => {
      console.log(`${index} ${mode}: ${result} ${method ?? ''} (${kinds.join('; ')})`);
      if (values.show || wrong !== null) console.log(script);
      if (wrong !== null) console.log(`WRONG: ${wrong}`);
    },
  );
  const wrong = judged.filter((each) => each.wrong !== null);
  const results = Object.groupBy(judged, ({ result, method }) => `${result} ${method ?? ''}`.trim());
  console.log(
    Object.entries(results)
      .map(([each, list]) => `${each}: ${list?.length}`)
      .join(', '),
  );
  console.log(`${judged.length} ended, ${wrong.length} of them wrong`);
  if (wrong.length > 0) process.exitCode = 1;
}
