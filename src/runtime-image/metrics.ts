import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { GenerationEnd } from './engine.ts';
import type { RuntimeState } from './state.ts';

const prefix = 'longshore_runtime_';
const durationBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export type Metrics = ReturnType<typeof createMetrics>;

/** What /metrics shows; docs: the `help` of each. */
export function createMetrics(state: RuntimeState) {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register, prefix });

  const requests = new Counter({
    name: `${prefix}requests_total`,
    help: 'Requests answered, by route and HTTP status.',
    labelNames: ['route', 'status'] as const,
    registers,
  });
  const duration = new Histogram({
    name: `${prefix}request_duration_seconds`,
    help: 'Time from request to the end of the answer, by route.',
    labelNames: ['route'] as const,
    buckets: durationBuckets,
    registers,
  });
  const abandoned = new Counter({
    name: `${prefix}requests_abandoned_total`,
    help: 'Requests whose client went away before the answer was complete, by route.',
    labelNames: ['route'] as const,
    registers,
  });
  const firstToken = new Histogram({
    name: `${prefix}time_to_first_text_seconds`,
    help: 'Time from request to the first text of the answer, waiting for a sequence included.',
    buckets: durationBuckets,
    registers,
  });
  const promptTokens = new Counter({
    name: `${prefix}prompt_tokens_total`,
    help: 'Tokens of prompts of finished requests.',
    registers,
  });
  const cachedTokens = new Counter({
    name: `${prefix}prompt_tokens_cached_total`,
    help: 'Tokens of prompts that did not have to be computed again.',
    registers,
  });
  const generatedTokens = new Counter({
    name: `${prefix}generated_tokens_total`,
    help: 'Tokens generated for finished requests.',
    registers,
  });
  const load = new Gauge({
    name: `${prefix}load_seconds`,
    help: 'Time that loading the model took; 0 while it loads.',
    registers,
  });
  const measured = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  measured('queue_depth', 'Requests that wait for a free sequence.', () => state.engine?.queued() ?? 0);
  measured('sequences_busy', 'Sequences at work on a request.', () => state.engine?.busy() ?? 0);
  measured('context_size_tokens', 'Tokens that a sequence holds.', () => state.engine?.contextSize ?? 0);

  return {
    contentType: register.contentType,
    text: () => register.metrics(),
    answered(route: string, status: number, seconds: number) {
      requests.inc({ route, status });
      duration.observe({ route }, seconds);
    },
    gaveUp: (route: string) => abandoned.inc({ route }),
    firstText: (seconds: number) => firstToken.observe(seconds),
    generated(end: GenerationEnd) {
      promptTokens.inc(end.promptTokens);
      cachedTokens.inc(end.cachedTokens);
      generatedTokens.inc(end.completionTokens);
    },
    loaded: (seconds: number) => load.set(seconds),
  };
}
