import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Fuzzed } from '../../test/clients/fuzz/fuzz.ts';
import { fuzz } from '../../test/clients/fuzz/fuzz.ts';
import { startShortAnswers } from '../../test/clients/fuzz/short-answers.ts';
import type { GenerationEvent } from './engine.ts';
import { createMetrics } from './metrics.ts';
import { createServer } from './server.ts';
import { newState } from './state.ts';
import { anEnd, fakeEngine } from './testing/fake-engine.ts';
import { aModel } from './testing/ollama-server.ts';

const likely = { token: 'Hello', logprob: -0.1 };

/** Everything that an answer can have in it. */
const events: GenerationEvent[] = [
  { type: 'thought', text: 'Hm' },
  { type: 'text', text: 'Hello', logprobs: [{ ...likely, top: [likely] }] },
  { type: 'call', index: 0, name: 'look' },
  { type: 'arguments', index: 0, text: '{"at": "it"}' },
  anEnd({ finishReason: 'calls' }),
];

const models = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/rerank',
  '/api/chat',
  '/api/generate',
  '/api/embed',
  '/api/embeddings',
];

/** Tokens of an answer. */
const most = 4;

const countOf = ({ statuses }: Fuzzed, path: string, status: number) =>
  statuses.get(`POST ${path}`)?.get(status) ?? 0;

describe('a server that is asked at random', () => {
  it('answers as it says that it does', { timeout: 600_000 }, async () => {
    const state = newState('gemma', new Date());
    const abilities = { tools: true, thoughts: true, infill: true };
    state.engine = fakeEngine({ events, abilities }).engine;
    state.model = aModel;
    state.load = { phase: 'ready', percent: 100 };
    const key = 'a-key';
    const keys = { accepts: (given: string) => Promise.resolve(given === key) };
    const app = createServer(state, createMetrics(state), pino({ level: 'silent' }), keys);
    onTestFinished(() => app.close());
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;

    const found = await fuzz(`http://127.0.0.1:${port}`, {
      examples: 12,
      seed: 1,
      phases: ['coverage', 'fuzzing'],
      key,
    });
    expect(found.problems).toBe('');
    for (const path of models) {
      expect([path, countOf(found, path, 200) > 20, countOf(found, path, 400) > 10]).toEqual([
        path,
        true,
        true,
      ]);
      expect(countOf(found, path, 401)).toBeGreaterThan(0);
      expect(countOf(found, path, 415) > 0).toBe(path.startsWith('/v1/'));
    }
  });

  it('answers so with a real model, too', { timeout: 600_000 }, async () => {
    const { runtime, stop } = await startShortAnswers(most);
    onTestFinished(stop);
    const found = await fuzz(runtime.url, { examples: 6, seed: 1, phases: ['fuzzing'], most });
    expect(found.problems).toBe('');
    const answered = models.filter((path) => countOf(found, path, 200) > 0);
    expect(answered).toEqual(models.filter((path) => path !== '/v1/rerank'));
    expect((await runtime.load()).phase).toBe('ready');
  });
});
