import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Completion } from '../protocols/openai/completions.ts';
import { ErrorBody } from '../protocols/openai/error.ts';
import type { GenerationDefaults, GenerationEvent } from './engine.ts';
import { createMetrics } from './metrics.ts';
import { PromptTooLong, QueueFull, SchemaRefused } from './refusal.ts';
import { createServer } from './server.ts';
import { newState } from './state.ts';
import type { Script } from './testing/fake-engine.ts';
import { fakeEngine } from './testing/fake-engine.ts';

const someText: GenerationEvent[] = [{ type: 'text', text: 'Hello' }];

function aServer(script: Script | 'loading' = {}, defaults: GenerationDefaults = {}) {
  const state = newState('team/gemma', new Date(1_700_000_000_000));
  const { engine, asked } = fakeEngine(script === 'loading' ? {} : { ...script, defaults });
  if (script !== 'loading') {
    state.engine = engine;
    state.load = { phase: 'ready', percent: 100 };
  }
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push(line) });
  const app = createServer(state, createMetrics(state), log);
  const post = (url: string, payload: object | string, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json', ...headers } });
  return { app, state, asked, post, lines };
}

const tool = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } });

const hi = { messages: [{ role: 'user', content: 'Hi' }] };

function chunksOf(body: string): unknown[] {
  const events = body.trimEnd().split('\n\n');
  return events.map((event): unknown => {
    const data = event.replace(/^data: /, '');
    return data === '[DONE]' ? data : JSON.parse(data);
  });
}

describe('a server that was told the digest of its weights', () => {
  it('says it with every answer', async () => {
    const { app, state, post } = aServer();
    state.modelDigest = 'sha256:abc';
    const answers = await Promise.all([
      post('/v1/completions', { prompt: 'x' }),
      post('/v1/completions', { prompt: 'x', stream: true }),
      post('/api/generate', { prompt: 'x' }),
      post('/v1/completions', { prompt: 1 }),
      app.inject('/v1/models'),
    ]);
    for (const { headers } of answers) expect(headers['longshore-model-digest']).toBe('sha256:abc');
  });

  it('says nothing of one that it was not told', async () => {
    const { headers } = await aServer().post('/v1/completions', { prompt: 'x' });
    expect(headers['longshore-model-digest']).toBeUndefined();
  });
});

describe('a server whose model is loading', () => {
  it('is alive, not ready, and says how far it is', async () => {
    const { app, state } = aServer('loading');
    state.load = { phase: 'loading', percent: 42 };
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    expect((await app.inject('/readyz')).statusCode).toBe(503);
    expect((await app.inject('/load')).json()).toEqual({ phase: 'loading', percent: 42 });
  });

  it('asks clients to come back', async () => {
    const answer = await aServer('loading').post('/v1/completions', { prompt: 'x' });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.json()).toMatchObject({ error: { type: 'server_error', code: 'model_loading' } });
  });
});

describe('a server that was asked to end', () => {
  it('is not ready and still answers', async () => {
    const { app, state, post } = aServer();
    expect((await app.inject('/readyz')).statusCode).toBe(200);
    state.draining = true;
    expect((await app.inject('/readyz')).statusCode).toBe(503);
    expect((await post('/v1/completions', { prompt: 'x' })).statusCode).toBe(200);
  });
});

