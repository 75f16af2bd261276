import { describe, expect, it } from 'vitest';
import { OllamaEmbeddings, OllamaOldEmbedding } from '../../../protocols/ollama/embed.ts';
import { OllamaError } from '../../../protocols/ollama/error.ts';
import type { Script } from '../../testing/fake-engine.ts';
import { OutOfMemory, PromptTooLong } from '../../refusal.ts';
import { ollamaServer } from '../../testing/ollama-server.ts';

const embed = (body: object, script: Script = {}) =>
  ollamaServer(script).post('/api/embed', { model: 'gemma', ...body });

describe('POST /api/embed', () => {
  it('answers with one vector for each text', async () => {
    const embeddings = OllamaEmbeddings.parse((await embed({ input: ['a', 'b'], options: {} })).json());
    expect(embeddings).toMatchObject({
      model: 'gemma',
      embeddings: [
        [0, 0.5],
        [1, 0.5],
      ],
      load_duration: 0,
      prompt_eval_count: 4,
    });
    expect(embeddings.total_duration).toBeGreaterThan(0);
  });

  it.each([
    ['a', 1],
    ['', 0],
    [[], 0],
    [undefined, 0],
  ])('reads %j as %i texts', async (input, count) => {
    const { embeddings } = OllamaEmbeddings.parse((await embed({ input })).json());
    expect(embeddings).toHaveLength(count);
  });

  it('shortens vectors, and makes them of length 1 again', async () => {
    const { embeddings } = OllamaEmbeddings.parse(
      (await embed({ input: ['a', 'b', 'c'], dimensions: 1 })).json(),
    );
    expect(embeddings).toEqual([[0], [1], [1]]);
  });

  it('shortens texts, unless it may not', async () => {
    const { post, truncated } = ollamaServer();
    await post('/api/embed', { input: 'a' });
    await post('/api/embed', { input: 'a', truncate: false });
    expect(truncated).toEqual([true, false]);
  });

  it.each([
    [{ input: ['a', ''] }, {}, 400],
    [{ input: [1, 2] }, {}, 400],
    [{ input: 'a', dimensions: -1 }, {}, 400],
    [{ input: 'a', model: 'other' }, {}, 404],
    [{ input: '', model: 'other' }, {}, 404],
    [{ input: 'a', truncate: false }, { refuse: new PromptTooLong(600, 512) }, 400],
    [{ input: 'a' }, { refuse: new OutOfMemory('no room') }, 503],
  ])('refuses %j', async (body, script, status) => {
    const answer = await embed(body, script);
    expect(answer.statusCode).toBe(status);
    expect(OllamaError.parse(answer.json()).error).not.toBe('');
  });
});

describe('POST /api/embeddings', () => {
  it('answers with one vector, as it did before /api/embed', async () => {
    const { post } = ollamaServer();
    const vector = async (body: object) =>
      OllamaOldEmbedding.parse((await post('/api/embeddings', body)).json());
    expect(await vector({ model: 'gemma', prompt: 'a' })).toEqual({ embedding: [0, 0.5] });
    expect(await vector({ model: 'gemma', prompt: '' })).toEqual({ embedding: [] });
  });
});
