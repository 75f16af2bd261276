import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { standardModels, standardOllama } from '../content.ts';
import { tinyGguf } from '../gguf.ts';
import { manifestType } from './push.ts';
import { startOllamaRegistry } from './registry.ts';
import type { OllamaRegistry } from './registry.ts';

// The first run fetches docker-registry.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const { gemma, tensors, newer, cloud } = standardOllama;
const big = { model: 'library/big', content: tinyGguf({ size: 300_000, seed: 7 }) };
const accept = { Accept: manifestType };

let registry: OllamaRegistry;
let now = Date.UTC(2026, 0, 1);

beforeAll(async () => {
  registry = await startOllamaRegistry({
    models: [
      ...standardModels(),
      { name: big.model, tags: ['latest'], layers: [{ kind: 'model', content: big.content }] },
    ],
    blobHost: 'localhost',
    now: () => now,
    urlLifetimeSeconds: 60,
  });
});
afterAll(() => registry.close());
beforeEach(() => {
  registry.requests.length = 0;
});

const Manifest = z.object({
  config: z.object({ mediaType: z.string(), digest: z.string(), size: z.int() }),
  layers: z.array(
    z.object({
      mediaType: z.string(),
      digest: z.string(),
      size: z.int(),
      name: z.string().optional(),
    }),
  ),
});

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
const blobUrl = (model: string, digest: string): string => `${registry.url}/v2/${model}/blobs/${digest}`;
const bigUrl = (): string => blobUrl(big.model, sha256(big.content));

async function manifestOf(model: string, reference: string): Promise<z.infer<typeof Manifest>> {
  const response = await fetch(`${registry.url}/v2/${model}/manifests/${reference}`, { headers: accept });
  return Manifest.parse(await response.json());
}

async function signedUrl(): Promise<string> {
  const response = await fetch(bigUrl(), { redirect: 'manual' });
  return response.headers.get('Location') ?? '';
}

/** What a client can tell two answers apart by. */
async function seen(url: string, init: RequestInit) {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const names = ['Content-Type', 'Content-Length', 'Docker-Content-Digest', 'ETag', 'Allow'];
  const headers = Object.fromEntries(names.map((name) => [name, response.headers.get(name)]));
  return { status: response.status, ...headers, body: await response.text() };
}

describe('the front of the registry', () => {
  const missing = `sha256:${'0'.repeat(64)}`;
  it.each<[what: string, path: () => string, request: RequestInit, status: number]>([
    ['a manifest by tag', () => `/v2/${gemma.model}/manifests/latest`, { headers: accept }, 200],
    [
      'a manifest by digest',
      () => `/v2/${gemma.model}/manifests/${registry.digestOf(`${gemma.model}:${gemma.other}`)}`,
      { headers: accept },
      200,
    ],
    [
      'the head of a manifest',
      () => `/v2/${gemma.model}/manifests/${gemma.tag}`,
      { method: 'HEAD', headers: accept },
      200,
    ],
    ['a manifest without naming its type', () => `/v2/${gemma.model}/manifests/latest`, {}, 400],
    ['an unknown tag', () => `/v2/${gemma.model}/manifests/7b`, { headers: accept }, 404],
    ['the head of an unknown tag', () => `/v2/${gemma.model}/manifests/7b`, { method: 'HEAD' }, 404],
    ['an unknown digest', () => `/v2/${gemma.model}/manifests/${missing}`, { headers: accept }, 404],
    ['an unknown model', () => '/v2/longshore/nothing/manifests/latest', { headers: accept }, 404],
    ['an impossible name', () => '/v2/Long%20shore/x/manifests/latest', { headers: accept }, 404],
    ['an unknown blob', () => `/v2/${gemma.model}/blobs/${missing}`, {}, 404],
    ['the head of an unknown blob', () => `/v2/${gemma.model}/blobs/${missing}`, { method: 'HEAD' }, 404],
    ["another model's blob", () => `/v2/${cloud.model}/blobs/${sha256(big.content)}`, {}, 404],
    ['an impossible digest', () => `/v2/${gemma.model}/blobs/sha256:12`, {}, 400],
    ['the tags', () => `/v2/${gemma.model}/tags/list`, {}, 200],
    ['its version', () => '/v2/', {}, 200],
  ])('answers for %s as docker-registry does', async (_, path, init, status) => {
    const [own, real] = await Promise.all([
      seen(registry.url + path(), init),
      seen(registry.storageUrl + path(), init),
    ]);
    expect(real.status).toBe(status);
    expect(own).toEqual(real);
  });

  it('takes nothing in', async () => {
    const upload = await fetch(`${registry.url}/v2/${gemma.model}/blobs/uploads/`, { method: 'POST' });
    expect(upload.status).toBe(405);
  });

  it.each(['GET', 'HEAD'])('sends a client that wants a blob to another host name: %s', async (method) => {
    const url = new URL(bigUrl());
    const response = await fetch(url, { method, redirect: 'manual' });
    expect(response.status).toBe(307);
    const location = new URL(response.headers.get('Location') ?? '');
    expect(location.origin).toBe(registry.blobUrl);
    expect(location.hostname).not.toBe(url.hostname);
    const followed = await fetch(url, { method });
    expect([followed.status, followed.headers.get('Content-Length')]).toEqual([200, '300000']);
    expect((await bytesOf(followed)).byteLength).toBe(method === 'GET' ? 300_000 : 0);
  });

  it('answers blobs as Ollama needs it where docker-registry does not', async () => {
    const real = await fetch(bigUrl().replace(registry.url, registry.storageUrl), { redirect: 'manual' });
    expect([real.status, real.headers.get('Location')]).toEqual([200, null]);
    expect(sha256(await bytesOf(real))).toBe(sha256(big.content));
  });

  it('refuses a model for an Ollama to come, by its digest too', async () => {
    for (const reference of [newer.tag, registry.digestOf(newer.model)]) {
      const response = await fetch(`${registry.url}/v2/${newer.model}/manifests/${reference}`);
      expect(response.status).toBe(412);
      expect(await response.text()).toContain('requires a newer version of Ollama');
    }
  });
});