describe('POST /v1/completions', () => {
  it('answers with text, finish reason and usage', async () => {
    const answer = await aServer().post('/v1/completions', { model: 'team/gemma', prompt: 'x' });
    const completion = Completion.parse(answer.json());
    expect(completion.id).toMatch(/^cmpl-[0-9a-f]{32}$/);
    expect(completion).toMatchObject({
      object: 'text_completion',
      model: 'team/gemma',
      choices: [{ index: 0, text: 'Hello world', logprobs: null, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 3,
        completion_tokens: 2,
        total_tokens: 5,
        prompt_tokens_details: { cached_tokens: 1 },
      },
    });
  });

  it('hands the parameters to the engine, with the defaults of OpenAI', async () => {
    const { post, asked } = aServer();
    await post('/v1/completions', { prompt: 'x' });
    await post('/v1/completions', {
      prompt: ['x'],
      temperature: 0,
      seed: -1,
      top_k: -1,
      stop: 'END',
      max_tokens: 7,
    });
    expect(asked).toMatchObject([
      {
        prompt: { kind: 'text', text: 'x' },
        stop: [],
        sampling: { temperature: 1, topP: 1, topK: 40, minP: 0 },
      },
      {
        prompt: { kind: 'text', text: 'x' },
        stop: ['END'],
        maxTokens: 7,
        sampling: { temperature: 0, seed: -1, topK: 0 },
      },
    ]);
    expect(asked[0]).not.toHaveProperty('maxTokens');
  });

  it('takes what the model brings where a request says nothing', async () => {
    const defaults = { temperature: 0.2, topK: 9, seed: 3, repeatPenalty: 1.1, maxTokens: 50 };
    const { post, asked } = aServer({}, defaults);
    await post('/v1/completions', { prompt: 'x' });
    await post('/v1/chat/completions', { ...hi, temperature: 0.9, top_k: 0, seed: 4, max_tokens: 7 });
    expect(asked).toMatchObject([
      { maxTokens: 50, sampling: { temperature: 0.2, topP: 1, topK: 9, seed: 3, repeatPenalty: 1.1 } },
      { maxTokens: 7, sampling: { temperature: 0.9, topP: 1, topK: 0, seed: 4, repeatPenalty: 1.1 } },
    ]);
    expect(asked[0]?.sampling).not.toHaveProperty('maxTokens');
  });

  it('streams, with usage when it is asked for', async () => {
    const answer = await aServer().post('/v1/completions', {
      prompt: 'x',
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(chunksOf(answer.body)).toMatchObject([
      { choices: [{ text: 'Hello', finish_reason: null }], usage: null },
      { choices: [{ text: ' world', finish_reason: null }], usage: null },
      { choices: [{ text: '', finish_reason: 'stop' }], usage: null },
      { choices: [], usage: { total_tokens: 5 } },
      '[DONE]',
    ]);
  });
});

describe('POST /v1/chat/completions', () => {
  it('answers as the assistant', async () => {
    const answer = await aServer().post('/v1/chat/completions', hi);
    expect(answer.json()).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'Hello world' }, finish_reason: 'stop' }],
    });
  });

  it('streams the role first, then text, then the finish reason', async () => {
    const answer = await aServer().post('/v1/chat/completions', { ...hi, stream: true });
    const chunks = chunksOf(answer.body);
    expect(chunks).toMatchObject([
      { choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }] },
      { choices: [{ delta: { content: 'Hello' } }] },
      { choices: [{ delta: { content: ' world' } }] },
      { choices: [{ delta: {}, finish_reason: 'stop' }] },
      '[DONE]',
    ]);
    expect(chunks[0]).not.toHaveProperty('usage');
  });

  it('takes max_completion_tokens over max_tokens', async () => {
    const { post, asked } = aServer();
    await post('/v1/chat/completions', { ...hi, max_tokens: 5, max_completion_tokens: 9 });
    expect(asked[0]?.maxTokens).toBe(9);
  });

  it('tells an error on the way as the last event of the stream', async () => {
    const { post } = aServer({
      events: someText,
      fail: new Error('a secret of the engine'),
    });
    const answer = await post('/v1/chat/completions', { ...hi, stream: true });
    expect(chunksOf(answer.body).at(-1)).toMatchObject({ error: { type: 'server_error' } });
    expect(answer.body).not.toContain('secret');
  });

  it.each([
    [{ functions: [{ name: 'f' }] }, 'functions'],
    [{ reasoning_effort: 'low' }, 'reasoning_effort'],
    [{ modalities: ['text', 'audio'] }, 'modalities'],
    [{ audio: { voice: 'x' } }, 'audio'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages[0].content[0].type'],
    [{ messages: [{ role: 'assistant', audio: { id: 'x' } }] }, 'messages[0].audio'],
  ])('refuses %j by name', async (fields, param) => {
    const answer = await aServer().post('/v1/chat/completions', { ...hi, ...fields });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      error: { type: 'invalid_request_error', param, code: 'unsupported_parameter' },
    });
  });

  it('refuses a field that nobody knows', async () => {
    const answer = await aServer().post('/v1/chat/completions', { ...hi, temprature: 0 });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ error: { param: 'temprature', code: 'unknown_parameter' } });
  });

  it.each([
    [{ temperature: 3 }, 'temperature'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ stop: 5 }, 'stop'],
    [{ messages: [] }, 'messages'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
    [{ n: 100 }, 'n'],
    [{ logit_bias: { hello: 1 } }, 'logit_bias.hello'],
    [{ top_logprobs: 3 }, 'top_logprobs'],
    [{ logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
    [{ tool_choice: 'required' }, 'tool_choice'],
    [{ tools: [tool('f')], tool_choice: { type: 'function', function: { name: 'g' } } }, 'tool_choice'],
    [{ tools: [{ type: 'code_interpreter' }] }, 'tools[0].type'],
    [{ response_format: { type: 'xml' } }, 'response_format.type'],
    [{ stream: true, stream_options: { include_obfuscation: true } }, 'stream_options.include_obfuscation'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text'],
  ])('says what is wrong with %j', async (fields, param) => {
    const answer = await aServer().post('/v1/chat/completions', { ...hi, ...fields });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ error: { type: 'invalid_request_error', param } });
  });

  it('accepts what asks for nothing more than it does', async () => {
    const neutral = {
      n: 1,
      logprobs: false,
      reasoning_effort: null,
      modalities: ['text'],
      tools: [],
      tool_choice: 'none',
      response_format: { type: 'text' },
      logit_bias: {},
      stop: null,
      user: 'me',
      metadata: { a: 'b' },
      store: false,
    };
    expect((await aServer().post('/v1/chat/completions', { ...hi, ...neutral })).statusCode).toBe(200);
  });
});

