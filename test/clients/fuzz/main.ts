/**
 * Asks the runtime at random for as long as one likes, with a real model: `npm run fuzz:runtime -- --examples 500`.
 * `--seed` asks something else. It ends with 1 where something was found, and says what.
 */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { startShortAnswers } from './short-answers.ts';

const { values } = parseArgs({
  options: {
    examples: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const most = 4;
const { runtime, stop } = await startShortAnswers(most);
try {
  const found = await fuzz(runtime.url, {
    examples: Number(values.examples),
    seed: Number(values.seed),
    phases: ['coverage', 'fuzzing'],
    most,
  });
  for (const [operation, statuses] of [...found.statuses].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (statuses.size === 1 && statuses.has(405)) continue;
    const counts = Array.from(statuses, ([status, count]) => `${status}: ${count}`);
    console.log(`${operation.padEnd(30)} ${counts.join(', ')}`);
  }
  console.log(`${found.requests} requests in ${Math.round(found.seconds)} s`);
  if (found.problems !== '') {
    console.error(found.problems);
    process.exitCode = 1;
  }
} finally {
  await stop();
}
