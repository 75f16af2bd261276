import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { requestBuckets, requestMetrics } from '../http-server/request-metrics.ts';
import type { Engine, GenerationEnd } from './engine.ts';
import type { RuntimeState } from './state.ts';

const prefix = 'longshore_runtime_';

/** Seconds. */
const tokenBuckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5];

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * What /metrics shows; docs: the `help` of each, and docs/metrics.md. Names behind the prefix are those of vLLM where it has the like:
 * https://docs.vllm.ai/en/latest/usage/metrics.html
 */
export function createMetrics(state: RuntimeState) {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register, prefix });
  const counter = (name: string, help: string) => new Counter({ name: `${prefix}${name}`, help, registers });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `${prefix}${name}`, help, buckets, registers });
  /** The engines of the model and of its adapters; none while it loads. */
  const engines = (): Engine[] => (state.engine ? [state.engine, ...state.adapters.values()] : []);
  const total = (read: (engine: Engine) => number) => engines().reduce((sum, one) => sum + read(one), 0);
  const measured = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const counted = (name: string, help: string, read: (engine: Engine) => number) =>
    new Counter({
      name: `${prefix}${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(total(read));
      },
    });

  const requests = requestMetrics(prefix, register);
  const toFirst = histogram(
    'time_to_first_token_seconds',
    'Time from request to the first token of the answer, waiting for a sequence included.',
    requestBuckets,
  );
  const toNext = histogram(
    'inter_token_latency_seconds',
    'Time between two tokens of an answer.',
    tokenBuckets,
  );
  const inLine = histogram(
    'request_queue_time_seconds',
    'Time that requests waited for a sequence.',
    requestBuckets,
  );
  const inPrompt = histogram(
    'request_prefill_time_seconds',
    'Time from having a sequence to the first token: the prompt is computed.',
    requestBuckets,
  );
  const inDecode = histogram(
    'request_decode_time_seconds',
    'Time from the first token of an answer to the last.',
    requestBuckets,
  );
  const promptTokens = counter('prompt_tokens_total', 'Tokens of prompts of finished requests.');
  const generatedTokens = counter('generation_tokens_total', 'Tokens generated for finished requests.');
  const queried = counter(
    'prefix_cache_queries_total',
    'Tokens of prompts that were looked for in a sequence.',
  );
  const hits = counter(
    'prefix_cache_hits_total',
    'Tokens of prompts that did not have to be computed again.',
  );
  const load = new Gauge({
    name: `${prefix}load_seconds`,
    help: 'Time that loading the model took; 0 while it loads.',
    registers,
  });
  measured('num_requests_waiting', 'Requests that wait for a free sequence.', () =>
    total((engine) => engine.queued()),
  );
  measured('num_requests_running', 'Sequences at work on a request.', () => total((engine) => engine.busy()));
  measured('sequences', 'Sequences that are decoded together at most, those of adapters too.', () =>
    total((engine) => engine.parallel),
  );
  measured('context_size_tokens', 'Tokens that a sequence holds.', () => state.engine?.contextSize ?? 0);
  measured(
    'kv_cache_usage_ratio',
    'Part of the KV cache that holds tokens, those kept for later requests too; 1 is all of it.',
    () =>
      total((engine) => engine.held()) /
      Math.max(
        1,
        total((engine) => engine.contextSize * engine.parallel),
      ),
  );
  counted(
    'spec_decode_num_draft_tokens_total',
    'Tokens that a draft model, or a lookup in the prompt, proposed.',
    (engine) => engine.drafted().proposed,
  );
  counted(
    'spec_decode_num_accepted_tokens_total',
    'Proposed tokens that the model would have chosen too.',
    (engine) => engine.drafted().accepted,
  );

  return {
    contentType: register.contentType,
    text: () => register.metrics(),
    ...requests,
    firstToken: (seconds: number) => toFirst.observe(seconds),
    nextToken: (seconds: number) => toNext.observe(seconds),
    generated({ promptTokens: prompt, cachedTokens, completionTokens, timings }: GenerationEnd) {
      promptTokens.inc(prompt);
      generatedTokens.inc(completionTokens);
      queried.inc(prompt);
      hits.inc(cachedTokens);
      inLine.observe(timings.waiting);
      inPrompt.observe(timings.prompt);
      inDecode.observe(timings.generation);
    },
    /** Tokens that were computed for something else than an answer. */
    evaluated: (tokens: number) => promptTokens.inc(tokens),
    loaded: (seconds: number) => load.set(seconds),
  };
}
