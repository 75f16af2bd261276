/**
 * How fast weights get onto a disk, verified, beside other programs: `npm run bench:pull`. Prints a table for each part;
 * `--json FILE` keeps the figures, `--check` exits with 1 where a target is missed.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../cluster/commands.ts';
import { cacheFolder } from '../cluster/places.ts';
import { ensureDebianPackages } from '../cluster/tools/debian.ts';
import { bundlePuller } from './pull-bundle.ts';
import { aria2, curl, hf, killAt, longshore, measure, type Client, type Job } from './pull-clients.ts';
import { PullFigures, tableOf, verdicts, type Part, type Run } from './pull-figures.ts';
import { startOrigin, type Origin } from './pull-origin.ts';

const usage = `Measures the puller beside curl, aria2 and hf, on loopback, with nginx as the origin.

  node test/bench/pull.ts [--part near|far|killed]...
    --part NAME   near: as fast as it goes; far: 20 MB/s for each connection and 150 ms to the first byte;
                  killed: SIGKILL at half, and again. Default: all, some twelve minutes
    --runs N      of each client, of which the median counts. Default: 5
    --mib N       size of the file. Default: 2048
    --json FILE   keeps the figures; parts that are in it already and are not measured now stay
    --check       exits with 1 where a target is missed`;

const parts: readonly Part[] = ['near', 'far', 'killed'];
/** These have one connection, and take minutes on a far link. */
const slowRuns = 1;

const { values } = parseArgs({
  options: {
    part: { type: 'string', multiple: true, default: [...parts] },
    runs: { type: 'string', default: '5' },
    mib: { type: 'string', default: '2048' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) console.log(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const wanted = parts.filter((part) => values.part.includes(part));
  const [runs, mib] = [Number(values.runs), Number(values.mib)];
  if (wanted.length < values.part.length || !(runs >= 1) || !(mib >= 1)) {
    console.error(usage);
    return 2;
  }
  await ensureDebianPackages(['nginx-light', 'libnginx-mod-http-echo', 'aria2', 'openssl'], { say });
  // Not under /tmp, which may be memory.
  await mkdir(cacheFolder(), { recursive: true });
  const folder = await mkdtemp(join(cacheFolder(), 'bench-pull-'));
  const figures = await earlierFigures();
  try {
    await using bundle = await bundlePuller();
    await using origin = await startOrigin(folder, mib * 2 ** 20);
    const clients = [longshore(bundle.puller), curl, aria2, await hf()];
    for (const part of wanted) {
      figures.runs = figures.runs.filter((run) => run.part !== part);
      figures.runs.push(...(await measurePart(part, clients, origin, join(folder, 'volume'), runs)));
      if (values.json !== undefined) await writeFile(values.json, JSON.stringify(figures, undefined, 2));
      console.log(`\n${tableOf(figures, part)}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const told = verdicts(figures);
  console.log(`\n${told.map(({ met, line }) => `${met ? 'met   ' : 'MISSED'}  ${line}`).join('\n')}`);
  return values.check && told.some(({ met }) => !met) ? 1 : 0;
}

async function earlierFigures(): Promise<PullFigures> {
  const text = values.json === undefined ? '' : await readFile(values.json, 'utf8').catch(() => '');
  const earlier = text === '' ? undefined : PullFigures.parse(JSON.parse(text));
  const [cpu] = cpus();
  return {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpu?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    runs: earlier?.runs ?? [],
  };
}

async function measurePart(
  part: Part,
  clients: readonly Client[],
  origin: Origin,
  volume: string,
  runs: number,
): Promise<Run[]> {
  const measured: Run[] = [];
  // In turns, so that what else the machine does meets all of them.
  for (let round = 0; round < runs; round++) {
    for (const client of clients) {
      const slow = part === 'far' && (client === curl || client.name.startsWith('hf'));
      if (slow && round >= slowRuns) continue;
      await rm(volume, { recursive: true, force: true });
      await mkdir(volume, { recursive: true });
      await run('sync', []);
      await origin.sentBytes();
      const job: Job = { origin, url: part === 'far' ? origin.far : origin.near, folder: volume };
      if (part === 'killed') await killAt(client, job, () => filled(volume, origin.sizeBytes / 2));
      const took = await measure(client, job);
      const fetched = (await origin.sentBytes()) / origin.sizeBytes;
      const megabytesPerSecond = origin.sizeBytes / 1e6 / took.seconds;
      measured.push({ part, client: client.name, ...took, megabytesPerSecond, fetched });
      say(`${part} ${client.name}: ${took.seconds.toFixed(2)} s, fetched ${fetched.toFixed(3)}`);
    }
  }
  return measured;
}

/** Resolves when the files below a folder take so many bytes of the disk. */
async function filled(folder: string, bytes: number): Promise<void> {
  const until = performance.now() + 300_000;
  while ((await usedBytes(folder)) < bytes) {
    if (performance.now() > until) throw new Error(`${folder} does not fill`);
  }
}

async function usedBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = files.map(({ parentPath, name }) =>
    stat(join(parentPath, name)).then(
      ({ blocks }) => blocks * 512,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function say(line: string): void {
  console.error(`bench: ${line}`);
}
