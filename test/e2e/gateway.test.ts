import { Ollama, type ProgressResponse } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { pythonConversation } from '../clients/python/conversation.ts';
import { run, waitFor } from '../cluster/commands.ts';
import { standard, standardModels, standardOllama } from '../hub/content.ts';
import { gemma } from '../hub/model.ts';
import { startOllamaRegistry, type OllamaRegistry } from '../hub/registry/registry.ts';
import { Gateway, type Line } from './gateway.ts';
import { isReady, World } from './world.ts';

/** Of one connection of a pull: slow enough to be watched, some five seconds for the model. */
const bytesPerSecond = 4_000_000;
/** Of the file. */
const bytes = 253_113_024;
const ollamaName = `${standardOllama.gemma.model}:${standardOllama.gemma.tag}`;
const counting = { prompt: '1, 2, 3, 4,', max_tokens: 12, temperature: 0 };
const counted = ' 5, 6, 7, 8,';
const sky = [{ role: 'user' as const, content: 'What colour is the sky?' }];

/** The percentages that were told, which have to rise from one that is under way to the last. */
function expectToRise(percentages: number[]): void {
  expect(percentages).toEqual(percentages.toSorted((one, other) => one - other));
  expect(percentages.some((percent) => percent > 0 && percent < 100)).toBe(true);
  expect(percentages.at(-1)).toBe(100);
}

