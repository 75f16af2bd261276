import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { listenEverywhere } from '../http-server/listen.ts';
import type { RuntimeSettings } from '../protocols/runtime.ts';
import { openApiKeys } from './api-keys.ts';
import type { App } from './app.ts';
import type { Config } from './config.ts';
import { readConfig, terminationLog } from './config.ts';
import { shuttingDown } from './errors.ts';
import { failureOf } from './failure.ts';
import { idleConnections } from '../http-server/idle-connections.ts';
import { loadEngine } from './llama.ts';
import type { Metrics } from './metrics.ts';
import { createMetrics } from './metrics.ts';
import { createServer } from './server.ts';
import type { RuntimeState } from './state.ts';
import { newState } from './state.ts';
import { computeThreads } from './threads.ts';

const log = pino();
const config = configured();
try {
  await run(config);
} catch (error) {
  fail(error, config.settings);
}

function configured(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    return fail(error);
  }
}

/** Listens first: whoever watches sees the load from its beginning. */
async function run(config: Config): Promise<void> {
  log.level = config.logLevel;
  const { servedName, servedNames, adapters = [], modelDigest, apiKeys } = config.settings;
  const adapterNames = adapters.map(({ name }) => name);
  const state = newState(servedName, new Date(), servedNames, adapterNames);
  state.modelDigest = modelDigest;
  const metrics = createMetrics(state);
  const keys = apiKeys && (await openApiKeys(apiKeys.path, () => performance.now()));
  const app = createServer(state, metrics, log, keys);
  endWithGrace(app, state, config);
  const { host, port } = config;
  await (host === undefined ? listenEverywhere(app, port) : app.listen({ host, port }));
  try {
    await load(state, metrics, config);
  } catch (error) {
    state.load = { ...state.load, phase: 'failed' };
    throw error;
  }
}

async function load(state: RuntimeState, metrics: Metrics, { settings, variant }: Config): Promise<void> {
  const started = performance.now();
  const threads = computeThreads(readText, availableParallelism());
  log.info({ threads, variant, ...settings }, 'loading');
  const onProgress = (fraction: number) => {
    // 100 is for ready: there is still the context to make when the weights are read.
    state.load = { phase: 'loading', percent: Math.min(99, Math.floor(fraction * 100)) };
  };
  const loading = { settings, variant, threads, onProgress, log };
  const { engine, adapters, chat, model } = await loadEngine(loading);
  state.engine = engine;
  state.adapters = adapters;
  state.model = model;
  state.load = { phase: 'ready', percent: 100, chat, contextSize: engine.contextSize };
  const seconds = (performance.now() - started) / 1000;
  metrics.loaded(seconds);
  log.info({ seconds }, 'ready');
}

function fail(error: unknown, settings?: RuntimeSettings): never {
  const failure = failureOf(error, settings);
  log.fatal({ err: error }, failure.failure.message);
  try {
    writeFileSync(terminationLog(process.env), JSON.stringify(failure));
  } catch (cause) {
    log.error({ err: cause }, 'the termination message could not be written');
  }
  process.exit(1);
}

/**
 * After SIGTERM: says not ready and goes on serving until the endpoints have forgotten this Pod, then lets requests on
 * their way end, and breaks off what is left when the time is over.
 */
function endWithGrace(app: App, state: RuntimeState, { drainSeconds, graceSeconds }: Config): void {
  const milliseconds = (drainSeconds + graceSeconds) * 1000;
  const endIdle = idleConnections(app.server);
  closeWithGrace({ delay: milliseconds + 2000, logger: log }, async ({ err }) => {
    if (err) throw err;
    log.info({ drainSeconds, graceSeconds }, 'draining');
    state.draining = true;
    if (state.load.phase === 'ready') await delay(drainSeconds * 1000);
    const lastCall = setTimeout(() => state.lastCall.abort(shuttingDown()), graceSeconds * 1000);
    // A connection that was busy when the server closed is kept alive by its client; it has to be ended when it is idle.
    const idle = setInterval(endIdle, 100);
    await app.close();
    clearInterval(idle);
    clearTimeout(lastCall);
    log.info('ended');
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
