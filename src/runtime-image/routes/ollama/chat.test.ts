import { describe, expect, it } from 'vitest';
import { OllamaChatEnd, OllamaChatLine } from '../../../protocols/ollama/chat.ts';
import { OllamaError } from '../../../protocols/ollama/error.ts';
import type { GenerationEvent } from '../../engine.ts';
import { PromptTooLong, QueueFull } from '../../refusal.ts';
import { anEnd } from '../../testing/fake-engine.ts';
import type { Script } from '../../testing/fake-engine.ts';
import { linesOf, ollamaServer } from '../../testing/ollama-server.ts';

const question = { role: 'user', content: 'Weather?' };
const weather = {
  type: 'function',
  function: { name: 'weather', description: 'Says it', parameters: { type: 'object' } },
};

const calling: GenerationEvent[] = [
  { type: 'thought', text: 'Hm' },
  { type: 'thought', text: 'm.' },
  { type: 'text', text: 'I look.' },
  { type: 'call', index: 0, name: 'weather' },
  { type: 'arguments', index: 0, text: '{"city":' },
  { type: 'arguments', index: 0, text: '"Oslo"}' },
  { type: 'call', index: 1, name: 'time' },
  anEnd({ finishReason: 'calls' }),
];

function aChat(script: Script = {}) {
  const { post, asked } = ollamaServer(script);
  const chat = (body: object) => post('/api/chat', { model: 'gemma', messages: [question], ...body });
  const whole = async (body: object = {}) =>
    OllamaChatEnd.parse((await chat({ ...body, stream: false })).json());
  const stream = async (body: object = {}) =>
    linesOf((await chat(body)).body).map((line) => OllamaChatLine.parse(line));
  return { asked, post, chat, whole, stream };
}