describe('a model of the registry', () => {
  it('has the layers of an Ollama model, each of the digest and size the manifest says', async () => {
    const manifest = await manifestOf(gemma.model, gemma.tag);
    const kinds = manifest.layers.map(({ mediaType }) =>
      mediaType.replace('application/vnd.ollama.image.', ''),
    );
    expect(kinds).toEqual(['model', 'template', 'system', 'license', 'params']);
    for (const { digest, size } of [manifest.config, ...manifest.layers]) {
      const bytes = await bytesOf(await fetch(blobUrl(gemma.model, digest)));
      expect([sha256(bytes), bytes.byteLength]).toEqual([digest, size]);
    }
    const config: unknown = await (await fetch(blobUrl(gemma.model, manifest.config.digest))).json();
    expect(config).toMatchObject({ model_format: 'gguf', model_family: 'gemma3', file_type: 'Q4_K_M' });
  });

  it('shares its weights with another tag of other parameters', async () => {
    const [one, same, other] = await Promise.all(
      [gemma.tag, 'latest', gemma.other].map((tag) => manifestOf(gemma.model, tag)),
    );
    expect(same).toEqual(one);
    expect(registry.digestOf(gemma.model)).toBe(registry.digestOf(`${gemma.model}:${gemma.tag}`));
    expect(other?.layers[0]).toEqual(one?.layers[0]);
    expect(other?.layers.at(-1)).not.toEqual(one?.layers.at(-1));
  });

  it('can be one that this project cannot serve', async () => {
    const { layers } = await manifestOf(tensors.model, tensors.tag);
    expect(layers[0]).toMatchObject({
      mediaType: 'application/vnd.ollama.image.tensor',
      name: 'model.embed_tokens.weight',
    });
    const remote = await manifestOf(cloud.model, cloud.tag);
    expect(remote.layers).toEqual([]);
    const config: unknown = await (await fetch(blobUrl(cloud.model, remote.config.digest))).json();
    expect(config).toMatchObject({ remote_host: 'https://ollama.com:443', remote_model: 'gpt-oss:120b' });
  });

  it('moves its tag with a push, and keeps what it was under its digest', async () => {
    const push = (content: string) =>
      registry.push({ name: 'library/moving', tags: ['latest'], layers: [{ kind: 'model', content }] });
    const first = await push('one');
    const second = await push('two');
    expect(second).not.toBe(first);
    expect(registry.digestOf('library/moving')).toBe(second);
    const [latest, old] = [
      await manifestOf('library/moving', 'latest'),
      await manifestOf('library/moving', first),
    ];
    expect(latest.layers[0]?.digest).toBe(sha256(Buffer.from('two')));
    expect(old.layers[0]?.digest).toBe(sha256(Buffer.from('one')));
  });
});

