/**
 * How fast the runtime is, beside node-llama-cpp without a server and beside llama-server: `npm run bench:runtime`. Prints a
 * table; `--json FILE` keeps the figures. Exits with 1 where a target is missed.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { computeThreads } from '../../src/runtime-image/threads.ts';
import { headsByLayer } from '../hub/loadable-gguf.ts';
import { gemma } from '../hub/model.ts';
import { bundleRuntime } from './runtime-bundle.ts';
import { bareLoop, llamaServerAt, longshore, type Contender, type Load } from './runtime-contenders.ts';
import { tableOf, verdicts, type RuntimeFigures } from './runtime-figures.ts';
import { installedEngine, llamaServer } from './runtime-llama-server.ts';
import { measureEmpty, measureRound, rotated, type Plan } from './runtime-measure.ts';

const usage = `Measures the runtime with a real model, beside the engine alone and llama-server.

  node test/bench/runtime.ts
    --rounds N      of all contenders, each started anew, of which the median counts. Default: 5, eight to twenty minutes
    --streams LIST  how many are decoded at the same time, in turn. Default: 1,4,8
    --turns N       of each, in each round. Default: 2
    --model FILE    a GGUF file in place of Gemma 3 270M
    --gpu           on the GPU of this machine. Needs the driver, CUDA's libraries where the loader finds them, and
                    @node-llama-cpp/linux-x64-cuda beside node-llama-cpp
    --json FILE     keeps the figures
    --check         whether the bench works: once, shortened, without llama-server. Times do not count, since the
                    machine may be busy`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    streams: { type: 'string', default: '1,4,8' },
    turns: { type: 'string', default: '2' },
    model: { type: 'string' },
    gpu: { type: 'boolean', default: false },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const whole: Omit<Plan, 'streams' | 'turns'> = { tokens: 96, words: 800, times: 3 };
const shortened: Plan = { streams: [1, 2], tokens: 6, turns: 1, words: 20, times: 1 };

// Signals alone would leave what is measured behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

if (values.help) console.log(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const { check, json, gpu } = values;
  const streams = values.streams.split(',').map(Number);
  const [asked, turns] = [Number(values.rounds), Number(values.turns)];
  if (![asked, turns, ...streams].every((count) => Number.isInteger(count) && count > 0)) {
    console.error(usage);
    return 2;
  }
  const plan = check ? shortened : { ...whole, streams, turns };
  const rounds = check ? 1 : asked;
  const engine = await installedEngine(gpu);
  await using bundle = await bundleRuntime(gpu, say);
  const contenders: Contender[] = [longshore(bundle), bareLoop(bundle)];
  if (check) say('llama-server is left out');
  else contenders.push(llamaServerAt(await llamaServer(engine, say), bundle));
  const load: Load = {
    modelPath: values.model ?? (await gemma()).path,
    contextSize: check ? 512 : 2048,
    parallel: Math.max(...plan.streams),
    threads: computeThreads(readText, availableParallelism()),
    gpu,
  };
  const figures: RuntimeFigures = {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    engine: `node-llama-cpp ${engine.version}, llama.cpp ${engine.release}`,
    threads: load.threads,
    emptyMb: await emptyOf(contenders, load),
    rounds: [],
  };
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}`);
    figures.rounds.push(...(await measureRound(rotated(contenders, round), load, plan)));
    if (json !== undefined) await writeFile(json, JSON.stringify(figures, undefined, 2));
  }
  const backends = new Set(figures.rounds.map(({ backend }) => backend));
  console.log(
    `\n${figures.engine}, ${[...backends].join(', ')}, ${load.threads} threads\n\n${tableOf(figures)}`,
  );
  const told = verdicts(figures, !check);
  console.log(`\n${told.map(({ met, line }) => `${met ? 'met   ' : 'MISSED'}  ${line}`).join('\n')}`);
  return told.every(({ met }) => met) ? 0 : 1;
}

async function emptyOf(contenders: readonly Contender[], load: Load): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-bench-'));
  try {
    const modelPath = join(folder, 'empty.gguf');
    await writeFile(modelPath, headsByLayer());
    const empty: Record<string, number> = {};
    for (const contender of contenders)
      empty[contender.name] = await measureEmpty(contender, {
        ...load,
        modelPath,
        contextSize: 512,
        parallel: 1,
      });
    return empty;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function say(line: string): void {
  console.error(`bench: ${line}`);
}
