import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { ResponseObject } from '../../protocols/openai/responses.ts';
import type { GenerationEvent } from '../engine.ts';
import { createMetrics } from '../metrics.ts';
import { createServer } from '../server.ts';
import { newState } from '../state.ts';
import type { Script } from '../testing/fake-engine.ts';
import { anEnd, fakeEngine } from '../testing/fake-engine.ts';

const calling: GenerationEvent[] = [
  { type: 'thought', text: 'Hm' },
  { type: 'text', text: 'Let me' },
  { type: 'text', text: ' see.' },
  { type: 'call', index: 0, name: 'weather' },
  { type: 'arguments', index: 0, text: '{}' },
  anEnd({ finishReason: 'calls' }),
];

function ask(script: Script = {}) {
  const state = newState('gemma', new Date());
  const { engine, asked } = fakeEngine(script);
  state.engine = engine;
  const app = createServer(state, createMetrics(state), pino({ level: 'silent' }));
  const post = (payload: object) => app.inject({ method: 'POST', url: '/v1/responses', payload });
  const respond = async (body: object) => ResponseObject.parse((await post(body)).json());
  return { asked, post, respond };
}

describe('POST /v1/responses', () => {
  it('answers with a message, and says what it was made with', async () => {
    const { respond, asked } = ask();
    const settings = { instructions: 'Be brief.', max_output_tokens: 9, temperature: 0.5 };
    const response = await respond({ input: 'Hello', ...settings });
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      store: false,
      ...settings,
      output: [
        {
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Hello world', annotations: [] }],
        },
      ],
      usage: {
        input_tokens: 3,
        input_tokens_details: { cached_tokens: 1 },
        output_tokens: 2,
        output_tokens_details: { reasoning_tokens: 1 },
        total_tokens: 5,
      },
    });
    expect(asked[0]).toMatchObject({
      maxTokens: 9,
      sampling: { temperature: 0.5 },
      prompt: {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Hello' },
        ],
      },
    });
  });

  it('reads back the items of an earlier response', async () => {
    const { respond, asked } = ask();
    const input = [
      { role: 'developer', content: 'Be kind.' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Weather?' }] },
      { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'Hm' }] },
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{}' },
      { type: 'function_call', call_id: 'c2', name: 'time', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'rain' },
    ];
    await respond({ input });
    expect(asked[0]?.prompt).toMatchObject({
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Weather?' },
        { role: 'assistant', content: '', thought: 'Hm', calls: [{ id: 'c1' }, { id: 'c2' }] },
        { role: 'tool', content: 'rain', callId: 'c1' },
      ],
    });
  });

  it('hands tools and the format of the text to the engine', async () => {
    const { respond, asked } = ask();
    await respond({
      input: 'x',
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object' }, strict: true }],
      tool_choice: { type: 'function', name: 'f' },
      text: { format: { type: 'json_schema', name: 'x', schema: { type: 'object' }, strict: true } },
    });
    expect(asked[0]).toMatchObject({
      prompt: { tools: [{ name: 'f', strict: true }], toolChoice: { name: 'f' } },
      structure: { type: 'schema', schema: { type: 'object' }, strict: true },
    });
  });

  it('says when an answer was cut short', async () => {
    const events: GenerationEvent[] = [{ type: 'text', text: 'a' }, anEnd({ finishReason: 'length' })];
    expect(await ask({ events }).respond({ input: 'x' })).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ status: 'incomplete' }],
    });
  });

  it('streams every item from its beginning to its end', async () => {
    const { body } = await ask({ events: calling }).post({ input: 'x', stream: true });
    const events = body.trimEnd().split('\n\n');
    const named = events.map((event) => /^event: (.*)\ndata: (.*)$/.exec(event) ?? []);
    expect(named.map(([, name]) => name)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_text.delta',
      'response.reasoning_text.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const data = named.map(([, , json = '']) => JSON.parse(json) as Record<string, unknown>);
    expect(data.map((one) => one['sequence_number'])).toEqual(data.map((_, i) => i));
    expect(data.map((one) => one['type'])).toEqual(named.map(([, name]) => name));
    expect(ResponseObject.parse(data.at(-1)?.['response']).output).toMatchObject([
      { type: 'reasoning', content: [{ text: 'Hm' }] },
      { type: 'message', content: [{ text: 'Let me see.' }] },
      { type: 'function_call', name: 'weather', arguments: '{}' },
    ]);
    expect(ResponseObject.parse(data[0]?.['response']).output).toEqual([]);
  });

  it('tells an error on the way as an event', async () => {
    const script = { events: calling.slice(0, 1), fail: new Error('a secret of the engine') };
    const { body } = await ask(script).post({ input: 'x', stream: true });
    expect(body).toMatch(/event: error\ndata: .*The server failed to answer.*\n\n$/);
    expect(body).not.toContain('secret');
  });

  it.each([
    [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ background: true }, 'background'],
    [{ reasoning: { effort: 'low' } }, 'reasoning'],
  ])('refuses %j by name', async (fields, param) => {
    const answer = await ask().post({ input: 'x', ...fields });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ error: { param, code: 'unsupported_parameter' } });
  });

  it('takes what asks for nothing more than it does', async () => {
    const neutral = {
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: null, summary: null },
      text: { verbosity: 'medium' },
      stream_options: { include_obfuscation: false },
      max_tool_calls: null,
    };
    expect((await ask().respond({ input: 'x', ...neutral })).status).toBe('completed');
  });

  it('tells how likely its tokens were where that is included', async () => {
    const top = [
      { token: 'Yes', logprob: -0.5 },
      { token: '\uFFFD', logprob: -1 },
    ];
    const events: GenerationEvent[] = [
      { type: 'text', text: 'Yes', logprobs: [{ token: 'Yes', logprob: -0.5, top }] },
      { type: 'text', text: '', logprobs: [{ token: '!', logprob: -0.25, top: [] }] },
      anEnd(),
    ];
    const { respond, post, asked } = ask({ events });
    const asking = { input: 'x', include: ['message.output_text.logprobs'], top_logprobs: 2 };
    const { output } = await respond(asking);
    const logprobs = [
      {
        token: 'Yes',
        logprob: -0.5,
        bytes: [89, 101, 115],
        top_logprobs: [
          { token: 'Yes', logprob: -0.5, bytes: [89, 101, 115] },
          { token: '\uFFFD', logprob: -1, bytes: [] },
        ],
      },
      { token: '!', logprob: -0.25, bytes: [33], top_logprobs: [] },
    ];
    expect(output).toMatchObject([{ content: [{ text: 'Yes', logprobs }] }]);
    expect(asked[0]?.logprobs).toBe(2);
    const { body } = await post({ ...asking, stream: true });
    expect(body.match(/"delta":"[^"]*","logprobs":\[\{"token":"[^"]*"/g)).toHaveLength(2);
    await respond({ input: 'x' });
    expect(asked.at(-1)).not.toHaveProperty('logprobs');
  });

  it('offers the tools that are allowed, and no others', async () => {
    const { respond, post, asked } = ask();
    const tools = ['a', 'b', 'c'].map((name) => ({ type: 'function', name }));
    const choice = (...names: string[]) => ({
      type: 'allowed_tools',
      mode: 'required',
      tools: names.map((name) => ({ type: 'function', name })),
    });
    await respond({ input: 'x', tools, tool_choice: choice('a', 'c') });
    expect(asked[0]?.prompt).toMatchObject({
      tools: [{ name: 'a' }, { name: 'c' }],
      toolChoice: 'required',
    });
    const unknown = await post({ input: 'x', tools, tool_choice: choice('d') });
    expect(unknown.json()).toMatchObject({
      error: { message: 'tool_choice: There is no tool of the name d.' },
    });
    const none = await post({ input: 'x', tools, tool_choice: choice() });
    expect(none.json()).toMatchObject({ error: { message: 'tool_choice: There are no tools to call.' } });
  });
});
