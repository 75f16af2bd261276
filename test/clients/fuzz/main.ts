/**
 * Asks a server at random for as long as one likes: `npm run fuzz:runtime -- --examples 500`, with a real model, and
 * `npm run fuzz:gateway`. `--seed` asks something else. It ends with 1 where something was found, and says what.
 */
import { parseArgs } from 'node:util';
import { fuzz, type FuzzOptions } from './fuzz.ts';
import { startGateway } from './gateway.ts';
import { startShortAnswers } from './short-answers.ts';

interface Started extends Pick<FuzzOptions, 'most' | 'key' | 'models'> {
  url: string;
  stop: () => Promise<void>;
}

const servers: Record<string, () => Promise<Started>> = {
  async runtime() {
    const most = 4;
    const { runtime, stop } = await startShortAnswers(most);
    return { url: runtime.url, most, stop };
  },
  gateway: startGateway,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    examples: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const start = servers[positionals[0] ?? ''];
if (start) process.exitCode = await main(start);
else {
  console.error(`node test/clients/fuzz/main.ts ${Object.keys(servers).join('|')} [--examples N] [--seed N]`);
  process.exitCode = 2;
}

async function main(start: () => Promise<Started>): Promise<number> {
  const { url, stop, ...known } = await start();
  try {
    const found = await fuzz(url, {
      ...known,
      examples: Number(values.examples),
      seed: Number(values.seed),
      phases: ['coverage', 'fuzzing'],
    });
    for (const [operation, statuses] of [...found.statuses].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      if (statuses.size === 1 && statuses.has(405)) continue;
      const counts = Array.from(statuses, ([status, count]) => `${status}: ${count}`);
      console.log(`${operation.padEnd(30)} ${counts.join(', ')}`);
    }
    console.log(`${found.requests} requests in ${Math.round(found.seconds)} s`);
    if (found.problems !== '') console.error(found.problems);
    return found.problems === '' ? 0 : 1;
  } finally {
    await stop();
  }
}
