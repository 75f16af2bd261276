import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { standardModels, standardOllama, testToken } from '../../test/hub/content.ts';
import { notGguf, tinyGguf } from '../../test/hub/gguf.ts';
import { startOllamaRegistry, type OllamaRegistry } from '../../test/hub/registry/registry.ts';
import { Publication } from '../protocols/puller.ts';
import { partialFolder } from './testing/partial.ts';
import { aPlace, type Puller, type PullerPlace } from './testing/process.ts';

// Every test starts processes, and the first start of the registry installs it.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 300_000 });

const { gemma, tensors, newer, cloud } = standardOllama;
const named = `${gemma.model}:${gemma.tag}`;
const big = { name: 'longshore/big', content: tinyGguf({ size: 24 << 20, seed: 11 }) };
const model = (content: Buffer) => ({ kind: 'model', content });
const sha256 = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');

let registry: OllamaRegistry;
let place: PullerPlace;

beforeAll(async () => {
  registry = await startOllamaRegistry({
    models: [
      ...standardModels(),
      { name: big.name, tags: ['latest'], layers: [model(big.content)] },
      { name: 'longshore/gptoss', tags: ['latest'], layers: [model(tinyGguf({ architecture: 'gptoss' }))] },
      { name: 'longshore/text', tags: ['latest'], layers: [model(notGguf(5000))] },
    ],
    blobHost: 'localhost',
  });
});
afterAll(() => registry.close());
beforeEach(async () => {
  place = await aPlace();
  registry.requests.length = 0;
});
afterEach(() => place.clear());

function start(command: string, name: string, more: object = {}): Puller {
  return place.start(command, { source: { ollama: { model: name, endpoint: registry.url } }, ...more });
}

/** Pulls, and says what was published. */
async function pull(name: string, more: object = {}): Promise<Publication> {
  const { report } = await start('pull', name, more).ended();
  return z.object({ publication: Publication }).parse(report).publication;
}

const onVolume = (path: string): Promise<Buffer> => readFile(join(place.volume, path));
const blobs = () => registry.requests.filter(({ origin }) => origin === 'blobs');

describe('a model of an Ollama registry', () => {
  it('is inspected, and pulled as it was inspected when its tag has moved since', async () => {
    const name = 'longshore/moving';
    const push = (seed: number) =>
      registry.push({ name, tags: ['latest'], layers: [model(tinyGguf({ seed }))] });
    const revision = await push(21);
    const { code, report } = await start('inspect', name).ended();
    expect({ code, report }).toMatchObject({
      code: 0,
      report: {
        inspection: { revision, fileCount: 2, gguf: { architecture: 'llama', quantization: 'Q4_K_M' } },
      },
    });
    await push(22);
    const published = await pull(name, { revision });
    expect(published).toMatchObject({ revision, fileCount: 2 });
    expect(published.files[0]!.sha256).toBe(sha256(tinyGguf({ seed: 21 })));
  });

  it("lies on the volume as files of one folder, and as in Ollama's own store", async () => {
    const digest = registry.digestOf(named);
    const { path, files, revision } = await pull(named);
    expect(revision).toBe(digest);
    expect(path).toBe(`ollama/registry.ollama.ai/${gemma.model}/${digest.replace('sha256:', '')}`);
    expect(files.map(({ path, role }) => `${path} ${role}`)).toEqual([
      'model.gguf model',
      'template template',
      'params.json params',
      'system system',
      'license license',
      'config.json config',
    ]);
    for (const file of files) {
      const content = await onVolume(join(path, file.path));
      expect({ size: content.length, sha256: sha256(content) }).toEqual({
        size: file.sizeBytes,
        sha256: file.sha256,
      });
      expect(await readlink(join(place.volume, path, file.path))).toBe(
        `../../../../../blobs/sha256-${file.sha256}`,
      );
    }
    const manifest = await onVolume(`manifests/registry.ollama.ai/${gemma.model}/${gemma.tag}`);
    expect(`sha256:${sha256(manifest)}`).toBe(digest);
    const index: unknown = JSON.parse(
      String(await onVolume(join('index/uid', (await readdir(join(place.volume, 'index/uid')))[0]!))),
    );
    expect(index).toMatchObject({ source: `ollama:${named}`, revision: digest, files });
  });

  it('of another tag shares the blobs that are the same', async () => {
    const first = await pull(named);
    registry.requests.length = 0;
    const second = await pull(`${gemma.model}:${gemma.other}`);
    expect(second.path).not.toBe(first.path);
    const fresh = second.files.filter(({ sha256 }) => !first.files.some((one) => one.sha256 === sha256));
    expect(fresh.map(({ path }) => path)).toEqual(['params.json', 'config.json']);
    // The config is read once to see what the model is.
    expect(blobs()).toHaveLength(3);
    expect(await readdir(join(place.volume, 'manifests/registry.ollama.ai', gemma.model))).toEqual([
      gemma.tag,
      gemma.other,
    ]);
  });

  it('that is named by its digest has no tag on the volume', async () => {
    const { revision } = await pull(`${gemma.model}@${registry.digestOf(named)}`);
    expect(revision).toBe(registry.digestOf(named));
    expect(await readdir(place.volume)).not.toContain('manifests');
  });

  it('is resumed where the journal of a killed puller ends', async () => {
    const hex = sha256(big.content);
    const claim = async () => {
      const folder = await partialFolder(place.volume, hex).catch(() => '');
      return readFile(join(folder, 'journal.json')).catch(() => undefined);
    };
    registry.interruptAfter(20_000_000, 1, 'stall');
    const request = { source: { ollama: { model: big.name, endpoint: registry.url } } };
    const puller = place.start('pull', request, { LONGSHORE_CONNECTIONS: '1' });
    await expect.poll(claim, { timeout: 40_000 }).toBeDefined();
    puller.process.kill('SIGKILL');
    await once(puller.process, 'close');
    const { files } = await pull(big.name);
    expect(files[0]!.sha256).toBe(hex);
    const ofModel = blobs().filter(({ path }) => path.includes(hex));
    const again = ofModel.slice(1).map(({ range }) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1]));
    expect(Math.min(...again)).toBeGreaterThanOrEqual(8 << 20);
  });

  it('whose connections are cut goes on within one pull', async () => {
    registry.interruptAfter(1_000_000, 3);
    const { files } = await pull(big.name);
    expect(files[0]!.sha256).toBe(sha256(big.content));
    const asked = blobs().filter(({ path }) => path.includes(files[0]!.sha256));
    const ranges = asked.map(
      ({ range }) =>
        /^bytes=(\d+)-(\d+)$/
          .exec(range ?? '')
          ?.slice(1)
          .map(Number) ?? [],
    );
    // What was left of each that was cut is asked for by one that begins within it, however far that one goes.
    const begins = ranges.map(([begin = 0]) => begin);
    const goesOn = (at: number) => ranges.some(([begin = 0, end = 0]) => begin < at && at <= end);
    expect(begins.filter(goesOn)).toHaveLength(3);
  });
});

