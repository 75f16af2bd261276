import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { standardModels, standardOllama, testToken } from '../../../test/hub/content.ts';
import { tinyGguf } from '../../../test/hub/gguf.ts';
import { startOllamaRegistry, type OllamaRegistry } from '../../../test/hub/registry/registry.ts';
import type { Source } from '../source.ts';
import { ollamaAt } from '../testing/ollama.ts';
import { said } from '../testing/said.ts';

// The first start installs docker-registry.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 300_000 });

const { gemma, tensors, newer, cloud } = standardOllama;
const named = `${gemma.model}:${gemma.tag}`;
const small = { name: 'longshore/small', layers: [{ kind: 'model', content: tinyGguf() }] };
let registry: OllamaRegistry;

beforeAll(async () => {
  registry = await startOllamaRegistry({ models: standardModels(), blobHost: 'localhost' });
});
afterAll(() => registry.close());
beforeEach(() => {
  registry.requests.length = 0;
});

type Fields = Partial<Parameters<typeof ollamaAt>[1]>;
const source = (model: string, fields: Fields = {}): Source =>
  ollamaAt(model, { endpoint: registry.url, ...fields });

const sha256 = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');
const manifests = () =>
  registry.requests.filter(({ path }) => path.includes('/manifests/')).map(({ path }) => path);

describe('a model', () => {
  it('is pinned to the digest of its manifest, and its layers are files', async () => {
    const found = await source(named).resolve();
    const digest = registry.digestOf(named);
    expect(found.revision).toBe(digest);
    expect(found.files.map(({ path, role }) => [path, role])).toEqual([
      ['model.gguf', 'model'],
      ['template', 'template'],
      ['params.json', 'params'],
      ['system', 'system'],
      ['license', 'license'],
      ['config.json', 'config'],
    ]);
    expect(found.files[3]).toMatchObject({
      sizeBytes: 27,
      digest: { hex: sha256('You answer in one sentence.') },
    });
    expect(found.folder).toBe(`ollama/registry.ollama.ai/${gemma.model}/${digest.slice('sha256:'.length)}`);
  });

  it("is recorded where Ollama's own store has it, byte for byte", async () => {
    const { records, revision } = await source(named).resolve();
    expect(records).toMatchObject([{ path: `manifests/registry.ollama.ai/${gemma.model}/${gemma.tag}` }]);
    expect(`sha256:${sha256(records[0]!.content)}`).toBe(revision);
  });

  it.each([false, true])('is known to be what it was by one look at its tag (bare: %s)', async (bare) => {
    const models = [{ ...small, tags: ['latest'] }];
    const other = await startOllamaRegistry({ models, bare });
    try {
      const from = source(small.name, { endpoint: other.url });
      const revision = other.digestOf(`${small.name}:latest`);
      expect(await from.isStill?.(revision)).toBe(true);
      // Ollama's own registry answers no HEAD.
      expect(other.requests.map(({ method }) => method)).toEqual(bare ? ['HEAD', 'GET'] : ['HEAD']);
      expect(await from.isStill?.(`sha256:${'0'.repeat(64)}`)).toBe(false);
      const pinned = source(`${small.name}@${revision}`, { endpoint: other.url });
      expect(await pinned.isStill?.(revision)).toBe(true);
    } finally {
      await other.close();
    }
  });

  it('has the tag latest by default', async () => {
    const { records, revision } = await source(gemma.model).resolve();
    expect(revision).toBe(registry.digestOf(named));
    expect(records[0]!.path).toMatch(/\/latest$/);
  });

  it('is read, in whole and in part, and its bytes come from another origin', async () => {
    const from = source(named);
    const { revision, files } = await from.resolve();
    const system = files.find(({ path }) => path === 'system')!;
    const whole = await from.open(revision, system);
    expect(await whole.body.text()).toBe('You answer in one sentence.');
    expect(whole.origin).toBe(registry.blobUrl);
    const part = await from.open(revision, system, { start: 4, end: 10 });
    expect(part.status).toBe(206);
    expect(await part.body.text()).toBe('answers'.slice(0, 6) + ' ');
  });
});

