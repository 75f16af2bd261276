import { describe, expect, it } from 'vitest';
import { ollamaServer } from './testing/ollama-server.ts';

const named = () => ollamaServer({}, {}, ['llama3.1', 'qwen3:8b', 'gemma']);

describe('a model of several names', () => {
  it('is listed under each of them, once', async () => {
    const { app } = named();
    const names = ['gemma', 'llama3.1', 'qwen3:8b'];
    const { data } = (await app.inject('/v1/models')).json<{ data: { id: string }[] }>();
    expect(data.map(({ id }) => id)).toEqual(names);
    const { models } = (await app.inject('/api/tags')).json<{ models: { name: string; model: string }[] }>();
    expect(models.map(({ name, model }) => [name, model])).toEqual(names.map((name) => [name, name]));
    expect((await app.inject('/v1/models/qwen3:8b')).json()).toMatchObject({ id: 'qwen3:8b' });
  });

  it('is loaded once', async () => {
    const { models } = (await named().app.inject('/api/ps')).json<{ models: { name: string }[] }>();
    expect(models.map(({ name }) => name)).toEqual(['gemma']);
  });

  it.each(['gemma', 'llama3.1', 'qwen3:8b'])("answers OpenAI's clients that ask for %s", async (model) => {
    const { statusCode } = await named().post('/v1/completions', { model, prompt: 'x' });
    expect(statusCode).toBe(200);
  });

  it.each(['gemma:latest', 'llama3.1', 'llama3.1:latest', 'qwen3:8b'])(
    "answers Ollama's clients that ask for %s, by the same name",
    async (model) => {
      const answer = await named().post('/api/generate', { model, prompt: 'x', stream: false });
      expect(answer.json()).toMatchObject({ model });
    },
  );

  it.each(['qwen3', 'qwen3:4b', 'gemma:', 'llama'])('does not answer to %s', async (model) => {
    const { post } = named();
    expect((await post('/v1/completions', { model, prompt: 'x' })).statusCode).toBe(404);
    expect((await post('/api/generate', { model, prompt: 'x' })).statusCode).toBe(404);
  });
});

it('a name with a tag may be sent without one where the tag is the usual one', async () => {
  const { post } = ollamaServer({}, {}, ['phi4:latest']);
  expect((await post('/api/generate', { model: 'phi4', prompt: 'x', stream: false })).statusCode).toBe(200);
});
