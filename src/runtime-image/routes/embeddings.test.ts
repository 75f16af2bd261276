import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { EmbeddingList } from '../../protocols/openai/embeddings.ts';
import { Ranking } from '../../protocols/openai/rerank.ts';
import { createMetrics } from '../metrics.ts';
import { NotSupported, OutOfMemory } from '../refusal.ts';
import { createServer } from '../server.ts';
import { newState } from '../state.ts';
import type { Script } from '../testing/fake-engine.ts';
import { fakeEngine } from '../testing/fake-engine.ts';

function aServer(script: Script = {}) {
  const state = newState('gemma', new Date());
  state.engine = fakeEngine(script).engine;
  const app = createServer(state, createMetrics(state), pino({ level: 'silent' }));
  return (url: string, payload: object) => app.inject({ method: 'POST', url, payload });
}

describe('POST /v1/embeddings', () => {
  it('answers with one vector for each text', async () => {
    const answer = await aServer()('/v1/embeddings', { input: ['a', 'b'] });
    expect(EmbeddingList.parse(answer.json())).toEqual({
      object: 'list',
      model: 'gemma',
      data: [
        { object: 'embedding', index: 0, embedding: [0, 0.5] },
        { object: 'embedding', index: 1, embedding: [1, 0.5] },
      ],
      usage: { prompt_tokens: 4, total_tokens: 4 },
    });
  });

  it('writes vectors as base64 where that is asked for', async () => {
    const answer = await aServer()('/v1/embeddings', { input: 'a', encoding_format: 'base64' });
    const [first] = EmbeddingList.parse(answer.json()).data;
    const bytes = Buffer.from(String(first?.embedding), 'base64');
    expect([bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual([0, 0.5]);
  });

  it.each([
    [[1, 2, 3], 1],
    [[[1, 2], [3]], 2],
    ['text', 1],
  ])('reads %j as %i texts', async (input, count) => {
    const answer = await aServer()('/v1/embeddings', { input });
    expect(EmbeddingList.parse(answer.json()).data).toHaveLength(count);
  });

  it.each([
    [{ input: '' }, 400],
    [{ input: [] }, 400],
    [{ input: 'a', dimensions: 5 }, 400],
    [{ input: 'a', model: 'other' }, 404],
  ])('refuses %j', async (body, status) => {
    expect((await aServer()('/v1/embeddings', body)).statusCode).toBe(status);
  });

  it('says when there is no memory for it', async () => {
    const answer = await aServer({ refuse: new OutOfMemory('no room') })('/v1/embeddings', { input: 'a' });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ error: { code: 'out_of_memory', message: 'no room' } });
  });
});

describe('POST /v1/rerank', () => {
  const documents = ['aa', { text: 'aaaa' }, 'a'];

  it('puts the most relevant first', async () => {
    const answer = await aServer()('/v1/rerank', { query: 'x', documents });
    expect(Ranking.parse(answer.json())).toMatchObject({
      results: [
        { index: 1, relevance_score: 0.4 },
        { index: 0, relevance_score: 0.2 },
        { index: 2, relevance_score: 0.1 },
      ],
      usage: { total_tokens: 9 },
    });
  });

  it('sends back the best, and their texts, where that is asked for', async () => {
    const answer = await aServer()('/v1/rerank', { query: 'x', documents, top_n: 1, return_documents: true });
    expect(Ranking.parse(answer.json()).results).toEqual([
      { index: 1, relevance_score: 0.4, document: { text: 'aaaa' } },
    ]);
  });

  it('says when the model does not rank', async () => {
    const answer = await aServer({ refuse: new NotSupported('It does not.') })('/v1/rerank', {
      query: 'x',
      documents,
    });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ error: { code: 'unsupported', message: 'It does not.' } });
  });
});
