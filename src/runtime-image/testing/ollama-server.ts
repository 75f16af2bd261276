import { pino } from 'pino';
import { createMetrics } from '../metrics.ts';
import { createServer } from '../server.ts';
import type { ServedModel } from '../served-model.ts';
import { newState } from '../state.ts';
import type { Script } from './fake-engine.ts';
import { fakeEngine } from './fake-engine.ts';

/** A loaded model, as the fake engine has it. */
export const aModel: ServedModel = {
  sizeBytes: 253_000_000,
  modifiedAt: new Date(1_700_000_000_000),
  digest: 'ab'.repeat(32),
  facts: { architecture: 'gemma3', parameters: '268M', quantization: 'Q4_K_M', license: 'gemma' },
  memory: {},
  metadata: {
    'general.architecture': 'gemma3',
    'general.parameter_count': 268_000_000n,
    'gemma3.context_length': 32768,
    'gemma3.rope.scales': [1n, 2n],
    'tokenizer.ggml.tokens': null,
    'tokenizer.chat_template': '{{ jinja }}',
  },
  tensors: [
    { name: 'token_embd.weight', type: 12, shape: [640, 262_144], weights: 167_772_160, bytes: 94_371_840 },
    { name: 'blk.0.odd', type: 99, shape: [5], weights: 5, bytes: undefined },
  ],
  messages: [],
  usage: { ram: 300_000_000, vram: 100_000_000 },
  adapters: [],
};

/** A server of the model `gemma`, and by further names, with a fake engine, to be asked as Ollama's clients do. */
export function ollamaServer(
  script: Script | 'loading' = {},
  model: Partial<ServedModel> = {},
  furtherNames: readonly string[] = [],
) {
  const state = newState('gemma', new Date(1_700_000_000_000), furtherNames);
  const { engine, asked, truncated } = fakeEngine(script === 'loading' ? {} : script);
  if (script !== 'loading') {
    state.engine = engine;
    state.model = { ...aModel, ...model };
    state.load = { phase: 'ready', percent: 100 };
  }
  const app = createServer(state, createMetrics(state), pino({ level: 'silent' }));
  const post = (url: string, payload: object | string) =>
    app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } });
  return { app, state, asked, truncated, post };
}

/** What a stream says, line by line. */
export function linesOf(body: string): unknown[] {
  return body
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}
