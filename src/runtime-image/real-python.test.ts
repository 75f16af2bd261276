import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { pythonConversation } from '../../test/clients/python/conversation.ts';
import { gemma } from '../../test/hub/model.ts';
import { Runtime } from './testing/runtime.ts';

const Person = z.strictObject({ name: z.string().max(12), age: z.int() });
const count = ' 5, 6, 7, 8,';

/** What people use from Python, on the real server with a real model: a base model, so it is the form that is looked at. */
describe('clients for Python', () => {
  let runtime: Runtime;
  let answers: ReadonlyMap<string, unknown>;

  // The first run fetches the clients.
  beforeAll(async () => {
    runtime = await Runtime.start((await gemma()).path);
    await runtime.loaded();
    answers = await pythonConversation(runtime.url);
  }, 600_000);

  afterAll(async () => {
    runtime.child.kill('SIGKILL');
    await runtime.exited;
  });

  it.each([
    ['openai_models', ['gemma']],
    ['openai_text', count],
    ['openai_stream', [count, 12]],
    ['openai_embeddings', 640],
    ['openai_error', 'context_length_exceeded'],
    ['ollama_text', [count, 'length', 12]],
    ['ollama_stream', count],
    ['ollama_conversation', true],
    ['ollama_tool', ['get_weather', { city: 'Bern' }]],
    ['ollama_embeddings', 640],
    ['ollama_error', 404],
  ])('%s', (question, answer) => {
    expect(answers.get(question)).toEqual(answer);
  });

  it('go on with what is known of a conversation', () => {
    expect(answers.get('openai_conversation')).toBeGreaterThan(5);
    expect(['completed', 'incomplete']).toContain(answers.get('openai_response'));
  });

  it('are told about the model', () => {
    const capabilities = expect.arrayContaining(['completion']) as string[];
    expect(answers.get('ollama_models')).toEqual(['gemma', 'gemma', 2300, 'gemma3', capabilities]);
  });

  it('get calls and answers of the form that they ask for', () => {
    const called = z.tuple([z.literal('greet'), Person]);
    expect(() => called.parse(answers.get('openai_tool'))).not.toThrow();
    expect(() => Person.parse(answers.get('openai_schema'))).not.toThrow();
    expect(() => Person.parse(answers.get('ollama_schema'))).not.toThrow();
  });

  it("converse by LangChain's", () => {
    const conversation = {
      called: z.literal('get_weather'),
      tokens: z.int().min(20),
      pieces: z.int().min(2),
      person: Person,
    };
    expect(z.strictObject(conversation).parse(answers.get('langchain_openai'))).toBeDefined();
    const ollama = z.strictObject({ ...conversation, embedding: z.literal(640) });
    expect(ollama.parse(answers.get('langchain_ollama'))).toBeDefined();
  });
});
