import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { exitCodes, type PullerReport } from '../protocols/puller.ts';
import { createHttpGet } from '../sources/http/http.ts';
import type { Patience } from '../sources/http/retry.ts';
import type { Source } from '../sources/source.ts';
import { collect } from './store/collect.ts';
import { defaultConnections } from './transfer/concurrency.ts';
import {
  ConfigError,
  readConfig,
  terminationLog,
  type CollectConfig,
  type Config,
  type SourceConfig,
} from './config.ts';
import { inspectInPlace, verifyInPlace, type InPlace } from './in-place.ts';
import { inspect } from './inspect.ts';
import { readNetwork } from './network.ts';
import { openSource } from './open-source.ts';
import { serveProgress } from './progress/progress-server.ts';
import { trackProgress } from './progress/progress.ts';
import { pull } from './pull.ts';
import { encodeReport, failureOf } from './report.ts';
import { showProgress } from './progress/terminal-line.ts';
import { openVolume } from './store/volume.ts';

const metadataTries = 4;
const downloadTries = 10;
/** The kubelet gives 30 s between SIGTERM and SIGKILL; a disk that hangs does not get all of them. */
const longestStopMs = 10_000;
const progressLogMs = 10_000;

const { stdout } = process;
// Synchronous, so that nothing is lost when the process exits. A terminal shows a line of progress instead.
const log = pino(
  { base: null, timestamp: pino.stdTimeFunctions.isoTime, level: stdout.isTTY ? 'warn' : 'info' },
  pino.destination({ dest: stdout.isTTY ? 2 : 1, sync: true }),
);
const stop = new AbortController();
const { signal } = stop;
const now = (): number => performance.now();

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.once(name, () => {
    log.info({ signal: name }, 'stopping');
    stop.abort(new Error(`stopped by ${name}`));
    setTimeout(() => process.exit(exitCodes.stopped), longestStopMs).unref();
  });
}

function patience(tries: number): Patience {
  return { tries, sleep: (ms) => sleep(ms, undefined, { signal }), random: Math.random };
}

async function sourceOf(config: SourceConfig): Promise<Source> {
  const get = createHttpGet(await readNetwork(config));
  return openSource(config, { get, patience: patience(metadataTries), signal });
}

/** Of a source whose files need not be brought. */
function placeOf({ request, volume: root }: SourceConfig): InPlace | undefined {
  const { volume: spec, ...others } = request.source;
  return spec !== undefined && Object.keys(others).length === 0 ? { root, spec } : undefined;
}

async function runInspect(config: SourceConfig): Promise<PullerReport> {
  const place = placeOf(config);
  if (place !== undefined) return { inspection: await inspectInPlace(place) };
  const source = await sourceOf(config);
  const { knownRevision } = config.request;
  if (knownRevision !== undefined && (await source.isStill?.(knownRevision))) {
    return { unchanged: { revision: knownRevision } };
  }
  return { inspection: await inspect(source, patience(metadataTries), signal) };
}

async function runPull(config: SourceConfig): Promise<PullerReport> {
  const { revision, modelUid } = config.request;
  if (modelUid === undefined) {
    throw new ConfigError('The puller cannot start: a request to pull needs the modelUid.');
  }
  const progress = trackProgress(now);
  await serveProgress(config.progressPort, progress).then(
    ({ port }) => log.info({ port }, 'serving progress'),
    (error: unknown) => log.warn({ err: error }, 'nobody can see the progress'),
  );
  setInterval(() => log.info(progress.read(), 'progress'), progressLogMs).unref();
  using _line = stdout.isTTY ? showProgress(stdout, progress) : undefined;
  const place = placeOf(config);
  if (place !== undefined) {
    return { publication: await verifyInPlace(place, revision, { progress, log, signal }) };
  }
  const startedAt = now();
  const publication = await pull({
    source: await sourceOf(config),
    revision,
    modelUid,
    volume: openVolume(config.volume),
    progress,
    patience: patience(downloadTries),
    connections: { ...defaultConnections, most: config.connections },
    bytesPerSecond: config.bytesPerSecond,
    now,
    log,
    signal,
  });
  const seconds = Math.round(now() - startedAt) / 1000;
  return { publication, transfer: { receivedBytes: progress.counts().receivedBytes, seconds } };
}

async function runCollect({ volume, request }: CollectConfig): Promise<PullerReport> {
  return { collection: await collect(volume, request, log) };
}

function run(config: Config): Promise<PullerReport> {
  if (config.command === 'collect') return runCollect(config);
  return config.command === 'inspect' ? runInspect(config) : runPull(config);
}

async function report(content: PullerReport): Promise<void> {
  const path = terminationLog(process.env);
  await writeFile(path, encodeReport(content)).catch((error: unknown) =>
    log.error({ err: error }, 'cannot write the termination message'),
  );
}

try {
  const config = readConfig(process.argv.slice(2), process.env);
  await report(await run(config));
  process.exit(exitCodes.success);
} catch (error) {
  const { failure, exitCode } = failureOf(signal.aborted ? signal.reason : error);
  log.error({ err: error, reason: failure.reason }, failure.message);
  await report({ failure });
  process.exit(signal.aborted ? exitCodes.stopped : exitCode);
}
