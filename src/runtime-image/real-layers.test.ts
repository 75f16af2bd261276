import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { gemma } from '../../test/hub/model.ts';
import type { RuntimeSettings } from '../protocols/runtime.ts';
import { RuntimeFailure } from '../protocols/runtime.ts';
import { loraGguf } from './testing/lora.ts';
import { Runtime } from './testing/runtime.ts';

const sky = { messages: [{ role: 'user', content: 'What colour is the sky?' }], max_tokens: 40 };
const counting = { prompt: '1, 2, 3, 4,', temperature: 0, max_tokens: 12 };
const gemmaDown = { architecture: 'gemma3', tensor: 'blk.0.ffn_down.weight', shape: [2048, 640] } as const;

let folder: string;
let modelPath: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-layers-'));
  modelPath = (await gemma()).path;
}, 300_000);

afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function serve(settings: Partial<RuntimeSettings>): Promise<Runtime> {
  const runtime = await Runtime.start(modelPath, {}, settings);
  onTestFinished(async () => {
    runtime.child.kill('SIGKILL');
    await runtime.exited;
  });
  await runtime.loaded();
  return runtime;
}

/** What the runtime writes when it cannot serve. */
async function failure(settings: Partial<RuntimeSettings>): Promise<string> {
  const log = join(folder, 'termination-log');
  const runtime = await Runtime.start(modelPath, { LONGSHORE_TERMINATION_LOG: log }, settings);
  onTestFinished(() => void runtime.child.kill('SIGKILL'));
  expect(await runtime.exited).toEqual([1, null]);
  return RuntimeFailure.parse(JSON.parse(await readFile(log, 'utf8'))).failure.message;
}

describe('a runtime of an Ollama model', { timeout: 120_000 }, () => {
  const template = 'Q: {{ .Prompt }}\nA:';
  const params = { stop: ['\nQ:'], temperature: 0, num_ctx: 768 };

  it('chats as the layers say', async () => {
    const runtime = await serve({
      ollama: {
        templatePath: await file('template', template),
        paramsPath: await file('params', JSON.stringify(params)),
      },
    });
    expect(await runtime.load()).toEqual({
      phase: 'ready',
      percent: 100,
      contextSize: 768,
      chat: { description: 'Chats are rendered with the template of the Ollama model.' },
    });

    const { choices, usage } = await runtime.chat(sky);
    expect(choices[0]?.message.content).toMatch(/^ The sky is blue/);
    expect(choices[0]?.message.content).not.toContain('Q:');
    expect(choices[0]?.finish_reason).toBe('stop');
    expect(usage.prompt_tokens).toBe(12);

    // The text of a completion is its prompt: neither the template nor its stops have a part in it.
    const raw = await runtime.complete({ prompt: 'Q: 1+1?\nA: 2\nQ: 2+2?\nA: 4', max_tokens: 24 });
    expect(raw.choices[0]?.text).toContain('\nQ:');

    const long = await runtime.post('/v1/completions', { prompt: 'word '.repeat(1000) });
    expect(await long.text()).toContain('maximum context length is 768 tokens');
  });

  it('begins chats with the system and the messages layer', async () => {
    const messages = [
      { role: 'user', content: 'Two?' },
      { role: 'assistant', content: 'Deux' },
    ];
    const runtime = await serve({
      contextSize: 256,
      ollama: {
        templatePath: await file('with-system', '{{ .System }}\nQ: {{ .Prompt }}\nA: {{ .Response }}\n'),
        systemPath: await file('system', 'Answer in French.'),
        messagesPath: await file('messages', JSON.stringify(messages)),
      },
    });
    /** Whether this is what the chat before became: then all of it is still there. */
    const wasPrompt = async (prompt: string) => {
      const { usage } = await runtime.complete({ prompt, max_tokens: 1 });
      return usage?.prompt_tokens_details.cached_tokens === (usage?.prompt_tokens ?? 0) - 1;
    };
    const rest = '\nQ: Two?\nA: Deux\n\nQ: What colour is the sky?\nA: ';
    await runtime.chat({ ...sky, max_tokens: 1 });
    expect(await wasPrompt(`Answer in French.${rest}`)).toBe(true);
    const own = [{ role: 'system', content: 'Be brief.' }, ...sky.messages];
    await runtime.chat({ messages: own, max_tokens: 1 });
    expect(await wasPrompt('\nQ: Two?\nA: Deux\nBe brief.\nQ: What colour is the sky?\nA: ')).toBe(true);
    expect(await wasPrompt('Q: Two?\nA: Deux\nBe brief.\nQ: What colour is the sky?\nA: ')).toBe(false);
  });

  it('chats as the file says where the template cannot be followed, and tells so', async () => {
    const templatePath = await file('broken', 'Q: {{ .Prompt }}\n{{ shout .Prompt }}');
    const runtime = await serve({ contextSize: 256, ollama: { templatePath } });
    const { chat } = await runtime.load();
    expect(chat?.problem).toContain('line 2, column 4: the function shout is not supported');
    expect(chat?.problem).toContain(chat?.description);
    expect(chat?.description).toContain(
      'the Gemma format, which was chosen by name and architecture (gemma3)',
    );
    expect((await runtime.chat({ ...sky, max_tokens: 3 })).choices).toHaveLength(1);
  });

  it('lowers the chance of what was said before with the repeat penalty', async () => {
    const laughing = { prompt: 'ha ha ha ha ha', max_tokens: 8 };
    const paramsPath = await file('penalty', '{"repeat_penalty":2,"repeat_last_n":-1,"temperature":0}');
    const runtime = await serve({ contextSize: 256, ollama: { paramsPath } });
    expect((await runtime.complete(laughing)).choices[0]?.text).not.toMatch(/^ ha/);
  });

  it('does not serve with params that cannot be read', async () => {
    const paramsPath = await file('params-broken', '{"stop":');
    const message = await failure({ ollama: { paramsPath } });
    expect(message.startsWith(`The layer ${paramsPath} of the Ollama model is not`)).toBe(true);
  });
});

describe('a runtime with an adapter', { timeout: 120_000 }, () => {
  it('answers with it', async () => {
    const answers: (string | undefined)[] = [];
    for (const strength of [0, 50]) {
      const adapter = await file(`lora-${strength}.gguf`, loraGguf({ ...gemmaDown, strength }));
      const runtime = await serve({ contextSize: 256, adapterPaths: [adapter] });
      answers.push((await runtime.complete(counting)).choices[0]?.text);
    }
    expect(answers[0]).toBe(' 5, 6, 7, 8,');
    expect(answers[1]).not.toBe(answers[0]);
  });

  it.each([
    ['has another shape', { shape: [2048, 512] as const }, 'incorrect shape'],
    ['is of another architecture', { architecture: 'llama' }, 'arch mismatch'],
  ])('does not serve where it %s, and names the file', async (_what, other, why) => {
    const adapter = await file('lora-wrong.gguf', loraGguf({ ...gemmaDown, strength: 1, ...other }));
    const message = await failure({ contextSize: 256, adapterPaths: [adapter] });
    expect(message).toContain(adapter);
    expect(message).toContain(why);
    expect(message).toContain('because an adapter does not fit');
  });
});
