import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { headsByLayer } from '../../test/hub/loadable-gguf.ts';
import { gemma } from '../../test/hub/model.ts';
import type { RuntimeSettings } from '../protocols/runtime.ts';
import { RuntimeFailure } from '../protocols/runtime.ts';
import { loraGguf } from './testing/lora.ts';
import { Runtime } from './testing/runtime.ts';

const counting = { prompt: '1, 2, 3, 4,', temperature: 0, max_tokens: 12 };
const colours = {
  prompt: 'red, blue, red, blue, red, blue, red, blue, red,',
  temperature: 0,
  max_tokens: 16,
};
const counted = ' 5, 6, 7, 8,';
const gemmaDown = { architecture: 'gemma3', tensor: 'blk.0.ffn_down.weight', shape: [2048, 640] } as const;

let folder: string;
let modelPath: string;
/** What is loaded of a runtime whose tests share it. */
const shared: Runtime[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-contexts-'));
  modelPath = (await gemma()).path;
}, 300_000);

afterAll(async () => {
  for (const { child, exited } of shared) {
    child.kill('SIGKILL');
    await exited;
  }
  await rm(folder, { recursive: true });
});

async function file(name: string, content: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function started(settings: Partial<RuntimeSettings>): Promise<Runtime> {
  const runtime = await Runtime.start(modelPath, {}, settings);
  shared.push(runtime);
  await runtime.loaded();
  return runtime;
}

/** Of a runtime that cannot serve. */
async function failure(settings: Partial<RuntimeSettings>) {
  const log = join(folder, 'termination-log');
  const runtime = await Runtime.start(modelPath, { LONGSHORE_TERMINATION_LOG: log }, settings);
  onTestFinished(() => void runtime.child.kill('SIGKILL'));
  expect(await runtime.exited).toEqual([1, null]);
  return RuntimeFailure.parse(JSON.parse(await readFile(log, 'utf8'))).failure;
}

const textOf = async (runtime: Runtime, body: object) => (await runtime.complete(body)).choices[0]?.text;

/** Bytes of weights and context of the model, as /api/ps has them. */
async function sizeOf(runtime: Runtime): Promise<number> {
  const { models } = (await (await fetch(`${runtime.url}/api/ps`)).json()) as { models: { size: number }[] };
  return models[0]?.size ?? NaN;
}

describe('a context', { timeout: 120_000 }, () => {
  it('takes as much memory as the type of the cache and the window have it, and counts on', async () => {
    const sizeWith = async (settings: Partial<RuntimeSettings>) => {
      const runtime = await started({ contextSize: 8192, ...settings });
      expect(await textOf(runtime, counting)).toBe(counted);
      const size = await sizeOf(runtime);
      runtime.child.kill('SIGKILL');
      return size;
    };
    const f16 = await sizeWith({});
    const q8 = await sizeWith({ kvCacheType: 'q8_0' });
    const whole = await sizeWith({ kvCacheType: 'q8_0', swaFullCache: true });
    const mib = 2 ** 20;
    // Gemma keeps 3 KiB for each token of each of two requests in layers without a window, and 15 KiB in those with one.
    expect(f16 - q8).toBeGreaterThan(20 * mib);
    expect(whole - q8).toBeGreaterThan(75 * mib);
  });

  it('fits by the type of its cache', async () => {
    const asked = { contextSize: 2 ** 24, parallel: 8 };
    const needs = ({ message }: { message: string }) => Number(/needs ([\d.]+) GiB/.exec(message)?.[1]);
    const f16 = needs(await failure(asked));
    const q8 = needs(await failure({ ...asked, kvCacheType: 'q8_0' }));
    // 34 bytes for 32 elements of two bytes.
    expect(q8 / f16).toBeCloseTo(34 / 64, 2);
  });
});

describe('a runtime with adapters by name', { timeout: 120_000 }, () => {
  let runtime: Runtime;
  let plain: string | undefined;
  const asking = (model: string) => textOf(runtime, { ...colours, model });

  beforeAll(async () => {
    const adapters = [];
    // Tokens that are computed together round otherwise than one alone, on some CPUs more than on others. With these two
    // layers the likeliest token is ahead of the next by half a nat or more; rounding makes a tenth of one.
    for (const [name, layer, strength] of [
      ['nothing', 0, 0],
      ['odd', 9, 5],
      ['odder', 8, 5],
    ] as const) {
      const tensor = `blk.${layer}.ffn_down.weight`;
      const path = await file(`${name}.gguf`, loraGguf({ ...gemmaDown, tensor, strength }));
      adapters.push({ name, path, scale: 1 });
    }
    runtime = await started({ contextSize: 256, adapters });
    plain = await asking('gemma');
  }, 120_000);

  it('lists them behind the model that they are for', async () => {
    const { data } = (await (await fetch(`${runtime.url}/v1/models`)).json()) as { data: object[] };
    expect(data).toMatchObject([
      { id: 'gemma' },
      { id: 'nothing', parent: 'gemma' },
      { id: 'odd', parent: 'gemma' },
      { id: 'odder', parent: 'gemma' },
    ]);
    const { models } = (await (await fetch(`${runtime.url}/api/tags`)).json()) as { models: object[] };
    expect(models).toMatchObject([
      { name: 'gemma', details: { parent_model: '' } },
      { name: 'nothing', details: { parent_model: 'gemma' } },
      { name: 'odd', details: { parent_model: 'gemma' } },
      { name: 'odder', details: { parent_model: 'gemma' } },
    ]);
    expect(await (await runtime.post('/v1/completions', { ...counting, model: 'none' })).text()).toContain(
      "this server serves 'gemma', 'nothing', 'odd', 'odder'",
    );
  });

  it('answers by each of them, the same whenever it is asked, and by none without its name', async () => {
    expect(plain).toMatch(/^ blue, red, blue, red,/);
    expect(await asking('nothing')).toBe(plain);
    const [odd, odder] = [await asking('odd'), await asking('odder')];
    expect(new Set([plain, odd, odder]).size).toBe(3);
    expect(await asking('odd')).toBe(odd);
    expect(await asking('odder')).toBe(odder);
    expect(await textOf(runtime, colours)).toBe(plain);
  });

  it('answers the same when all of them are asked at once', async () => {
    const alone = new Map<string, string | undefined>();
    for (const model of ['gemma', 'odd', 'odder']) alone.set(model, await asking(model));
    const models = Array.from({ length: 3 }, () => [...alone.keys()]).flat();
    const together = await Promise.all(models.map((model) => asking(model)));
    expect(together).toEqual(models.map((model) => alone.get(model)));
  });

  it('never takes what was computed with one of them for another', async () => {
    const prompt = 'The first line of a text that nobody has asked about before, and a second one';
    const cached = async (model: string) => {
      const { usage } = await runtime.complete({ prompt, model, temperature: 0, max_tokens: 1 });
      return usage?.prompt_tokens_details.cached_tokens;
    };
    const first = await cached('odd');
    // The beginning of every text.
    expect(first).toBeLessThanOrEqual(1);
    expect(await cached('odd')).toBeGreaterThan(10);
    expect(await cached('gemma')).toBeLessThanOrEqual(1);
    expect(await cached('odder')).toBeLessThanOrEqual(1);
  });

  it('speaks by name in every API', async () => {
    const chat = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 2, model: 'odd' };
    expect((await runtime.chat(chat)).model).toBe('odd');
    const generated = await runtime.post('/api/generate', {
      model: 'odd:latest',
      prompt: colours.prompt,
      raw: true,
      stream: false,
      options: { temperature: 0, num_predict: colours.max_tokens },
    });
    expect(await generated.json()).toMatchObject({ response: await asking('odd') });
    const embedding = await runtime.post('/v1/embeddings', { input: 'text', model: 'odd' });
    expect(embedding.status).toBe(400);
    expect(await embedding.text()).toContain("Ask 'gemma' for embeddings");
  });

  it('does not serve with one for another architecture', async () => {
    const path = await file('llama.gguf', loraGguf({ ...gemmaDown, architecture: 'llama', strength: 1 }));
    const { reason, message } = await failure({
      contextSize: 256,
      adapters: [{ name: 'llama', path, scale: 1 }],
    });
    expect(reason).toBe('IncompatibleAdapter');
    expect(message).toContain(path);
  });
});

