import { parseArgs } from 'node:util';
import { loadParser } from '../src/lint/parse-sql.ts';
import { type Judged, letLoose } from '../test/adversary/let-loose.ts';
import { throughBundle } from '../test/adversary/through-bundle.ts';
import { startCeph } from '../test/support/ceph.ts';
import { startPostgres } from '../test/support/postgres.ts';

const usage = `npm run test:adversary -- [options]

Lets hostile migration scripts loose on a PostgreSQL of its own, each statement by statement and as one query, and lets
recovery decide; an oracle that shares no code with src/ says whether the target is as before. Fails when one is not.

  --seed TEXT   which scripts [1]
  --from N      the first of them [0]
  --scripts N   how many of them [300]
  --bundle N    how many more go through dist/ and the project's real Prisma, with Ceph's S3 [0]
  --show        print every script`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    scripts: { type: 'string', default: '300' },
    bundle: { type: 'string', default: '0' },
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
  const tell = ({ index, mode, result, method, kinds, script, wrong }: Judged): void => {
    console.log(`${index} ${mode}: ${result} ${method ?? ''} (${kinds.join('; ')})`);
    if (values.show || wrong !== null) console.log(script);
    if (wrong !== null) console.log(`WRONG: ${wrong}`);
  };
  const { seed } = values;
  const judged = [...(await letLoose(cluster, { seed, from, to: from + Number(values.scripts) }, tell))];
  if (Number(values.bundle) > 0) {
    await using ceph = await startCeph();
    const trials = { seed: `${seed} bundle`, from, to: from + Number(values.bundle) };
    judged.push(...(await throughBundle({ cluster, ceph }, trials, tell)));
  }
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