it("a registry that answers as sparsely as Ollama's own is understood", async () => {
  const models = [{ ...small, tags: ['latest'] }];
  const bare = await startOllamaRegistry({ models, bare: true, blobHost: 'localhost' });
  const digest = bare.digestOf(small.name);
  const found = await source(small.name, { endpoint: bare.url }).resolve();
  expect(found.revision).toBe(digest);
  await expect(source(small.name, { endpoint: bare.url }).resolve(digest)).resolves.toEqual(found);
  const none = source('acme/none', { endpoint: bare.url }).resolve();
  expect(await said(none)).toMatch(/^RevisionNotFound: .*acme\/none/);
  await bare.close();
});

describe('a digest', () => {
  it('in the name pins the manifest, and leaves the tag alone', async () => {
    const digest = registry.digestOf(`${gemma.model}:${gemma.other}`);
    const found = await source(`${gemma.model}@${digest}`).resolve();
    expect(found).toMatchObject({ revision: digest, records: [] });
    expect(manifests()).toEqual([`/v2/${gemma.model}/manifests/${digest}`]);
  });

  it('that an earlier answer pinned is asked for when the tag has moved', async () => {
    await registry.push({ ...small, tags: ['latest'] });
    const first = await source(small.name).resolve();
    await registry.push({ ...small, tags: ['latest'], config: { model_type: 'another' } });
    const again = await source(small.name).resolve(first.revision);
    expect(again).toEqual(first);
    expect((await source(small.name).resolve()).revision).not.toBe(first.revision);
  });

  it('that the registry does not have is RevisionNotFound', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(await said(source(`${gemma.model}@${digest}`).resolve())).toMatch(
      /^RevisionNotFound: .* has no manifest sha256:0+ of longshore\/gemma, and the tag latest has moved to sha256:/,
    );
    expect(await said(source(`acme/none@${digest}`).resolve())).toMatch(
      /^RevisionNotFound: .*no tag latest either/,
    );
  });
});

describe('a model that is not for this runtime', () => {
  it.each([
    ['of tensors', tensors.model, /tensors \(safetensors/],
    ['in the cloud', cloud.model, /cloud model/],
    [
      'for a newer Ollama',
      newer.model,
      /newer versions of Ollama only \(412\).*requires a newer version of Ollama\./,
    ],
  ])('%s is refused', async (_what, model, message) => {
    const refused = await said(source(model).resolve());
    expect(refused).toMatch(/^UnsupportedModel: /);
    expect(refused).toMatch(message);
  });
});

describe('a model that is missing', () => {
  it('and a tag that is', async () => {
    expect(await said(source(`${gemma.model}:none`).resolve())).toMatch(
      /^RevisionNotFound: .* no model longshore\/gemma with the tag none/,
    );
    expect(await said(source('acme/none').resolve())).toMatch(/^RevisionNotFound: .*acme\/none/);
  });
});

describe('the token', () => {
  let closed: OllamaRegistry;
  beforeAll(async () => {
    closed = await startOllamaRegistry({
      models: [{ ...small, tags: ['latest'] }],
      guard: { kind: 'token', token: testToken },
      blobHost: 'localhost',
    });
  });
  afterAll(() => closed.close());

  it('goes to the registry, and never to the storage it redirects to', async () => {
    const from = source(small.name, { endpoint: closed.url, token: testToken });
    const { revision, files } = await from.resolve();
    await (await from.open(revision, files[0]!)).body.dump();
    const sent = (origin: string) =>
      closed.requests.filter((one) => one.origin === origin).map((one) => one.authorization);
    expect(new Set(sent('registry'))).toEqual(new Set([`Bearer ${testToken}`]));
    expect(new Set(sent('blobs'))).toEqual(new Set([undefined]));
  });

  it('that is missing or wrong is Unauthorized, and is not repeated', async () => {
    expect(await said(source(small.name, { endpoint: closed.url }).resolve())).toMatch(
      /^Unauthorized: .*\(401\) to a request without a token\. Name a Secret with a token or a password/,
    );
    const wrong = await said(source(small.name, { endpoint: closed.url, token: 'wrong-token' }).resolve());
    expect(wrong).toMatch(/^Unauthorized: .*to this token\. Put a token or a password/);
    expect(wrong).not.toContain('wrong-token');
  });
});

it('a storage that breaks is asked again, and then said to be it', async () => {
  registry.failBlobs(503, 1);
  const asked = source(named, { tries: 2 }).resolve();
  await expect(asked).resolves.toMatchObject({ revision: registry.digestOf(named) });
  registry.failBlobs(403, 1);
  expect(await said(source(named).resolve())).toMatch(
    /^SourceUnreachable: The storage .*403 for config.json/,
  );
});
