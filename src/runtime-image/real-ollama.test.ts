import type { Message, Tool } from 'ollama';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { gemma } from '../../test/hub/model.ts';
import { OllamaChatEnd } from '../protocols/ollama/chat.ts';
import { OllamaRunning, OllamaShown, OllamaTags } from '../protocols/ollama/models.ts';
import { Runtime } from './testing/runtime.ts';

const model = 'gemma';
const counting = { model, prompt: '1, 2, 3, 4,', raw: true, options: { temperature: 0, num_predict: 12 } };
const said = (role: string, content: string): Message => ({ role, content });

const weather: Tool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Says what the weather is like.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

/** A base model calls where it has seen calls. */
const asked = (city: string): Message[] => [
  said('user', `What is the weather in ${city}?`),
  {
    role: 'assistant',
    content: '',
    tool_calls: [{ function: { name: 'get_weather', arguments: { city } } }],
  },
  { role: 'tool', content: `{"city": "${city}", "sky": "blue"}`, tool_name: 'get_weather' },
  said('assistant', `The sky is blue in ${city}.`),
];

/** The library that people use, on the real server with a real model: a base model, so it is the form that is looked at. */
describe("Ollama's own client", { timeout: 60_000 }, () => {
  let runtime: Runtime;
  let client: Ollama;

  beforeAll(async () => {
    runtime = await Runtime.start((await gemma()).path);
    client = new Ollama({ host: runtime.url });
    await runtime.loaded();
  }, 300_000);

  afterAll(async () => {
    runtime.child.kill('SIGKILL');
    await runtime.exited;
  });

  it('finds the server, its version and its model', async () => {
    expect(await (await fetch(runtime.url)).text()).toBe('Ollama is running');
    expect((await client.version()).version).toMatch(/^\d+\.\d+\.\d+$/);
    const tags = OllamaTags.parse(await client.list());
    expect(tags.models).toMatchObject([
      { name: model, details: { family: 'gemma3', parameter_size: '268M' } },
    ]);
    expect(tags.models[0]?.size).toBe((await gemma()).size);
    const running = OllamaRunning.parse(await client.ps());
    expect(running.models).toMatchObject([{ name: model, size_vram: 0, context_length: 1024 }]);
    expect(running.models[0]?.size).toBeGreaterThan(200e6);
  });

  it('is shown what the header says', async () => {
    const shown = OllamaShown.parse(await client.show({ model }));
    expect(shown.model_info).toMatchObject({
      'general.architecture': 'gemma3',
      'gemma3.block_count': 18,
      'tokenizer.ggml.tokens': null,
    });
    expect(shown.parameters).toBe(`${'num_ctx'.padEnd(30)} 1024`);
    expect(shown.capabilities).toContain('completion');
  });

  it('continues a text, and is told what it took', async () => {
    const answer = await client.generate(counting);
    expect(answer).toMatchObject({
      response: ' 5, 6, 7, 8,',
      done: true,
      done_reason: 'length',
      prompt_eval_count: 12,
      eval_count: 12,
    });
    expect(answer.eval_duration).toBeGreaterThan(0);
    expect(answer.prompt_eval_duration + answer.eval_duration + answer.load_duration).toBeLessThanOrEqual(
      answer.total_duration,
    );
  });

  it('streams the same text', async () => {
    let text = '';
    let pieces = 0;
    for await (const { response = '', done } of await client.generate({ ...counting, stream: true })) {
      text += response;
      if (!done) pieces++;
    }
    expect(text).toBe(' 5, 6, 7, 8,');
    expect(pieces).toBeGreaterThan(5);
  });

  it('ends the request when it breaks a stream off', async () => {
    const stream = await client.generate({ ...counting, options: { num_predict: 900 }, stream: true });
    for await (const { response } of stream) {
      expect(response).toBeTypeOf('string');
      break;
    }
    stream.abort();
    await expect.poll(() => runtime.metric('num_requests_running'), { timeout: 20_000 }).toBe(0);
    expect((await client.generate(counting)).response).toBe(' 5, 6, 7, 8,');
  });

  it('brings a template of its own', async () => {
    const { prompt, options } = counting;
    const templated = await client.generate({ model, prompt, template: 'Numbers: {{ .Prompt }}', options });
    const raw = await client.generate({ ...counting, prompt: `Numbers: ${prompt}` });
    expect(templated.prompt_eval_count).toBe(raw.prompt_eval_count);
    expect(templated.response).toBe(raw.response);
    const broken = client.generate({ model, prompt, template: '{{ .Prompt' });
    await expect(broken).rejects.toMatchObject({ status_code: 400 });
    await expect(broken).rejects.toThrow('template');
  });

  it('holds a conversation, streamed and whole', async () => {
    const first = [said('system', 'Be brief.'), said('user', 'Hello!')];
    const options = { temperature: 0, num_predict: 8 };
    const { message } = await client.chat({ model, messages: first, options });
    const second = { model, messages: [...first, message, said('user', 'Go on.')], options };
    const whole = OllamaChatEnd.parse(await client.chat(second));
    let text = '';
    for await (const piece of await client.chat({ ...second, stream: true })) text += piece.message.content;
    expect(text).toBe(whole.message.content);
  });

  it('calls a tool, whole and streamed, and goes on from its result', async () => {
    const question = said('user', 'What is the weather in Bern?');
    const messages = [...asked('Oslo'), ...asked('Rome'), ...asked('Lima'), question];
    const request = { model, messages, tools: [weather], options: { temperature: 0, num_predict: 60 } };
    const { message, done_reason } = await client.chat(request);
    const expected = [{ function: { name: 'get_weather', arguments: { city: 'Bern' } } }];
    expect(message.tool_calls).toMatchObject(expected);
    expect(done_reason).toBe('stop');

    const streamed: unknown[] = [];
    for await (const piece of await client.chat({ ...request, stream: true })) {
      streamed.push(...(piece.message.tool_calls ?? []));
    }
    expect(streamed).toMatchObject(expected);

    const result = { role: 'tool', content: '{"city": "Bern", "sky": "grey"}', tool_name: 'get_weather' };
    const told = await client.chat({ ...request, messages: [...messages, message, result] });
    expect(told.message.content).toContain('Bern');
  });

  it('holds an answer to a schema, and to JSON', async () => {
    const person = z.strictObject({ name: z.string().max(12), age: z.int() });
    const request = {
      model,
      messages: [said('user', 'Describe a person of the name of Ann.')],
      options: { temperature: 0, num_predict: 100 },
    };
    const { message } = await client.chat({ ...request, format: z.toJSONSchema(person) });
    expect(() => person.parse(JSON.parse(message.content))).not.toThrow();
    const any = await client.generate({
      model,
      prompt: 'An empty list in JSON:',
      format: 'json',
      options: { temperature: 0, num_predict: 4 },
    });
    expect(any.response?.trimStart()).toMatch(/^[[{"\d]/);
  });

  it('embeds texts, shortened where that is asked for', async () => {
    const input = ['A cat sat on the mat.', 'A cat sat on the mat.'];
    const { embeddings, prompt_eval_count } = await client.embed({ model, input });
    const [a = [], b = []] = embeddings;
    const dot = (x: number[], y: number[]) => x.reduce((sum, one, i) => sum + one * (y[i] ?? 0), 0);
    expect(a).toHaveLength(640);
    expect(dot(a, b)).toBeCloseTo(1, 3);
    expect(prompt_eval_count).toBeGreaterThan(10);
    const [short = []] = (await client.embed({ model, input: input[0]!, dimensions: 16 })).embeddings;
    expect(short).toHaveLength(16);
    expect(dot(short, short)).toBeCloseTo(1, 3);
    expect((await client.embeddings({ model, prompt: input[0]! })).embedding).toHaveLength(640);
  });

  it('embeds the beginning of a text that is too long, unless it may not', async () => {
    const long = { model, input: 'word '.repeat(2000) };
    const { embeddings, prompt_eval_count } = await client.embed(long);
    expect(embeddings[0]).toHaveLength(640);
    expect(prompt_eval_count).toBe(1023);
    const refused = client.embed({ ...long, truncate: false });
    await expect(refused).rejects.toMatchObject({ status_code: 400 });
  });

  it('gives a request the context that it asks for, up to that of the server', async () => {
    const messages = Array.from({ length: 20 }, (_, i) => said('user', `${i}: ${'word '.repeat(10)}`));
    const request = { model, messages, options: { num_ctx: 128, num_predict: 200, temperature: 0 } };
    const answer = await client.chat(request);
    expect(answer.prompt_eval_count).toBeLessThan(128);
    expect(answer.prompt_eval_count + answer.eval_count).toBeLessThanOrEqual(128);
    const more = client.chat({ ...request, options: { num_ctx: 4096 } });
    await expect(more).rejects.toMatchObject({ status_code: 400 });
    await expect(more).rejects.toThrow('1024');
  });

  it('is told what this model, or this server, does not do', async () => {
    const infill = client.generate({ model, prompt: 'a', suffix: 'b' });
    await expect(infill).rejects.toMatchObject({
      status_code: 400,
      error: '"gemma" does not support insert.',
    });
    const pull = client.pull({ model: 'llama3' });
    await expect(pull).rejects.toMatchObject({ status_code: 501 });
    await expect(pull).rejects.toThrow('apply a Model');
    const other = client.chat({ model: 'llama3', messages: [said('user', 'Hello')] });
    await expect(other).rejects.toMatchObject({ status_code: 404 });
  });
});
