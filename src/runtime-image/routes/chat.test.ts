import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { ChatCompletion, ChatCompletionChunk } from '../../protocols/openai/chat.ts';
import { CompletionLogprobs } from '../../protocols/openai/completions.ts';
import type { GenerationEvent } from '../engine.ts';
import { createMetrics } from '../metrics.ts';
import { createServer } from '../server.ts';
import { newState } from '../state.ts';
import { anEnd, fakeEngine } from '../testing/fake-engine.ts';

const weather = {
  type: 'function',
  function: { name: 'weather', description: 'Says it', parameters: { type: 'object' }, strict: true },
};
const question = { role: 'user', content: 'Weather?' };

const calling: GenerationEvent[] = [
  { type: 'thought', text: 'Hm' },
  { type: 'thought', text: 'm.' },
  { type: 'call', index: 0, name: 'weather' },
  { type: 'arguments', index: 0, text: '{"city":' },
  { type: 'arguments', index: 0, text: '"Oslo"}' },
  { type: 'call', index: 1, name: 'time' },
  { type: 'arguments', index: 1, text: '{}' },
  anEnd({ finishReason: 'calls' }),
];

const top = [
  { token: 'Hi', logprob: -0.5 },
  { token: '\uFFFD', logprob: -2 },
];
const likely: GenerationEvent[] = [
  { type: 'text', text: 'Hi', logprobs: [{ token: 'Hi', logprob: -0.5, top }] },
  { type: 'text', text: ' é', logprobs: [{ token: ' é', logprob: -1, top: [] }] },
  anEnd(),
];

function ask(events?: GenerationEvent[]) {
  const state = newState('gemma', new Date());
  const { engine, asked } = fakeEngine(events ? { events } : {});
  state.engine = engine;
  const app = createServer(state, createMetrics(state), pino({ level: 'silent' }));
  const post = async (body: object, url = '/v1/chat/completions') =>
    (await app.inject({ method: 'POST', url, payload: body })).body;
  const chat = async (body: object) => ChatCompletion.parse(JSON.parse(await post(body)));
  const stream = async (body: object) => {
    const events = (await post({ ...body, stream: true })).trimEnd().split('\n\n');
    return events.slice(0, -1).map((event) => ChatCompletionChunk.parse(JSON.parse(event.slice(6))));
  };
  return { asked, post, chat, stream };
}

describe('a chat with tools', () => {
  const body = { messages: [question], tools: [weather] };

  it('hands them to the engine, with the calls and results of the chat', async () => {
    const { chat, asked } = ask();
    const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } };
    const messages = [
      question,
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: 'rain' },
    ];
    const choice = { type: 'function', function: { name: 'weather' } };
    await chat({ ...body, messages, tool_choice: choice, parallel_tool_calls: false });
    expect(asked[0]?.prompt).toEqual({
      kind: 'chat',
      messages: [
        question,
        { role: 'assistant', content: '', calls: [{ id: 'c1', name: 'weather', arguments: '{}' }] },
        { role: 'tool', content: 'rain', callId: 'c1' },
      ],
      tools: [{ name: 'weather', description: 'Says it', parameters: { type: 'object' }, strict: true }],
      toolChoice: { name: 'weather' },
      parallelCalls: false,
    });
  });

  it('answers with calls, and with what was thought', async () => {
    const [choice] = (await ask(calling).chat(body)).choices;
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        reasoning_content: 'Hmm.',
        tool_calls: [
          { type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
          { type: 'function', function: { name: 'time', arguments: '{}' } },
        ],
      },
    });
    const ids = choice?.message.tool_calls?.map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
  });

  it('streams calls in pieces', async () => {
    const deltas = (await ask(calling).stream(body)).map(({ choices }) => choices[0]?.delta);
    expect(deltas).toMatchObject([
      { role: 'assistant', content: '' },
      { reasoning_content: 'Hm' },
      { reasoning_content: 'm.' },
      { tool_calls: [{ index: 0, type: 'function', function: { name: 'weather', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '"Oslo"}' } }] },
      { tool_calls: [{ index: 1, function: { name: 'time', arguments: '' } }] },
      { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
      {},
    ]);
  });
});

describe('a chat that asks for', () => {
  const body = { messages: [question] };

  it('several answers gets them one after the other, and pays for the prompt once', async () => {
    const { chat, asked } = ask();
    const { choices, usage } = await chat({ ...body, n: 3, seed: 5 });
    expect(choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, 'Hello world'],
      [1, 'Hello world'],
      [2, 'Hello world'],
    ]);
    expect(usage.completion_tokens_details.reasoning_tokens).toBe(3);
    expect(asked.map(({ sampling }) => sampling.seed)).toEqual([5, 6, 7]);
    expect(usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 6, total_tokens: 9 });
  });

  it('several answers in a stream gets a role for each', async () => {
    const chunks = await ask().stream({ ...body, n: 2, stream_options: { include_usage: true } });
    const roles = chunks.flatMap(({ choices }) => choices.filter(({ delta }) => delta.role));
    expect(roles.map(({ index }) => index)).toEqual([0, 1]);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 4 } });
  });

  it('probabilities gets them, and nobody else does', async () => {
    const { chat, asked } = ask(likely);
    const [choice] = (await chat({ ...body, logprobs: true, top_logprobs: 2 })).choices;
    expect(choice?.logprobs?.content).toEqual([
      {
        token: 'Hi',
        logprob: -0.5,
        bytes: [72, 105],
        top_logprobs: [
          { token: 'Hi', logprob: -0.5, bytes: [72, 105] },
          { token: '\uFFFD', logprob: -2, bytes: null },
        ],
      },
      { token: ' é', logprob: -1, bytes: [32, 195, 169], top_logprobs: [] },
    ]);
    await chat(body);
    expect(asked.map(({ logprobs }) => logprobs)).toEqual([2, undefined]);
  });

  it('a structure has it held by the engine', async () => {
    const { chat, asked } = ask();
    const schema = { type: 'object' };
    const named = { name: 'x', schema, strict: true };
    await chat({ ...body, response_format: { type: 'json_object' } });
    await chat({ ...body, response_format: { type: 'json_schema', json_schema: named } });
    await chat({ ...body, response_format: { type: 'text' } });
    expect(asked.map(({ structure }) => structure)).toEqual([
      { type: 'json' },
      { type: 'schema', schema, strict: true },
      undefined,
    ]);
  });

  it('other odds and a shorter chat gets them', async () => {
    const { chat, asked } = ask();
    await chat({ ...body, logit_bias: { 7: -100 }, truncation: 'auto' });
    expect(asked[0]?.sampling.logitBias).toEqual(new Map([[7, -100]]));
    expect(asked[0]?.truncate).toBe(true);
  });
});

describe('a completion', () => {
  it('tells probabilities in lists, with the place of each token', async () => {
    const { post } = ask(likely);
    const answer = JSON.parse(await post({ prompt: 'x', logprobs: 2 }, '/v1/completions')) as {
      choices: { logprobs: unknown }[];
    };
    expect(CompletionLogprobs.parse(answer.choices[0]?.logprobs)).toEqual({
      tokens: ['Hi', ' é'],
      token_logprobs: [-0.5, -1],
      top_logprobs: [{ Hi: -0.5, '\uFFFD': -2 }, {}],
      text_offset: [0, 2],
    });
  });

  it('takes token ids', async () => {
    const { post, asked } = ask();
    await post({ prompt: [1, 2, 3] }, '/v1/completions');
    expect(asked[0]?.prompt).toEqual({ kind: 'text', text: [1, 2, 3] });
  });
});
