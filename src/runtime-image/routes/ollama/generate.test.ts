import { describe, expect, it } from 'vitest';
import { OllamaError } from '../../../protocols/ollama/error.ts';
import { OllamaGenerateEnd, OllamaGenerateLine } from '../../../protocols/ollama/generate.ts';
import { NotSupported } from '../../refusal.ts';
import { anEnd } from '../../testing/fake-engine.ts';
import type { Script } from '../../testing/fake-engine.ts';
import { linesOf, ollamaServer } from '../../testing/ollama-server.ts';

function aServer(script: Script = {}) {
  const { post, asked } = ollamaServer(script);
  const generate = (body: object) => post('/api/generate', { model: 'gemma', prompt: 'Why?', ...body });
  const whole = async (body: object = {}) =>
    OllamaGenerateEnd.parse((await generate({ ...body, stream: false })).json());
  return { asked, generate, whole };
}

describe('POST /api/generate', () => {
  it('streams lines of JSON, the last with what it took', async () => {
    const answer = await aServer().generate({});
    expect(answer.headers['content-type']).toBe('application/x-ndjson');
    expect(linesOf(answer.body).map((line) => OllamaGenerateLine.parse(line))).toMatchObject([
      { model: 'gemma', response: 'Hello', done: false },
      { response: ' world', done: false },
      { response: '', done: true, done_reason: 'stop', prompt_eval_count: 3, eval_duration: 125_000_000 },
    ]);
  });

  it('answers as a whole, with thoughts apart', async () => {
    const events = [
      { type: 'thought', text: 'Hm' } as const,
      { type: 'text', text: 'So.' } as const,
      anEnd(),
    ];
    expect(await aServer({ events }).whole()).toMatchObject({ response: 'So.', thinking: 'Hm', done: true });
  });

  it.each([
    [{}, { kind: 'chat', messages: [{ role: 'user', content: 'Why?' }] }],
    [
      { system: 'Be brief.', template: '{{ .Prompt }}' },
      {
        kind: 'chat',
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Why?' },
        ],
        template: '{{ .Prompt }}',
      },
    ],
    [{ raw: true }, { kind: 'text', text: 'Why?' }],
    [{ suffix: ' Because.' }, { kind: 'text', text: 'Why?', suffix: ' Because.' }],
  ])('makes of %j the prompt %j', async (body, prompt) => {
    const { whole, asked } = aServer({ abilities: { infill: true } });
    await whole(body);
    expect(asked[0]?.prompt).toEqual(prompt);
  });

  it.each([
    [{ raw: true, system: 'x' }, 'raw: raw mode does not support template or system.'],
    [{ raw: true, template: 'x' }, 'raw: raw mode does not support template or system.'],
    [{ suffix: 'x', system: 'x' }, 'suffix: '],
    [{ suffix: 'x' }, '"gemma" does not support insert.'],
    [{ context: [1, 2] }, 'context: Superseded: send the conversation to /api/chat.'],
    [{ images: ['aGk='] }, 'images: Images are not supported'],
    [{ width: 512 }, 'width: Images are not made.'],
    [{ _debug_render_only: true }, '_debug_render_only: '],
  ])('refuses %j', async (fields, error) => {
    const answer = await aServer().generate(fields);
    expect(answer.statusCode).toBe(400);
    expect(OllamaError.parse(answer.json()).error).toContain(error);
  });

  it('says why a template cannot be followed', async () => {
    const answer = await aServer({
      refuse: new NotSupported('The template cannot be followed: x.'),
    }).generate({
      template: '{{',
    });
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      { error: 'The template cannot be followed: x.' },
    ]);
  });

  it('says that the model is there where nothing is asked', async () => {
    const { whole, generate } = aServer();
    expect(await whole({ prompt: '' })).toMatchObject({ response: '', done_reason: 'load' });
    expect((await generate({ prompt: '', keep_alive: 0 })).statusCode).toBe(400);
  });

  it('takes empty lists for nothing', async () => {
    expect((await aServer().generate({ context: [], images: [], stream: false })).statusCode).toBe(200);
  });
});
