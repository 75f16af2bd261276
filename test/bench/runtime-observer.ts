/**
 * Loaded with `--import` into what is measured: tells how late its event loop is from `watch` to `lag`. A timer is due every
 * 10 ms meanwhile, which costs a core that computes something; the histogram holds the time from one to the next.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const every = 10;

/** Milliseconds that the event loop came too late, while it was watched. */
export interface Lag {
  p50: number;
  p99: number;
  max: number;
}

// Processes that it forks, as node-llama-cpp does to try a binary, are not measured.
process.execArgv.length = 0;

const delay = monitorEventLoopDelay({ resolution: every });

process.on('message', (message) => {
  if (message === 'watch') {
    delay.reset();
    delay.enable();
  }
  if (message !== 'lag') return;
  delay.disable();
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - every);
  const lag: Lag = {
    p50: late(delay.percentile(50)),
    p99: late(delay.percentile(99)),
    max: late(delay.max),
  };
  process.send?.({ lag });
});