describe('errors in the shape of OpenAI', () => {
  it.each([
    ['an unknown model', { prompt: 'x', model: 'gpt-4' }, {}, 404, 'model_not_found'],
    [
      'a prompt that is too long',
      { prompt: 'x' },
      { refuse: new PromptTooLong(600, 512) },
      400,
      'context_length_exceeded',
    ],
    ['a full queue', { prompt: 'x' }, { refuse: new QueueFull(256) }, 429, 'overloaded'],
    ['a schema', { prompt: 'x' }, { refuse: new SchemaRefused('/a', 'x') }, 400, 'invalid_schema'],
    ['a failure of the engine', { prompt: 'x' }, { fail: new Error('broken'), events: [] }, 500, null],
    ['malformed JSON', '{"prompt":', {}, 400, 'invalid_request'],
  ])('%s', async (_name, body, script, status, code) => {
    const answer = await aServer(script).post('/v1/completions', body);
    expect(answer.statusCode).toBe(status);
    expect(ErrorBody.parse(answer.json()).error).toMatchObject({
      param: status === 404 ? 'model' : null,
      code,
    });
  });

  it('an unknown URL', async () => {
    const answer = await aServer().app.inject('/v1/images');
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ error: { code: 'unknown_url' } });
  });

  it('a body that is not called JSON', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await aServer().post('/v1/completions', '{"prompt":"x"}', form);
    expect(answer.statusCode).toBe(415);
    const { message } = ErrorBody.parse(answer.json()).error;
    expect(message).toContain('content-type: application/json; it was application/x-www-form-urlencoded');
  });

  it('a body that is too large', async () => {
    const answer = await aServer().post('/v1/completions', { prompt: 'x'.repeat(9 * 1024 * 1024) });
    expect(answer.statusCode).toBe(413);
    expect(answer.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});

describe('GET /v1/models', () => {
  it('lists the served model, and finds it by a name with a slash', async () => {
    const { app } = aServer();
    const model = { id: 'team/gemma', object: 'model', created: 1_700_000_000, owned_by: 'longshore' };
    expect((await app.inject('/v1/models')).json()).toEqual({ object: 'list', data: [model] });
    expect((await app.inject('/v1/models/team/gemma')).json()).toEqual(model);
    expect((await app.inject('/v1/models/team%2Fgemma')).json()).toEqual(model);
    expect((await app.inject('/v1/models/other')).statusCode).toBe(404);
  });
});

describe('GET /metrics', () => {
  it('counts requests and tokens and shows the queue', async () => {
    const { app, post } = aServer();
    await post('/v1/completions', { prompt: 'x' });
    const { body } = await app.inject('/metrics');
    expect(body).toContain('longshore_runtime_requests_total{route="/v1/completions",status="200"} 1');
    expect(body).toContain('longshore_runtime_prompt_tokens_total 3');
    expect(body).toContain('longshore_runtime_generation_tokens_total 2');
    expect(body).toContain('longshore_runtime_prefix_cache_hits_total 1');
    expect(body).toContain('longshore_runtime_time_to_first_token_seconds_count 1');
    expect(body).toContain('longshore_runtime_inter_token_latency_seconds_count 1');
    expect(body).toContain('longshore_runtime_request_queue_time_seconds_sum 0.5');
    expect(body).toContain('longshore_runtime_request_decode_time_seconds_count 1');
    expect(body).toContain('longshore_runtime_num_requests_waiting 2');
    expect(body).toContain('longshore_runtime_num_requests_running 1');
    expect(body).toContain('longshore_runtime_kv_cache_usage_ratio 0.25');
    expect(body).toContain('longshore_runtime_nodejs_eventloop_lag_p99_seconds');
  });
});

describe('the id of a request', () => {
  it('is the one that a gateway gave, or an own one', async () => {
    const { post, lines } = aServer();
    const given = await post('/v1/completions', { prompt: 'x' }, { 'x-request-id': 'gateway-7' });
    expect(given.headers['x-request-id']).toBe('gateway-7');
    expect(lines.at(-1)).toContain('"reqId":"gateway-7"');
    const own = await post('/v1/completions', { prompt: 'x' }, { 'x-request-id': 'a "b' });
    expect(own.headers['x-request-id']).toMatch(/^req_[0-9a-f-]{36}$/);
  });
});

describe('the log', () => {
  it('never has a prompt or an answer in it', async () => {
    const { post, lines } = aServer({ events: someText, fail: new Error('broken') });
    await post('/v1/completions', { prompt: 'my secret' });
    await post('/v1/chat/completions', { messages: [{ role: 'user', content: 'my secret' }], stream: true });
    await post('/v1/chat/completions', { messages: [{ role: 'my secret' }] });
    await post('/v1/responses', { input: 'my secret' });
    await post('/v1/embeddings', { input: 'my secret', dimensions: 'my secret' });
    await post('/v1/rerank', { query: 'my secret', documents: ['my secret'] });
    await post('/v1/chat/completions', '{"messages": "my secret');
    await post('/api/generate', { prompt: 'my secret', system: 'my secret' });
    await post('/api/chat', { messages: [{ role: 'user', content: 'my secret' }], stream: false });
    await post('/api/chat', { messages: [{ role: 'my secret' }], format: 'my secret' });
    await post('/api/embed', { input: ['my secret', ''] });
    expect(lines.length).toBeGreaterThan(12);
    expect(lines.join('')).not.toMatch(/secret|Hello/);
  });
});

describe('a client that does not read', () => {
  it('is given up, and generation ends', async () => {
    let ended = false;
    async function* endless(): AsyncGenerator<GenerationEvent> {
      try {
        for (;;) yield { type: 'text', text: 'x'.repeat(1024) };
      } finally {
        ended = true;
      }
    }
    const { app, state } = aServer();
    if (state.engine)
      state.engine = { ...state.engine, start: async () => ({ promptTokens: 1, events: endless() }) };
    await app.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => app.close());
    const { port } = app.server.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    client.on('error', () => undefined);
    await once(client, 'connect');
    const body = JSON.stringify({ prompt: 'x', stream: true });
    client.write(
      `POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await expect.poll(() => ended, { timeout: 10_000 }).toBe(true);
    const connections = promisify(app.server.getConnections.bind(app.server));
    await expect.poll(connections).toBe(0);
    client.destroy();
  });
});
