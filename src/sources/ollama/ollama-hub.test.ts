import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { testToken } from '../../../test/hub/content.ts';
import { tinyGguf } from '../../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../../test/hub/hub.ts';
import { createHttpGet } from '../http/http.ts';
import { ollamaSource } from './ollama.ts';
import type { Source } from '../source.ts';
import { ollamaAt } from '../testing/ollama.ts';
import { said } from '../testing/said.ts';

const [q4, q8] = [tinyGguf({ seed: 1 }), tinyGguf({ seed: 2, quantization: 'Q8_0' })];
const repo = 'acme/m-GGUF';

let hub: Hub;
beforeAll(async () => {
  hub = await startHub({
    repos: [
      { id: repo, files: { 'm-Q8_0.gguf': q8, 'm-Q4_K_M.gguf': q4, 'mmproj-f16.gguf': 'x' } },
      {
        id: 'acme/split',
        files: { 'm-Q8_0-00001-of-00002.gguf': q4, 'm-Q8_0-00002-of-00002.gguf': q8 },
      },
      { id: 'acme/tensors', files: { 'model.safetensors': 'x' } },
      { id: 'acme/private', private: true, access: [testToken], files: { 'm-Q4_K_M.gguf': q4 } },
    ],
  });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.requests.length = 0;
});

const source = (model: string): Source => ollamaAt(model, { endpoint: hub.url });

describe('a repository of the Hugging Face hub, asked for as a model of a registry', () => {
  it.each(['hf.co', 'huggingface.co'])('is at %s, by its name there', async (host) => {
    const asked: string[] = [];
    const get = createHttpGet();
    const named = ollamaSource(
      { model: `${host}/${repo}:Q8_0` },
      {
        get: (address, request) => {
          asked.push(address);
          return get(address.replace(`https://${host}`, hub.url), request);
        },
        patience: { tries: 1, sleep: async () => {}, random: () => 0 },
      },
    );
    const { folder, records, files } = await named.resolve();
    expect(asked[0]).toBe(`https://${host}/v2/${repo}/manifests/Q8_0`);
    expect(folder).toMatch(new RegExp(`^ollama/${host}/${repo}/[0-9a-f]{64}$`));
    expect(records[0]!.path).toBe(`manifests/${host}/${repo}/Q8_0`);
    expect(files[0]).toMatchObject({ path: 'model.gguf', role: 'model', sizeBytes: q8.length });
  });

  it('is of the quantization that the tag names, in any case, or of four bits', async () => {
    const of = async (model: string) => (await source(model).resolve()).files[0]!.digest.hex;
    expect(await of(`${repo}:q8_0`)).toBe(await of(`${repo}:Q8_0`));
    expect(await of(repo)).toBe(await of(`${repo}:Q4_K_M`));
    expect(await of(repo)).not.toBe(await of(`${repo}:Q8_0`));
  });

  it('is pulled as it was inspected, though the hub knows no manifest by its digest', async () => {
    const found = await source(repo).resolve();
    await expect(source(repo).resolve(found.revision)).resolves.toEqual(found);
  });

  it('has its layers read, the weights from the storage of the hub', async () => {
    const from = source(repo);
    const { revision, files } = await from.resolve();
    expect(files.map(({ path }) => path)).toEqual(['model.gguf', 'params.json', 'config.json']);
    const weights = await from.open(revision, files[0]!);
    expect(Buffer.from(await weights.body.arrayBuffer()).equals(q4)).toBe(true);
    expect(weights.origin).toBe(hub.cdnUrl);
    expect(await (await from.open(revision, files[1]!)).body.json()).toEqual({ stop: ['<|end|>'] });
  });

  it.each([
    ['no such quantization', `${repo}:Q2_K`, /^RevisionNotFound: .*:Q2_K\. The tag .* is a quantization/],
    [
      'several pieces',
      'acme/split:Q8_0',
      /^UnsupportedModel: .*spec\.source\.huggingFace too, which takes split/,
    ],
    ['no GGUF file', 'acme/tensors', /^UnsupportedModel: .*says: Repository is not GGUF/],
    [
      'a gate or no one',
      'acme/private',
      /^Unauthorized: .*name it in spec\.source\.huggingFace, with a token/,
    ],
  ])('that has %s is refused with what to do', async (_what, model, message) => {
    expect(await said(source(model).resolve())).toMatch(message);
  });
});
