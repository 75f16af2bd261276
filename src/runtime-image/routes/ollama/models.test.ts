import { describe, expect, it } from 'vitest';
import { OllamaRunning, OllamaShown, OllamaTags, OllamaVersion } from '../../../protocols/ollama/models.ts';
import { OllamaError } from '../../../protocols/ollama/error.ts';
import { ollamaServer } from '../../testing/ollama-server.ts';

const details = {
  parent_model: '',
  format: 'gguf',
  family: 'gemma3',
  families: ['gemma3'],
  parameter_size: '268M',
  quantization_level: 'Q4_K_M',
};

describe("what Ollama's clients ask of a server", () => {
  it('is whether it runs, at its root', async () => {
    const { app } = ollamaServer();
    expect((await app.inject('/')).body).toBe('Ollama is running');
    const head = await app.inject({ method: 'HEAD', url: '/' });
    expect([head.statusCode, head.body]).toEqual([200, '']);
  });

  it('is its version', async () => {
    const { version } = OllamaVersion.parse((await ollamaServer().app.inject('/api/version')).json());
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('is its model, with its size on disk', async () => {
    const tags = OllamaTags.parse((await ollamaServer().app.inject('/api/tags')).json());
    expect(tags.models).toEqual([
      {
        name: 'gemma',
        model: 'gemma',
        size: 253_000_000,
        digest: 'ab'.repeat(32),
        modified_at: '2023-11-14T22:13:20.000Z',
        details,
      },
    ]);
  });

  it('is what it has loaded, with its size in memory', async () => {
    const running = OllamaRunning.parse((await ollamaServer().app.inject('/api/ps')).json());
    expect(running.models).toMatchObject([
      { name: 'gemma', size: 400_000_000, size_vram: 100_000_000, context_length: 512, details },
    ]);
  });

  it('is nothing while it loads', async () => {
    const { app, post } = ollamaServer('loading');
    expect((await app.inject('/api/ps')).json()).toEqual({ models: [] });
    expect((await app.inject('/api/tags')).statusCode).toBe(503);
    expect((await post('/api/show', { model: 'gemma' })).statusCode).toBe(503);
  });
});

describe('POST /api/show', () => {
  const show = async (server: ReturnType<typeof ollamaServer>, body: object = { model: 'gemma' }) =>
    OllamaShown.parse((await server.post('/api/show', body)).json());

  it('says what the file says of the model', async () => {
    expect(await show(ollamaServer())).toEqual({
      license: 'gemma',
      parameters: `${'num_ctx'.padEnd(30)} 512`,
      template: '{{ jinja }}',
      details,
      model_info: {
        'general.architecture': 'gemma3',
        'general.parameter_count': 268_000_000,
        'gemma3.context_length': 32768,
        'gemma3.rope.scales': [1, 2],
        'tokenizer.ggml.tokens': null,
      },
      capabilities: ['completion'],
      modified_at: '2023-11-14T22:13:20.000Z',
    });
  });

  it('says what the layers of an Ollama model say', async () => {
    const layers = {
      template: '{{ .Prompt }}',
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'Hi' } as const],
    };
    const shown = await show(ollamaServer({ defaults: { temperature: 0.2, maxTokens: 9 } }, layers));
    expect(shown).toMatchObject(layers);
    expect(shown.parameters.split('\n').map((line) => line.split(/ +/))).toEqual([
      ['num_ctx', '512'],
      ['temperature', '0.2'],
      ['num_predict', '9'],
    ]);
  });

  it('says what the model can do', async () => {
    const abilities = { tools: true, thoughts: true, infill: true };
    const { capabilities } = await show(ollamaServer({ abilities }));
    expect(capabilities).toEqual(['completion', 'tools', 'insert', 'thinking']);
    const embedding = await show(ollamaServer({ abilities }, { metadata: { 'gemma3.pooling_type': 1 } }));
    expect(embedding.capabilities).toEqual(['embedding']);
  });

  it('says what tensors there are where it is asked to be verbose', async () => {
    const { tensors } = await show(ollamaServer(), { model: 'gemma', verbose: true });
    expect(tensors).toEqual([
      { name: 'token_embd.weight', type: 'Q4_K', shape: [640, 262_144] },
      { name: 'blk.0.odd', type: 'type 99', shape: [5] },
    ]);
    expect(await show(ollamaServer(), { model: 'gemma', verbose: false })).not.toHaveProperty('tensors');
  });

  it('takes the older field, and finds no other model', async () => {
    const server = ollamaServer();
    expect((await show(server, { name: 'gemma:latest', verbose: true })).details).toEqual(details);
    expect((await server.post('/api/show', { model: 'other' })).statusCode).toBe(404);
  });
});

describe('what would change which models there are', () => {
  it.each([
    ['POST', '/api/pull', 'apply a Model, and a ModelServer that names it'],
    ['POST', '/api/create', 'apply a Model of the source'],
    ['POST', '/api/copy', 'apply another ModelServer'],
    ['DELETE', '/api/delete', 'delete the ModelServer'],
    ['POST', '/api/push', 'publish it'],
    ['POST', '/api/blobs/sha256:ab', 'apply a Model of the source'],
  ] as const)('is not done: %s %s', async (method, url, instead) => {
    const { app } = ollamaServer();
    const answer = await app.inject({ method, url, payload: { model: 'gemma' } });
    expect(answer.statusCode).toBe(501);
    expect(OllamaError.parse(answer.json()).error).toContain(`Instead, ${instead}`);
  });

  it('and what is not there at all is not found, in the same shape', async () => {
    const answer = await ollamaServer().app.inject({ method: 'POST', url: '/api/experimental/web_search' });
    expect(answer.statusCode).toBe(404);
    expect(OllamaError.parse(answer.json()).error).toContain('Unknown request URL');
  });
});