describe('a Job ends', () => {
  it.each([
    ['UnsupportedModel', tensors.model],
    ['UnsupportedModel', newer.model],
    ['UnsupportedModel', cloud.model],
    ['UnsupportedModel', 'longshore/gptoss'],
    ['NotGGUF', 'longshore/text'],
    ['RevisionNotFound', `${gemma.model}:none`],
  ])('with %s for %s, which no other pod would mend', async (reason, name) => {
    const { code, report } = await start('inspect', name).ended();
    expect({ code, report }).toMatchObject({ code: 2, report: { failure: { reason } } });
    expect(JSON.stringify(report)).not.toContain('huggingFace');
  });

  it('with ChecksumMismatch for a blob that was tampered with, and nothing of it stays', async () => {
    const content = tinyGguf({ seed: 31 });
    await registry.push({ name: 'longshore/tampered', tags: ['latest'], layers: [model(content)] });
    const hex = sha256(content);
    const stored = join(
      registry.storage.folder,
      `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`,
    );
    const altered = Buffer.from(content);
    altered[content.length - 1]! ^= 1;
    await writeFile(stored, altered);
    const { code, report } = await start('pull', 'longshore/tampered').ended();
    expect({ code, report }).toMatchObject({ code: 1, report: { failure: { reason: 'ChecksumMismatch' } } });
    expect(await readdir(place.volume)).not.toContain('index');
    await expect(stat(join(place.volume, 'blobs', `sha256-${hex}`))).rejects.toMatchObject({
      code: 'ENOENT',
    });
    expect((await stat(join(place.volume, '.partial', hex, 'idle', 'data'))).size).toBe(0);
    await rm(stored);
  });

  it.each([
    ['the public registry', undefined, 'https://registry.ollama.ai'],
    ['another registry', 'registry.example', 'https://registry.example'],
  ])(
    'before anything is sent when the Model points the token of %s at this one',
    async (_what, host, meant) => {
      await place.giveToken(testToken, host);
      const { code, report } = await start('inspect', named, { credentials: true }).ended();
      expect({ code, report }).toMatchObject({
        code: 2,
        report: {
          failure: {
            reason: 'CredentialsForAnotherHost',
          },
        },
      });
      expect(JSON.stringify(report)).toContain(`The token is for ${meant},`);
      expect(registry.requests).toEqual([]);
    },
  );

  it('when its request names two sources', async () => {
    const huggingFace = { repo: 'a/b', endpoint: registry.url };
    const source = { huggingFace, ollama: { model: named, endpoint: registry.url } };
    const { code, report } = await place.start('inspect', { source }).ended();
    expect({ code, report }).toMatchObject({ code: 2, report: { failure: { reason: 'PullerFailed' } } });
    expect(registry.requests).toEqual([]);
  });
});

it('sends the token of a Secret for this registry there, and not to its storage', async () => {
  await place.giveToken(testToken, registry.url);
  const puller = start('pull', named, { credentials: true });
  expect((await puller.ended()).code).toBe(0);
  const sent = (origin: string) =>
    new Set(
      registry.requests.filter((one) => one.origin === origin).map(({ authorization }) => authorization),
    );
  expect(sent('registry')).toEqual(new Set([`Bearer ${testToken}`]));
  expect(sent('blobs')).toEqual(new Set([undefined]));
  expect(puller.log()).not.toContain(testToken);
});
