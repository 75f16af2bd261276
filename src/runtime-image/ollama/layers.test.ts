import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LayerError, readOllamaLayers } from './layers.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-layers-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('readOllamaLayers', () => {
  it('reads what there is', async () => {
    const layers = await readOllamaLayers({
      templatePath: await file('template', '{{ .Prompt }}'),
      systemPath: await file('system', 'Be brief.'),
      messagesPath: await file(
        'messages',
        '[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}]',
      ),
      paramsPath: await file('params', '{"stop":["a"],"num_ctx":512}'),
    });
    expect(layers).toMatchObject({
      template: '{{ .Prompt }}',
      system: 'Be brief.',
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello' },
      ],
      params: { stop: ['a'], contextSize: 512 },
    });
  });

  it('is content with none', async () => {
    expect(await readOllamaLayers(undefined)).toEqual({
      messages: [],
      params: { stop: [], defaults: {}, ignored: [] },
    });
  });

  it('knows the parameters of Ollama, and names those that mean nothing here', async () => {
    const paramsPath = await file(
      'params-all',
      JSON.stringify({
        stop: '<end>',
        num_ctx: 4096,
        num_predict: 100,
        temperature: 0.5,
        top_p: 0.9,
        top_k: -1,
        min_p: 0.1,
        seed: 7,
        presence_penalty: 0.2,
        frequency_penalty: 0.3,
        repeat_penalty: 1.1,
        repeat_last_n: 32,
        mirostat: 1,
      }),
    );
    expect((await readOllamaLayers({ paramsPath })).params).toEqual({
      stop: ['<end>'],
      contextSize: 4096,
      defaults: {
        maxTokens: 100,
        temperature: 0.5,
        topP: 0.9,
        topK: 0,
        minP: 0.1,
        seed: 7,
        presencePenalty: 0.2,
        frequencyPenalty: 0.3,
        repeatPenalty: 1.1,
        repeatLastTokens: 32,
      },
      ignored: ['mirostat'],
    });
  });

  it('takes the negative numbers of Ollama for no wish', async () => {
    const paramsPath = await file('params-none', '{"num_predict":-1,"seed":-1}');
    expect((await readOllamaLayers({ paramsPath })).params.defaults).toEqual({});
  });

  it.each([
    ['paramsPath', 'params-broken', '{"stop":', 'is not what such a layer holds'],
    ['paramsPath', 'params-wrong', '{"temperature":"hot"}', 'temperature'],
    ['messagesPath', 'messages-wrong', '[{"role":"tool","content":"x"}]', 'role'],
    ['messagesPath', 'messages-object', '{}', 'expected array'],
  ])('names the file of a %s that is broken', async (layer, name, content, why) => {
    const path = await file(name, content);
    const error = await readOllamaLayers({ [layer]: path }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LayerError);
    expect(String(error)).toContain(path);
    expect(String(error)).toContain(why);
  });

  it('names a file that is not there', async () => {
    const systemPath = join(folder, 'nowhere');
    await expect(readOllamaLayers({ systemPath })).rejects.toThrow(
      `${systemPath} of the Ollama model cannot be read`,
    );
  });
});
