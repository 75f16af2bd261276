/** Many clients at once, for minutes: `npm run load:runtime`. Exits with 1 where a stream did not end as it should, a sequence was lost or memory grew. */
import { setInterval as every, setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { sample } from 'fast-check';
import { Runtime } from '../../src/runtime-image/testing/runtime.ts';
import { figuresOf } from '../bench/processes.ts';
import { median } from '../bench/runtime-figures.ts';
import { gemma } from '../hub/model.ts';
import { playCrowd, type Tally } from './crowd.ts';
import { visits, type Visit } from './visits.ts';

const usage = `Has many clients ask the runtime at once; a third of them go away before they have their answer.

  node test/load/runtime.ts [--minutes 5] [--clients 64] [--parallel 8] [--tokens 32] [--drafted]
    --tokens N   that a client asks for at most
    --drafted    by a draft model, which is the same one`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    clients: { type: 'string', default: '64' },
    parallel: { type: 'string', default: '8' },
    tokens: { type: 'string', default: '32' },
    drafted: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

/** Memory may grow by so much from the second quarter of the time to the last. */
const flatWithin = 0.03;

if (values.help) console.log(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const [minutes, clients, parallel, tokens] = [
    values.minutes,
    values.clients,
    values.parallel,
    values.tokens,
  ].map(Number) as [number, number, number, number];
  if (![minutes, clients, parallel, tokens].every((value) => value > 0)) {
    console.error(usage);
    return 2;
  }
  const { path } = await gemma();
  const draft = values.drafted ? { draftModelPath: path } : {};
  const runtime = await Runtime.start(path, {}, { contextSize: 512, parallel, ...draft });
  try {
    await runtime.loaded();
    const until = performance.now() + minutes * 60_000;
    const tally: Tally = { finished: 0, left: 0, broken: [] };
    const memory = watchMemory(runtime, until, tally);
    await playCrowd(runtime.url, clients, endless(tokens, until), tally);
    const growth = growthOf(await memory);
    const [running, waiting] = await atRest(runtime);
    for (const what of tally.broken.slice(0, 10)) console.log(`broken: ${what}`);
    console.log(
      `${tally.finished} streams came to their end, ${tally.left} clients went away, ${tally.broken.length} streams were broken`,
    );
    console.log(`memory grew by ${(growth * 100).toFixed(1)} %, of ${flatWithin * 100} %`);
    console.log(`afterwards ${running} requests at work and ${waiting} in line`);
    return tally.broken.length === 0 && growth <= flatWithin && running + waiting === 0 ? 0 : 1;
  } finally {
    runtime.child.kill('SIGKILL');
    await runtime.exited;
  }
}

/** Visits until the time is over. */
function endless(tokens: number, until: number): () => Visit | undefined {
  const all = visits(tokens);
  let planned: Visit[] = [];
  return () => {
    if (performance.now() > until) return undefined;
    if (planned.length === 0) planned = sample(all, 1000);
    return planned.pop();
  };
}

/** Megabytes, each second. */
async function watchMemory(runtime: Runtime, until: number, tally: Tally): Promise<number[]> {
  const seen: number[] = [];
  for await (const _ of every(1000)) {
    if (performance.now() > until || runtime.child.pid === undefined) break;
    const { rssMb } = await figuresOf(runtime.child.pid);
    seen.push(rssMb);
    if (seen.length % 15 === 0)
      console.error(
        `load: ${seen.length} s, ${rssMb.toFixed(0)} MB, ${tally.finished} finished, ${tally.left} left, ${tally.broken.length} broken`,
      );
  }
  return seen;
}

/** From the second quarter to the last, of the medians; the first is for caches to fill and code to become warm. */
function growthOf(seen: readonly number[]): number {
  const quarter = Math.floor(seen.length / 4);
  return median(seen.slice(-quarter)) / median(seen.slice(quarter, 2 * quarter)) - 1;
}

/** Requests at work and in line, once that is none, or a minute later. */
async function atRest(runtime: Runtime): Promise<[running: number, waiting: number]> {
  const until = performance.now() + 60_000;
  for (;;) {
    const running = await runtime.metric('num_requests_running');
    const waiting = await runtime.metric('num_requests_waiting');
    if (running + waiting === 0 || performance.now() > until) return [running, waiting];
    await sleep(100);
  }
}
