import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { gemma } from '../../test/hub/model.ts';
import { Runtime } from './testing/runtime.ts';

const model = 'gemma';
const counting = { model, prompt: '1, 2, 3, 4,', temperature: 0, max_tokens: 12 };
const said = (content: string): OpenAI.ChatCompletionMessageParam => ({ role: 'user', content });

const weather: OpenAI.ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Says what the weather is like.',
    strict: true,
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', maxLength: 20 }, unit: { enum: ['celsius', 'fahrenheit'] } },
      required: ['city', 'unit'],
      additionalProperties: false,
    },
  },
};
const time: OpenAI.ChatCompletionFunctionTool = { type: 'function', function: { name: 'get_time' } };

/** The library that people use, on the real server with a real model: a base model, so it is the form that is looked at. */
describe("OpenAI's own client", { timeout: 60_000 }, () => {
  let runtime: Runtime;
  let client: OpenAI;

  beforeAll(async () => {
    runtime = await Runtime.start((await gemma()).path);
    client = new OpenAI({ baseURL: `${runtime.url}/v1`, apiKey: 'unused', maxRetries: 0 });
    await runtime.loaded();
  }, 300_000);

  afterAll(async () => {
    runtime.child.kill('SIGKILL');
    await runtime.exited;
  });

  it('lists the model', async () => {
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([model]);
    expect((await client.models.retrieve(model)).id).toBe(model);
  });

  it('holds a conversation, whose second turn computes only what is new', async () => {
    const first = [said('Count on from here: one, two, three, four, five, six')];
    const settings = { model, temperature: 0, max_completion_tokens: 8 };
    const answer = await client.chat.completions.create({ ...settings, messages: first });
    const text = answer.choices[0]?.message.content ?? '';
    const second = [...first, { role: 'assistant', content: text } as const, said('Go on.')];
    const { usage } = await client.chat.completions.create({ ...settings, messages: second });
    const known = (answer.usage?.total_tokens ?? 0) - 1;
    const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0;
    // The end of an answer may be cut into other tokens when it is a part of a longer text.
    expect(cached).toBeGreaterThanOrEqual(known - 2);
    expect(cached).toBeLessThanOrEqual(known);
    expect(usage?.prompt_tokens).toBeGreaterThan(known);
  });

  it('streams, with usage at the end', async () => {
    const stream = await client.completions.create({
      ...counting,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let tokens = 0;
    for await (const { choices, usage } of stream) {
      text += choices[0]?.text ?? '';
      tokens = usage?.completion_tokens ?? tokens;
    }
    expect([text, tokens]).toEqual([' 5, 6, 7, 8,', 12]);
  });

  it('calls a tool that it has to call, and goes on from its result', async () => {
    const question = said('What is the weather in Oslo?');
    const settings = { model, temperature: 0, max_tokens: 60, tools: [weather, time] };
    const chosen = { type: 'function', function: { name: 'get_weather' } } as const;
    const { choices } = await client.chat.completions.create({
      ...settings,
      messages: [question],
      tool_choice: chosen,
    });
    const [choice] = choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    const [call] = choice?.message.tool_calls ?? [];
    if (call?.type !== 'function' || !choice) throw new Error('no call');
    expect(call.function.name).toBe('get_weather');
    const place = z.strictObject({ city: z.string(), unit: z.enum(['celsius', 'fahrenheit']) });
    expect(() => place.parse(JSON.parse(call.function.arguments))).not.toThrow();

    const result = { role: 'tool', tool_call_id: call.id, content: '{"sky": "blue"}' } as const;
    const answer = await client.chat.completions.create({
      ...settings,
      messages: [question, choice.message, result],
      max_tokens: 4,
    });
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(100);
  });

  it('streams a call of one of several tools', async () => {
    const stream = client.chat.completions.stream({
      model,
      temperature: 0,
      max_tokens: 60,
      messages: [said('What time is it?')],
      tools: [weather, time],
      tool_choice: 'required',
      parallel_tool_calls: false,
    });
    const message = await stream.finalMessage();
    const [call, ...others] = message.tool_calls ?? [];
    expect(others).toEqual([]);
    if (call?.type !== 'function') throw new Error('no call');
    expect(['get_weather', 'get_time']).toContain(call.function.name);
    expect(JSON.parse(call.function.arguments)).toBeTypeOf('object');
  });

  it('holds an answer to a schema', async () => {
    const { choices } = await client.chat.completions.create({
      model,
      temperature: 0,
      max_tokens: 100,
      messages: [said('Describe a person of the name of Ann.')],
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'person',
          strict: true,
          schema: {
            type: 'object',
            properties: {
              name: { type: 'string', maxLength: 12 },
              age: { type: 'integer' },
              tags: { type: 'array', items: { enum: ['tall', 'kind'] }, maxItems: 3 },
              likes: { anyOf: [{ type: 'null' }, { const: 'tea' }] },
            },
            required: ['name', 'age', 'tags', 'likes'],
            additionalProperties: false,
          },
        },
      },
    });
    expect(choices[0]?.finish_reason).toBe('stop');
    const person = z.strictObject({
      name: z.string().max(12),
      age: z.int(),
      tags: z.array(z.enum(['tall', 'kind'])).max(3),
      likes: z.literal('tea').nullable(),
    });
    expect(() => person.parse(JSON.parse(choices[0]?.message.content ?? ''))).not.toThrow();
  });

  it('says why a schema cannot be followed', async () => {
    const schema = { type: 'object', properties: { a: { type: 'string', pattern: 'x+' } } };
    const refused = client.chat.completions.create({
      model,
      messages: [said('x')],
      response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } },
    });
    await expect(refused).rejects.toMatchObject({ status: 400, code: 'invalid_schema' });
    await expect(refused).rejects.toThrow('at /properties/a');
  });

  it('tells probabilities, and changes them', async () => {
    const likely = await client.chat.completions.create({
      model,
      messages: [said('1, 2, 3, 4,')],
      temperature: 0,
      max_tokens: 2,
      logprobs: true,
      top_logprobs: 3,
    });
    const [token] = likely.choices[0]?.logprobs?.content ?? [];
    expect(token?.top_logprobs).toHaveLength(3);
    expect(token?.top_logprobs[0]).toMatchObject({ token: token?.token, logprob: token?.logprob });
    expect(token?.logprob).toBeLessThanOrEqual(0);

    const [first] = (await client.completions.create({ ...counting, max_tokens: 2, logprobs: 1 })).choices;
    expect(first?.text).toBe(' 5');
    // With penalties they are read from the whole vocabulary, and else from the few that are told: the same but for what
    // is computed with more or fewer tokens of the prompt at once.
    const slight = { ...counting, max_tokens: 2, logprobs: 3, frequency_penalty: 1e-6 };
    const [few, whole] = [{ ...slight, frequency_penalty: 0 }, slight].map(async (asked) => {
      const [choice] = (await client.completions.create(asked)).choices;
      return choice?.logprobs?.top_logprobs?.[0] ?? {};
    });
    const told = Object.entries((await few) ?? {});
    expect(told).toHaveLength(3);
    for (const [text, logprob] of told) expect(((await whole) ?? {})[text]).toBeCloseTo(logprob, 0);

    const banned = { '236743': -100 };
    const [other] = (await client.completions.create({ ...counting, max_tokens: 2, logit_bias: banned }))
      .choices;
    expect(other?.text).not.toBe(' 5');
  });

  it('gives several answers', async () => {
    const { choices, usage } = await client.completions.create({
      ...counting,
      temperature: 1,
      n: 3,
      seed: 7,
      max_tokens: 4,
    });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 12 });
  });

  it('embeds texts: the same text has the same place, a like one is near', async () => {
    const input = ['A cat sat on the mat.', 'A cat sat on the mat.', 'Interest rates rose again.'];
    const { data, usage } = await client.embeddings.create({ model, input });
    const [a = [], b = [], c = []] = data.map(({ embedding }) => embedding);
    const dot = (x: number[], y: number[]) => x.reduce((sum, one, i) => sum + one * (y[i] ?? 0), 0);
    expect(a).toHaveLength(640);
    expect(dot(a, a)).toBeCloseTo(1, 3);
    expect(dot(a, b)).toBeCloseTo(1, 3);
    expect(dot(a, c)).toBeLessThan(0.999);
    expect(usage.prompt_tokens).toBeGreaterThan(15);
  });

  it('makes responses, whole and streamed', async () => {
    const asked = { model, input: 'Hello', instructions: 'Be brief.', temperature: 0, max_output_tokens: 6 };
    const response = await client.responses.create(asked);
    expect(response.status).toMatch(/^(completed|incomplete)$/);
    expect(response.usage?.output_tokens).toBeLessThanOrEqual(6);
    const stream = client.responses.stream(asked);
    expect((await stream.finalResponse()).output_text).toBe(response.output_text);
  });

  it('shortens a chat that is too long where it may, and says so where it may not', async () => {
    const messages = Array.from({ length: 40 }, (_, i) => said(`${i}: ${'word '.repeat(40)}`));
    const long = { model, messages, max_tokens: 1 };
    await expect(client.chat.completions.create(long)).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    });
    const shortened = { ...long, truncation: 'auto' };
    const { usage } = await client.chat.completions.create(shortened);
    expect(usage?.prompt_tokens).toBeGreaterThan(700);
    expect(usage?.prompt_tokens).toBeLessThan(1024);
  });

  it('is told that the model does not rank', async () => {
    const ranked = client.post('/rerank', { body: { query: 'x', documents: ['a', 'b'] } });
    await expect(ranked).rejects.toMatchObject({ status: 400, code: 'unsupported' });
  });
});