describe('the gateway of the chart', () => {
  let world: World;
  let registry: OllamaRegistry;
  let gateway: Gateway;
  let ollama: Ollama;
  let openAi: OpenAI;

  const connect = async (): Promise<void> => {
    await gateway.connect();
    ollama = new Ollama({ host: gateway.url });
    openAi = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'none', maxRetries: 0 });
  };

  beforeAll(async () => {
    world = await World.start();
    world.hub.setThrottle(bytesPerSecond);
    const { hostAddress, blobHost } = inject('e2e');
    const models = standardModels({ gemma: (await gemma()).path });
    registry = await startOllamaRegistry({ host: hostAddress, blobHost, models, bytesPerSecond });
    gateway = await Gateway.install(world, [
      `homeNamespace=${world.namespace}`,
      'management.enabled=true',
      `management.namespace=${world.namespace}`,
      `management.hub=${world.hub.url}`,
      `management.registry=${registry.url}`,
      'management.gpus=0',
    ]);
    await connect();
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await registry.close();
    await world[Symbol.asyncDispose]();
  });

  it('finds on its hub what there is to pull', async () => {
    const { body } = await gateway.json('/models/search?q=gemma&author=longshore&license=gemma&limit=5');
    expect(body).toMatchObject({
      models: [{ name: standard.gemma.repo, source: 'huggingface', downloads: 1234, likes: 56 }],
    });
    const details = await gateway.json(`/models/search/${standard.twoQuants.repo}`);
    expect(details.body).toMatchObject({
      license: 'apache-2.0',
      quantizations: [
        { quantization: 'Q4_K_M', file: standard.twoQuants.file },
        { quantization: 'Q8_0', file: standard.twoQuants.other },
      ],
    });
  });

  it('pulls from both sources, with percentages that rise to 100', async () => {
    const asked = { name: standard.gemma.repo, source: 'huggingface', quantization_bits: 4 };
    const pulledByOllama = async (): Promise<ProgressResponse[]> =>
      Array.fromAsync(await ollama.pull({ model: ollamaName, stream: true }));
    const [lines, parts] = await Promise.all([
      gateway.lines('/models/pull', { ...asked, model_id: 'gemma' }),
      pulledByOllama(),
    ]);
    expect(lines.at(-1)).toMatchObject({ status: 'success', completed: bytes });
    expectToRise(percentagesOf(lines));
    expect(parts.at(-1)?.status).toBe('success');
    expectToRise(
      parts.filter(({ total }) => total > 0).map(({ completed, total }) => (completed / total) * 100),
    );
    // Before anything is loaded, and under the name that it was pulled by.
    expect((await ollama.list()).models.map(({ model }) => model)).toContain(ollamaName);
    expect((await ollama.show({ model: ollamaName })).details.family).toBe('gemma3');
    const unloaded = await gateway.json('/api/chat', { body: { model: ollamaName, messages: sky } });
    expect(unloaded.status).toBe(404);
    expect(unloaded.body).toMatchObject({
      error: expect.stringMatching(/is pulled and not loaded/) as string,
    });
  });

  it('loads both, and says so', async () => {
    const [one, other] = await Promise.all([
      gateway.lines('/models/load', { model_id: 'gemma', context_size: 1024, parallel: 4 }),
      gateway.lines('/models/load', { name: ollamaName, source: 'ollama' }),
    ]);
    for (const lines of [one, other]) expect(lines.at(-1)).toEqual({ status: 'success', percent: 100 });
    expect((await world.server('gemma', isReady)).spec.gpu.count).toBe(0);
    const { body } = await gateway.json('/api/models');
    const ours = (body as { models: { namespace: string }[] }).models.filter(
      ({ namespace }) => namespace === world.namespace,
    );
    const whole = {
      available: true,
      loaded: true,
      size: bytes,
      quantization: 'Q4_K_M',
      parameters: '268M',
    };
    expect(ours).toMatchObject([
      { name: 'gemma', ...whole, servers: [{ names: ['gemma'], ready: 1, replicas: 1 }] },
      // With its template and all else that came beside the weights.
      {
        name: 'gemma-270m',
        ...whole,
        size: expect.any(Number) as number,
        servers: [{ names: ['gemma-270m', ollamaName], ready: 1 }],
      },
    ]);
  });

  it("is asked by OpenAI's client", async () => {
    const ids = (await openAi.models.list()).data.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['gemma', 'gemma-270m', ollamaName]));
    const { choices } = await openAi.completions.create({ model: 'gemma', ...counting });
    expect(choices[0]?.text).toBe(counted);
    let streamed = '';
    for await (const chunk of await openAi.completions.create({
      model: 'gemma',
      ...counting,
      stream: true,
    })) {
      streamed += chunk.choices[0]?.text ?? '';
    }
    expect(streamed).toBe(counted);
    const chat = await openAi.chat.completions.create({ model: ollamaName, messages: sky });
    expect(chat.choices[0]?.message.content).toMatch(/^ ?The sky is blue/);
    const { data } = await openAi.embeddings.create({ model: 'gemma', input: 'A cat.' });
    expect(data[0]?.embedding).toHaveLength(640);
  });

  it("is asked by Ollama's client", async () => {
    const { models } = await ollama.ps();
    const running = models.find(({ model }) => model === 'gemma');
    expect(running).toMatchObject({
      size_vram: 0,
      details: { family: 'gemma3', quantization_level: 'Q4_K_M' },
    });
    let said = '';
    const chat = { model: ollamaName, messages: sky, stream: true } as const;
    for await (const { message } of await ollama.chat(chat)) said += message.content;
    expect(said).toMatch(/^ ?The sky is blue/);
    const { embeddings } = await ollama.embed({ model: 'gemma', input: 'A cat.' });
    expect(embeddings[0]).toHaveLength(640);
    await expect(ollama.chat({ model: 'llama3', messages: sky })).rejects.toThrow(/does not exist here/);
  });

  it('is asked by the clients for Python', async () => {
    const questions = [
      'openai_models',
      'openai_text',
      'openai_stream',
      'openai_embeddings',
      'ollama_models',
      'ollama_text',
      'ollama_stream',
      'ollama_embeddings',
      'ollama_error',
      'ollama_pull',
    ];
    const answers = await pythonConversation(gateway.url, questions);
    expect(answers.get('openai_models')).toContain('gemma');
    expect(Object.fromEntries([...answers].slice(1))).toEqual({
      openai_text: counted,
      openai_stream: [counted, 12],
      openai_embeddings: 640,
      ollama_models: ['gemma', 'gemma', 2300, 'gemma3', expect.arrayContaining(['completion'])],
      ollama_text: [counted, 'length', 12],
      ollama_stream: counted,
      ollama_embeddings: 640,
      ollama_error: 404,
      ollama_pull: ['success', true],
    });
  });

  it('is asked with curl', async () => {
    const data = JSON.stringify({ model: `${world.namespace}/gemma`, ...counting, stream: true });
    const json = ['-H', 'content-type: application/json'];
    const streamed = await run('curl', ['-sSN', `${gateway.url}/v1/completions`, ...json, '-d', data]);
    expect(streamed).toMatch(/^data: \{.*\n\ndata: \[DONE\]\n\n$/s);
    expect(JSON.parse(await run('curl', ['-sS', `${gateway.url}/healthz`]))).toEqual({
      status: 'alive',
      access: 'open',
    });
  });

  const openAis = (
    code: string,
    message: RegExp,
    param: string | null = null,
    type = 'invalid_request_error',
  ) => ({
    error: { message: expect.stringMatching(message) as string, type, param, code },
  });
  const ollamas = (message: RegExp) => ({ error: expect.stringMatching(message) as string });
  const unknown = /^The model 'nothing' does not exist here\. GET \/v1\/models lists those that do/;
  const errors: [sent: string, body: object | undefined, status: number, answer: object][] = [
    ['POST /v1/chat/completions', { model: 'nothing' }, 404, openAis('model_not_found', unknown, 'model')],
    [
      'POST /v1/completions',
      { prompt: 'x' },
      400,
      openAis('model_required', /^model: name the model/, 'model'),
    ],
    ['GET /v1/models/nothing', undefined, 404, openAis('model_not_found', unknown, 'model')],
    ['POST /api/chat', { model: 'nothing' }, 404, ollamas(unknown)],
    ['POST /api/generate', { prompt: 'x' }, 400, ollamas(/^model: name the model/)],
    [
      'POST /models/pull',
      { name: 'owner/name' },
      400,
      openAis('invalid_request', /may be a model on Hugging Face or on Ollama's registry\. Say which/),
    ],
    [
      'POST /models/pull',
      { name: 'x', endpoint: 'http://169.254.169.254' },
      403,
      openAis('endpoint_not_allowed', /gateway\.management\.endpoints/, 'endpoint'),
    ],
    [
      'POST /models/pull',
      { name: 'longshore/other', source: 'ollama', model_id: 'gemma' },
      409,
      openAis('name_taken', /of another source\. Choose another name with model_id/, 'model_id'),
    ],
    ['POST /models/load', { model_id: 'nothing' }, 404, openAis('model_not_found', /name says none to pull/)],
    ['DELETE /models/nothing', undefined, 404, openAis('model_not_found', unknown, 'model')],
    ['DELETE /api/delete', { model: 'nothing' }, 404, ollamas(unknown)],
    // By the server behind it.
    [
      'POST /v1/completions',
      { model: 'gemma', prompt: 'x', best_of: 3 },
      400,
      openAis('unsupported_parameter', /best_of/, 'best_of'),
    ],
  ];

  it.for(errors)('says what is wrong with %s %j', async ([sent, body, status, answer]) => {
    const [method = '', path = ''] = sent.split(' ');
    expect(await gateway.json(path, { method, ...(body && { body }) })).toEqual({ status, body: answer });
  });

  it('says what a pull has failed of, as its last line', async () => {
    const asked = { name: standard.gated.repo, source: 'huggingface', model_id: 'gated' };
    expect((await gateway.lines('/models/pull', asked)).at(-1)).toEqual({
      error: expect.stringMatching(/^Model .*\/gated: GatedRepo: /) as string,
    });
    expect((await gateway.json('/models/gated', { method: 'DELETE' })).status).toBe(200);
  });

  it('unloads, and deletes what it has pulled', async () => {
    const body = { name: ollamaName };
    expect(await gateway.json('/models/unload', { body })).toEqual({
      status: 200,
      body: { status: 'unloaded', servers: [`${world.namespace}/gemma-270m`] },
    });
    await waitFor(
      'it to be unloaded',
      async () => ((await gateway.json('/models/unload', { body })).status === 404 ? true : undefined),
      { timeout: 60_000, every: 500 },
    );
    expect((await pythonConversation(gateway.url, ['ollama_delete'])).get('ollama_delete')).toBe('success');
    await world.kubectl(['wait', '--for=delete', 'model/gemma-270m', '--timeout=60s']);
    expect((await gateway.json(`/v1/models/${ollamaName}`)).status).toBe(404);
  });
});

function percentagesOf(lines: readonly Line[]): number[] {
  return lines.flatMap(({ percent }) => percent ?? []);
}