describe('a runtime that drafts', { timeout: 180_000 }, () => {
  // Tokens that are computed together round otherwise than one alone, so the model has to be sure of what comes next.
  const twos = { prompt: '2, 4, 6, 8, 10, 12, 14,', temperature: 0, max_tokens: 40 };
  const answers = async (runtime: Runtime) => {
    const texts = [];
    for (const body of [counting, twos, colours]) texts.push(await textOf(runtime, body));
    return texts;
  };
  let without: (string | undefined)[];

  beforeAll(async () => {
    without = await answers(await started({ contextSize: 512 }));
  }, 120_000);

  /** Proposed and accepted tokens. */
  const drafted = async (runtime: Runtime) => ({
    proposed: await runtime.metric('spec_decode_num_draft_tokens_total'),
    accepted: await runtime.metric('spec_decode_num_accepted_tokens_total'),
  });

  it('answers as it would alone, with a draft that is always right', async () => {
    const runtime = await started({ contextSize: 512, draftModelPath: modelPath });
    expect(await answers(runtime)).toEqual(without);
    const { proposed, accepted } = await drafted(runtime);
    expect(proposed).toBeGreaterThan(20);
    expect(accepted / proposed).toBeGreaterThan(0.8);
  });

  it('answers as it would alone, by what stands in the prompt, where nothing looks at what was chosen', async () => {
    const runtime = await started({ contextSize: 512, promptLookup: true });
    await runtime.complete({ ...colours, frequency_penalty: 0.5 });
    await runtime.chat({
      messages: [{ role: 'user', content: 'A list of apples, pears, apples, pears, apples' }],
      response_format: { type: 'json_object' },
      max_tokens: 16,
    });
    expect(await drafted(runtime)).toEqual({ proposed: 0, accepted: 0 });

    expect(await answers(runtime)).toEqual(without);
    const { proposed, accepted } = await drafted(runtime);
    // Colours come back as they were, and numbers do not.
    expect(accepted).toBeGreaterThan(4);
    expect(proposed).toBeGreaterThan(accepted);
    // With a draw, the same text whenever it is asked for with the same seed.
    const drawn = { ...twos, temperature: 1, seed: 11, logprobs: 1 };
    const [one, other] = [await runtime.complete(drawn), await runtime.complete(drawn)];
    expect(one.choices[0]?.logprobs?.tokens.length).toBeGreaterThan(20);
    expect(other.choices[0]?.text).toBe(one.choices[0]?.text);
  });

  it('does not serve with a draft of another vocabulary', async () => {
    const draftModelPath = await file('other.gguf', headsByLayer());
    const { reason, message } = await failure({ contextSize: 256, draftModelPath });
    expect(reason).toBe('IncompatibleDraft');
    expect(message).toContain(`because ${draftModelPath} cannot draft for it`);
    expect(message).toContain('259 tokens, and not 262144');
  });
});
