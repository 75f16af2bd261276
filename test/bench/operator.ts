/**
 * How the operator does with many objects: `npm run bench:operator`. Prints a table for each number of objects;
 * `--json FILE` keeps the figures, `--check` exits with 1 where a target is missed.
 */
import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { bundleOperator } from './bundle.ts';
import type { Figures } from './figures.ts';
import { benchSize } from './size.ts';
import { tableOf } from './table.ts';
import { verdicts } from './targets.ts';

const usage = `Measures the operator on control planes of its own, with pods that are played.

  node test/bench/operator.ts [--sizes 10,100,500,2000,5000] [--servers]
    --servers       as many ModelServers as Models
    --quick         50 objects and short windows: whether the bench works, not how fast the operator is
    --json FILE     keeps the figures
    --check         exits with 1 where a target is missed
    --node=OPTION   for the operator's Node, as --node=--cpu-prof or --node=--max-semi-space-size=4; may be repeated
    --keep          leaves the clusters up`;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string' },
    servers: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    node: { type: 'string', multiple: true, default: [] },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) console.log(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const { servers, quick, keep, json, node: nodeOptions } = values;
  const sizes = (values.sizes ?? (quick ? '50' : '10,100,500,2000,5000')).split(',').map(Number);
  if (!sizes.every((size) => Number.isInteger(size) && size > 0)) {
    console.error(usage);
    return 2;
  }
  const say = (line: string): void => console.error(`bench: ${line}`);
  await using bundle = await bundleOperator();
  const windows = quick
    ? { alone: 10, idleSeconds: 20, restSeconds: 2 }
    : { alone: 50, idleSeconds: 120, restSeconds: 5 };
  const results: Figures[] = [];
  for (const size of sizes) {
    const figures = await benchSize({ size, servers, bundle, keep, nodeOptions, say, ...windows });
    results.push(figures);
    console.log(`\n${tableOf(figures)}`);
    // After each, so that hours are not lost to the last one.
    if (json !== undefined) await writeFile(json, JSON.stringify(report(results), undefined, 2));
  }
  const told = verdicts(results);
  console.log(`\n${told.map(({ met, line }) => `${met ? 'met   ' : 'MISSED'}  ${line}`).join('\n')}`);
  return values.check && told.some(({ met }) => !met) ? 1 : 0;
}

function report(results: readonly Figures[]): object {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  return { date: new Date().toISOString(), machine, node: process.version, results };
}