describe('POST /api/chat', () => {
  it.each(['application/x-www-form-urlencoded', 'text/plain', undefined])(
    'takes JSON as %s',
    async (type) => {
      const { app } = ollamaServer();
      const payload = JSON.stringify({ model: 'gemma', messages: [question], stream: false });
      const headers = type === undefined ? {} : { 'content-type': type };
      const answer = await app.inject({ method: 'POST', url: '/api/chat', payload, headers });
      expect(OllamaChatEnd.parse(answer.json()).message.content).toBe('Hello world');
      const other = await app.inject({ method: 'POST', url: '/api/chat', payload: '{', headers });
      expect(other.statusCode).toBe(400);
      expect(OllamaError.parse(other.json()).error).toContain('JSON');
    },
  );

  it('streams lines of JSON, the last with what it took', async () => {
    const { chat, stream } = aChat();
    expect((await chat({})).headers['content-type']).toBe('application/x-ndjson');
    const lines = await stream();
    expect(lines).toMatchObject([
      { model: 'gemma', message: { role: 'assistant', content: 'Hello' }, done: false },
      { message: { content: ' world' }, done: false },
      {
        message: { content: '' },
        done: true,
        done_reason: 'stop',
        load_duration: 500_000_000,
        prompt_eval_count: 3,
        prompt_eval_duration: 250_000_000,
        eval_count: 2,
        eval_duration: 125_000_000,
      },
    ]);
    const end = lines.at(-1);
    expect(end?.done && end.total_duration).toBeGreaterThan(0);
  });

  it('answers as a whole where that is asked for', async () => {
    expect(await aChat().whole()).toMatchObject({
      message: { role: 'assistant', content: 'Hello world' },
      done: true,
      done_reason: 'stop',
      eval_count: 2,
    });
  });

  it('says that an answer was too long', async () => {
    const { whole } = aChat({ events: [anEnd({ finishReason: 'length' })] });
    expect((await whole()).done_reason).toBe('length');
  });

  it('takes the name with the usual tag, and repeats it', async () => {
    expect((await aChat().whole({ model: 'gemma:latest' })).model).toBe('gemma:latest');
    expect((await aChat().whole({ model: null })).model).toBe('gemma');
  });

  it('hands the options to the engine, with the defaults of Ollama', async () => {
    const { whole, asked } = aChat();
    await whole();
    const options = {
      temperature: 0,
      top_k: -1,
      top_p: 0.5,
      min_p: 0.1,
      seed: 7,
      stop: ['END'],
      num_predict: 9,
      num_ctx: 256,
      repeat_penalty: 1.2,
      repeat_last_n: -1,
      presence_penalty: 0.3,
      frequency_penalty: 0.4,
      num_gpu: 99,
    };
    await whole({ options, truncate: false });
    expect(asked).toMatchObject([
      {
        prompt: { kind: 'chat', messages: [question], tools: [] },
        stop: [],
        truncate: true,
        sampling: { temperature: 0.8, topP: 0.9, topK: 40, minP: 0 },
      },
      {
        contextSize: 256,
        maxTokens: 9,
        stop: ['END'],
        truncate: false,
        sampling: {
          temperature: 0,
          topP: 0.5,
          topK: 0,
          minP: 0.1,
          seed: 7,
          repeatPenalty: 1.2,
          repeatLastTokens: -1,
          presencePenalty: 0.3,
          frequencyPenalty: 0.4,
        },
      },
    ]);
    for (const field of ['maxTokens', 'contextSize', 'logprobs', 'structure']) {
      expect(asked[0]).not.toHaveProperty(field);
    }
    expect(asked[0]?.sampling).not.toHaveProperty('seed');
  });

  it('takes what the model brings where the options say nothing, and lets them take it back', async () => {
    const { whole, asked } = aChat({ defaults: { temperature: 0.2, seed: 3, maxTokens: 50 } });
    await whole();
    await whole({ options: { seed: -1, num_predict: -1 } });
    expect(asked[0]).toMatchObject({ maxTokens: 50, sampling: { temperature: 0.2, seed: 3 } });
    expect(asked[1]).not.toHaveProperty('maxTokens');
    expect(asked[1]?.sampling).not.toHaveProperty('seed');
  });

  it.each([
    ['json', { type: 'json' }],
    [{ type: 'object' }, { type: 'schema', schema: { type: 'object' }, strict: false }],
    ['', undefined],
  ])('holds an answer to the format %j', async (format, structure) => {
    const { whole, asked } = aChat();
    await whole({ format });
    expect(asked[0]?.structure).toEqual(structure);
  });

  it('streams calls whole, and thoughts apart', async () => {
    const { stream, asked } = aChat({ events: calling });
    const lines = await stream({ tools: [weather] });
    expect(lines.slice(0, -1)).toMatchObject([
      { message: { content: '', thinking: 'Hm' } },
      { message: { content: '', thinking: 'm.' } },
      { message: { content: 'I look.' } },
      { message: { tool_calls: [{ function: { index: 0, name: 'weather', arguments: { city: 'Oslo' } } }] } },
      { message: { tool_calls: [{ function: { index: 1, name: 'time', arguments: {} } }] } },
    ]);
    expect(lines.at(-1)).toMatchObject({ done: true, done_reason: 'stop' });
    expect(asked[0]?.prompt).toMatchObject({
      tools: [{ name: 'weather', description: 'Says it', parameters: { type: 'object' } }],
    });
  });

  it('answers with calls and thoughts as a whole', async () => {
    const { message } = await aChat({ events: calling }).whole({ tools: [weather] });
    expect(message).toMatchObject({ content: 'I look.', thinking: 'Hmm.' });
    expect(message.tool_calls?.map((call) => call.function.name)).toEqual(['weather', 'time']);
    expect(message.tool_calls?.[0]?.id).toMatch(/^call_[0-9a-f]{32}$/);
  });

  it('tells a call as text whose arguments were broken off', async () => {
    const events: GenerationEvent[] = [
      { type: 'call', index: 0, name: 'weather' },
      { type: 'arguments', index: 0, text: '{"city":' },
      anEnd({ finishReason: 'length' }),
    ];
    const { message, done_reason } = await aChat({ events }).whole({ tools: [weather] });
    expect(message).toEqual({ role: 'assistant', content: '{"name": "weather", "arguments": {"city":' });
    expect(done_reason).toBe('length');
  });

  it('tells probabilities', async () => {
    const top = [{ token: '\uFFFD', logprob: -2 }];
    const events: GenerationEvent[] = [
      { type: 'text', text: 'é', logprobs: [{ token: 'é', logprob: -0.5, top }] },
      anEnd(),
    ];
    const { whole, asked } = aChat({ events });
    const { logprobs } = await whole({ logprobs: true, top_logprobs: 1 });
    expect(asked[0]?.logprobs).toBe(1);
    expect(logprobs).toEqual([
      {
        token: 'é',
        logprob: -0.5,
        bytes: [0xc3, 0xa9],
        top_logprobs: [{ token: '\uFFFD', logprob: -2 }],
      },
    ]);
  });

  it('says that the model is there where nothing is asked', async () => {
    const { whole, asked } = aChat();
    expect(await whole({ messages: [], keep_alive: '10m' })).toMatchObject({
      message: { content: '' },
      done: true,
      done_reason: 'load',
    });
    expect(asked).toEqual([]);
  });

  it.each([0, '0', '0s', '-0m'])('does not unload for keep_alive %j', async (keepAlive) => {
    const { chat, whole } = aChat();
    const answer = await chat({ messages: [], keep_alive: keepAlive });
    expect(answer.statusCode).toBe(400);
    expect(OllamaError.parse(answer.json()).error).toContain('Scale the ModelServer to 0 replicas');
    // Behind an answer, it is what Ollama would do later.
    expect((await whole({ keep_alive: keepAlive })).done_reason).toBe('stop');
  });

  it('thinks as the model does, and says where it cannot do as it is told', async () => {
    const thinking = aChat({ abilities: { thoughts: true } });
    const plain = aChat();
    expect((await thinking.chat({ think: true, stream: false })).statusCode).toBe(200);
    expect((await plain.chat({ think: false, stream: false })).statusCode).toBe(200);
    const never = await plain.chat({ think: true });
    expect([never.statusCode, never.json()]).toEqual([400, { error: '"gemma" does not support thinking.' }]);
    const always = await thinking.chat({ think: false });
    expect(always.statusCode).toBe(400);
    expect(OllamaError.parse(always.json()).error).toContain('leave think out');
  });

  it.each([
    [{ temprature: 0 }, 'temprature: This server does not know the field.'],
    [
      { options: { temprature: 0 } },
      'options.temprature: This server does not know the field: did you mean temperature?',
    ],
    [{ options: { mirostat: 2 } }, 'options.mirostat: Mirostat'],
    [{ options: { num_ctx: 513 } }, 'options.num_ctx: 513 is more than the 512 tokens'],
    [{ options: { top_p: 2 } }, 'options.top_p'],
    [{ messages: [{ ...question, images: ['aGk='] }] }, 'messages[0].images: Images are not supported'],
    [{ messages: [{ role: 'robot' }] }, 'messages[0].role'],
    [
      { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] }] },
      'arguments',
    ],
    [{ format: 'xml' }, 'format: '],
    [{ think: 'high' }, 'think: true or false: how long a model thinks cannot be chosen.'],
    [{ shift: true }, 'shift: '],
    [{ keep_alive: '5' }, 'keep_alive: '],
    [{ keep_alive: '5 minutes' }, 'keep_alive: '],
    [{ tools: [{ type: 'code' }] }, 'tools[0].type'],
  ])("refuses %j in Ollama's shape", async (fields, error) => {
    const answer = await aChat().chat(fields);
    expect(answer.statusCode).toBe(400);
    expect(OllamaError.parse(answer.json()).error).toContain(error);
  });

  it('accepts what asks for nothing more than it does', async () => {
    const body = {
      tools: null,
      format: null,
      think: null,
      shift: false,
      keep_alive: '1h30m',
      truncate: true,
      logprobs: false,
      options: { mirostat: 0, mirostat_tau: 5, typical_p: 1, num_keep: 4, num_thread: 8, stop: null },
    };
    expect((await aChat().chat({ ...body, stream: false })).statusCode).toBe(200);
  });

  it.each([
    [{ refuse: new PromptTooLong(600, 512) }, 400, 'maximum context length'],
    [{ refuse: new QueueFull(256) }, 429, 'waiting for a free sequence'],
    [{ fail: new Error('a secret of the engine'), events: [] }, 500, 'The server failed to answer.'],
  ])('says in its shape what goes wrong: %j', async (script, status, error) => {
    const answer = await aChat(script).chat({ stream: false });
    expect(answer.statusCode).toBe(status);
    expect(OllamaError.parse(answer.json()).error).toContain(error);
    expect(answer.headers['retry-after']).toBe(status === 429 ? '5' : undefined);
  });

  it('tells an error on the way as the last line', async () => {
    const { chat } = aChat({ events: [{ type: 'text', text: 'Hello' }], fail: new Error('a secret') });
    const answer = await chat({});
    expect(linesOf(answer.body).slice(1)).toEqual([
      { error: 'The server failed to answer. Its log says why.' },
    ]);
  });

  it('does not know another model', async () => {
    const answer = await aChat().chat({ model: 'llama3' });
    expect(answer.statusCode).toBe(404);
    expect(OllamaError.parse(answer.json()).error).toContain("'llama3' does not exist");
  });

  it('asks to come back while the model loads', async () => {
    const answer = await ollamaServer('loading').post('/api/chat', { messages: [question] });
    expect(answer.statusCode).toBe(503);
    expect(OllamaError.parse(answer.json()).error).toContain('still loading');
  });
});