describe('the blobs of the registry', () => {
  it('come in parts', async () => {
    const url = await signedUrl();
    const part = await fetch(url, { headers: { Range: 'bytes=1000-1999' } });
    expect([part.status, part.headers.get('Content-Range')]).toEqual([206, 'bytes 1000-1999/300000']);
    expect((await bytesOf(part)).equals(big.content.subarray(1000, 2000))).toBe(true);
    registry.setRanges(false);
    expect((await fetch(url, { headers: { Range: 'bytes=0-0' } })).status).toBe(200);
    registry.setRanges(true);
  });

  it('are refused when the URL is forged, expired or withdrawn', async () => {
    const url = await signedUrl();
    const other = url.replace('/data?', '/other?');
    const statuses = async (...urls: string[]) =>
      (await Promise.all(urls.map((each) => fetch(each)))).map(({ status }) => status);
    expect(await statuses(url, other, url.split('?')[0] ?? '')).toEqual([200, 403, 403]);
    now += 61_000;
    expect(await statuses(url)).toEqual([403]);
    const fresh = await signedUrl();
    registry.expireUrls();
    expect(await statuses(fresh, await signedUrl())).toEqual([403, 200]);
  });

  it('can fail, break off and be slow', async () => {
    registry.failBlobs(503, 1);
    const url = await signedUrl();
    expect([(await fetch(url)).status, (await fetch(url)).status]).toEqual([503, 200]);
    registry.interruptAfter(100_000, 1);
    await expect(fetch(url).then(bytesOf)).rejects.toThrow('terminated');
    const rest = await fetch(url, { headers: { Range: 'bytes=100000-' } });
    expect((await bytesOf(rest)).equals(big.content.subarray(100_000))).toBe(true);
    registry.setThrottle(1_000_000);
    const begun = performance.now();
    await fetch(url).then(bytesOf);
    expect(performance.now() - begun).toBeGreaterThan(200);
    registry.setThrottle(undefined);
  });

  it('are recorded with the manifests, in order of arrival', async () => {
    await manifestOf(big.model, 'latest');
    await fetch(bigUrl(), { headers: { Authorization: 'Bearer mine', Range: 'bytes=0-0' } });
    expect(registry.requests).toMatchObject([
      { origin: 'registry', path: `/v2/${big.model}/manifests/latest`, status: 200 },
      { origin: 'registry', authorization: 'Bearer mine', status: 307 },
      { origin: 'blobs', range: 'bytes=0-0', status: 206 },
    ]);
    expect(registry.requests[2]).not.toHaveProperty('authorization');
  });
});

describe('a registry of its own kind', () => {
  it('is for those with its token, and its blobs for those with a URL', async () => {
    const [model] = standardModels();
    const own = await startOllamaRegistry({
      models: model ? [model] : [],
      guard: { kind: 'token', token: 'secret' },
    });
    const path = `${own.url}/v2/${gemma.model}/manifests/latest`;
    const refused = await fetch(path, { headers: { ...accept, Authorization: 'Bearer other' } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('WWW-Authenticate')).toBe(
      `Bearer realm="${own.url}/v2/token",service="registry",scope="repository:${gemma.model}:pull"`,
    );
    expect(await refused.json()).toMatchObject({ errors: [{ code: 'UNAUTHORIZED' }] });
    const headers = { ...accept, Authorization: 'Bearer secret' };
    const { config } = Manifest.parse(await (await fetch(path, { headers })).json());
    const blob = await fetch(`${own.url}/v2/${gemma.model}/blobs/${config.digest}`, {
      headers,
      redirect: 'manual',
    });
    expect((await fetch(blob.headers.get('Location') ?? '')).status).toBe(200);
    await own.close();
  });

  it('says as little as registry.ollama.ai', async () => {
    const [model] = standardModels();
    const own = await startOllamaRegistry({ models: model ? [model] : [], bare: true });
    const path = `${own.url}/v2/${gemma.model}/manifests/latest`;
    const manifest = await seen(path, {});
    expect(manifest).toMatchObject({
      status: 200,
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': null,
      'Docker-Content-Digest': null,
    });
    expect(sha256(Buffer.from(manifest.body))).toBe(own.digestOf(gemma.model));
    expect((await fetch(path, { method: 'HEAD' })).status).toBe(405);
    expect((await fetch(path.replace('latest', '7b'))).status).toBe(404);
    await own.close();
  });

  it('leaves nothing behind, whether it was closed or never came up', async () => {
    const ofTheDead = join(tmpdir(), 'longshore-registry-999999999-');
    await mkdir(ofTheDead);
    const ofThisProcess = async () =>
      (await readdir(tmpdir()))
        .filter((name) => name.startsWith(`longshore-registry-${process.pid}-`))
        .sort();
    const before = await ofThisProcess();
    const own = await startOllamaRegistry({ models: [] });
    const { pid, folder } = own.storage;
    expect(existsSync(ofTheDead)).toBe(false);
    const port = Number(new URL(registry.url).port);
    await expect(startOllamaRegistry({ models: [], port })).rejects.toThrow('EADDRINUSE');
    const nothing = { name: 'Not A Name', tags: ['latest'], layers: [] };
    await expect(startOllamaRegistry({ models: [nothing] })).rejects.toThrow('404');
    expect(await ofThisProcess()).toEqual([...before, basename(folder)].sort());
    await own.close();
    expect(await ofThisProcess()).toEqual(before);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    await expect(fetch(own.url)).rejects.toThrow('fetch failed');
    await expect(fetch(own.storageUrl)).rejects.toThrow('fetch failed');
  });
});
