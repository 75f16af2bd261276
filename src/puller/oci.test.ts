import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { notGguf, tinyGguf } from '../../test/hub/gguf.ts';
import {
  archiveOf,
  modelKit,
  modelPack,
  modelPackLayer,
  orasFiles,
  tarOf,
} from '../../test/hub/registry/artifacts.ts';
import type { Artifact } from '../../test/hub/registry/push.ts';
import { startOllamaRegistry, type OllamaRegistry } from '../../test/hub/registry/registry.ts';
import { aPlace, type Puller, type PullerPlace } from './testing/process.ts';

// Every test starts processes, and the first start of the registry installs it.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 300_000 });

const gguf = tinyGguf({ size: 10 << 20, seed: 61 });
const sha256 = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');
let registry: OllamaRegistry;
let place: PullerPlace;

beforeAll(async () => {
  registry = await startOllamaRegistry({ models: [], blobHost: 'localhost' });
});
afterAll(() => registry.close());
beforeEach(async () => {
  place = await aPlace();
  registry.requests.length = 0;
});
afterEach(() => place.clear());

interface More {
  files?: string[];
  credentials?: boolean;
  modelUid?: string;
  /** Another registry. */
  at?: string;
}

function start(command: string, name: string, { files, at = registry.url, ...request }: More = {}): Puller {
  const oci = { reference: `${new URL(at).host}/${name}`, plainHTTP: true, ...(files && { files }) };
  return place.start(command, { source: { oci }, ...request });
}

/** Pushes an artifact with one archive of weights, whatever that is. */
async function pushArchive(
  name: string,
  content: Uint8Array,
  compression: '' | '+gzip' | '+zstd' = '',
): Promise<void> {
  const mediaType = `application/vnd.cncf.model.weight.v1.tar${compression}`;
  await registry.pushArtifact(modelPack(name, ['latest'], [{ mediaType, content }]));
}

const ofBlobs = () => registry.requests.filter(({ origin }) => origin === 'blobs');

describe('an artifact of a registry', () => {
  const weights = (form: 'raw' | 'none' | 'zstd', path: string) => async () =>
    modelPack(`t/${form}`, ['latest'], [await modelPackLayer('weight', path, gguf, form)]);
  const kit = { model: { './m.gguf': gguf, 'notes.txt': 'x' }, docs: { LICENSE: 'MIT' } };

  it.each<[what: string, artifact: () => Promise<Artifact>, path: string]>([
    ['ModelPack, raw', weights('raw', 'm-Q4_K_M.gguf'), 'm-Q4_K_M.gguf'],
    ['ModelPack, tar', weights('none', 'w/m.gguf'), 'w/m.gguf'],
    ['ModelPack, zstd', weights('zstd', 'm.gguf'), 'm.gguf'],
    ['KitOps, gzip', () => modelKit('t/kit', ['latest'], kit), 'm.gguf'],
    ['ORAS', async () => orasFiles('t/oras', ['latest'], { 'm.gguf': gguf, 'README.md': 'x' }), 'm.gguf'],
  ])(
    'of the form %s is inspected, pulled, and pulled again without a byte',
    async (_what, artifact, path) => {
      const pushed = await artifact();
      const { digest } = await registry.pushArtifact(pushed);
      const { report: seen } = await start('inspect', pushed.name).ended();
      expect(seen).toMatchObject({
        inspection: { revision: digest, gguf: { architecture: 'llama', quantization: 'Q4_K_M' } },
      });
      const { code, report } = await start('pull', pushed.name).ended();
      const folder = `oci/${new URL(registry.url).host.replace(':', '+')}/${pushed.name}/${digest.slice(7)}`;
      expect({ code, report }).toMatchObject({
        code: 0,
        report: {
          publication: {
            revision: digest,
            sizeBytes: gguf.length,
            path: folder,
            files: [{ path, sizeBytes: gguf.length, sha256: sha256(gguf), role: 'model' }],
          },
        },
      });
      expect(sha256(await readFile(join(place.volume, folder, path)))).toBe(sha256(gguf));
      expect(await readdir(join(place.volume, 'blobs'))).toEqual([`sha256-${sha256(gguf)}`]);
      expect(await readdir(join(place.volume, '.partial'))).toEqual([]);

      registry.requests.length = 0;
      expect((await start('pull', pushed.name).ended()).code).toBe(0);
      expect(ofBlobs()).toEqual([]);
    },
  );

  it('in archives needs room for them besides, and says so before', async () => {
    const archive = await archiveOf({ 'm.gguf': gguf }, 'gzip');
    await pushArchive('t/room', archive, '+gzip');
    const { report } = await start('inspect', 't/room').ended();
    const unpackedBytes = Math.max(gguf.length, archive.length);
    expect(report).toMatchObject({
      inspection: { sizeBytes: archive.length, spaceBytes: archive.length + unpackedBytes },
    });
    expect(ofBlobs()).toHaveLength(1);
  });

  it('has the files that are named, of whatever layer', async () => {
    const two = await modelKit('t/named', ['latest'], {
      model: { 'a.gguf': gguf, 'b.gguf': tinyGguf({ seed: 62 }) },
      docs: { 'docs/LICENSE': 'MIT', 'docs/other': 'x' },
    });
    await registry.pushArtifact(two);
    const { report } = await start('pull', 't/named', { files: ['a.gguf', '*LICENSE'] }).ended();
    expect(report).toMatchObject({
      publication: { files: [{ path: 'a.gguf' }, { path: 'docs/LICENSE' }] },
    });
    // A part of what is there already.
    registry.requests.length = 0;
    expect((await start('pull', 't/named', { files: ['a.gguf'] }).ended()).code).toBe(0);
    expect(ofBlobs()).toEqual([]);
    const { report: ambiguous } = await start('pull', 't/named').ended();
    expect(ambiguous).toMatchObject({ failure: { reason: 'AmbiguousFiles' } });
  });

  it('whose archive was being unpacked when the puller was killed is not fetched again', async () => {
    const noise = randomBytes(40 << 20);
    const content = { 'big.bin': noise, 'm.gguf': gguf, 'z.bin': noise };
    await pushArchive('t/killed', await archiveOf(content, 'gzip'), '+gzip');
    const files = ['*.bin', 'm.gguf'];
    const puller = start('pull', 't/killed', { files });
    const blobs = async () => (await readdir(join(place.volume, 'blobs')).catch(() => [])).length;
    await expect.poll(blobs, { timeout: 40_000, interval: 5 }).toBeGreaterThan(0);
    puller.process.kill('SIGKILL');
    await once(puller.process, 'close');
    registry.requests.length = 0;
    const { code, report } = await start('pull', 't/killed', { files }).ended();
    expect({ code, report }).toMatchObject({ code: 0, report: { publication: { fileCount: 3 } } });
    expect(ofBlobs()).toEqual([]);
  });

  it('in an archive is fetched once by two Models on one volume', async () => {
    const archive = await archiveOf({ 'm.gguf': gguf }, 'gzip');
    await pushArchive('t/shared', archive, '+gzip');
    const pulls = ['one', 'two'].map((modelUid) => start('pull', 't/shared', { modelUid }));
    // Both write the same report, so that only their codes tell.
    const ends = await Promise.all(pulls.map(({ process }) => once(process, 'close')));
    expect(ends.map(([code]: unknown[]) => code)).toEqual([0, 0]);
    const fetched = ofBlobs().map(({ range = '' }) => /^bytes=(\d+)-(\d+)$/.exec(range) ?? []);
    expect(fetched.reduce((sum, [, from, to]) => sum + Number(to) - Number(from) + 1, 0)).toBe(
      archive.length,
    );
    expect((await readdir(join(place.volume, 'index'))).sort()).toEqual(['one', 'two']);
  });

  it('is pulled with a login of a docker Secret, which no log has, and no other is used', async () => {
    const guard = {
      kind: 'bearer',
      username: 'ada',
      password: 'open sesame',
      requestsPerToken: 3,
    } as const;
    const own = await startOllamaRegistry({ models: [], guard, blobHost: 'localhost' });
    try {
      await own.pushArtifact(orasFiles('t/private', ['latest'], { 'm.gguf': gguf }));
      const layers = [{ kind: 'model', content: gguf }];
      await own.push({ name: 't/private-o', tags: ['latest'], layers });
      const auth = Buffer.from('ada:open sesame').toString('base64');
      const secret = (key: string) => ({
        'dockerconfig.json': JSON.stringify({ auths: { [key]: { auth } } }),
      });
      await place.giveSecret(secret(own.url));
      const puller = start('pull', 't/private', { credentials: true, at: own.url });
      expect((await puller.ended()).code).toBe(0);
      expect(puller.log()).not.toContain('sesame');
      expect(puller.log()).not.toContain(auth);

      const source = { ollama: { model: 't/private-o', endpoint: own.url } };
      expect((await place.start('pull', { source, credentials: true }).ended()).code).toBe(0);
      await place.giveSecret({ token: 'open sesame', username: 'ada', host: own.url });
      expect((await place.start('inspect', { source, credentials: true }).ended()).code).toBe(0);

      own.requests.length = 0;
      await place.giveSecret(secret('https://other.example'));
      const { report } = await start('inspect', 't/private', { credentials: true, at: own.url }).ended();
      expect(report).toMatchObject({ failure: { reason: 'CredentialsForAnotherHost' } });
      expect(own.requests).toEqual([]);
    } finally {
      await own.close();
    }
  });
});

describe('a Job ends', () => {
  it.each<[reason: string, what: string, content: () => Promise<Uint8Array>, compression: '' | '+gzip']>([
    ['UnsupportedModel', 'a path that climbs', () => tarOf([{ name: '../../m.gguf', content: gguf }]), ''],
    [
      'UnsupportedModel',
      'a link',
      () => tarOf([{ name: 'm.gguf', type: 'symlink', linkname: '/etc/passwd' }]),
      '',
    ],
    [
      'UnsupportedModel',
      'an archive that ends early',
      async () => (await archiveOf({ 'm.gguf': gguf }, 'gzip')).subarray(0, 5 << 20),
      '+gzip',
    ],
    ['UnsupportedModel', 'no archive', async () => notGguf(100_000), '+gzip'],
    ['NotGGUF', 'a file that only has the name', () => archiveOf({ 'm.gguf': notGguf(100_000) }), ''],
    ['NoModelFile', 'an archive without a model', () => archiveOf({ 'm.bin': 'x' }), ''],
    ['InsufficientStorage', 'more than the volume can ever take', () => bombOf(2 ** 46), '+gzip'],
  ])('with %s for %s, and nothing is published', async (reason, what, content, compression) => {
    const name = `t/${what.replaceAll(' ', '-')}`;
    await pushArchive(name, await content(), compression);
    const { code, report } = await start('pull', name).ended();
    expect({ code, report }).toMatchObject({ code: 2, report: { failure: { reason } } });
    expect(await readdir(place.volume)).not.toContain('index');
    expect(await readdir(join(place.volume, 'blobs')).catch(() => [])).toEqual([]);
  });

  it('with ChecksumMismatch for a layer of another length than the manifest states', async () => {
    const { digest, mediaType } = await registry.pushArtifact(
      orasFiles('t/length', ['latest'], { 'm.gguf': gguf }),
    );
    const at = `${registry.storageUrl}/v2/t/length/manifests`;
    const text = await (await fetch(`${at}/${digest}`, { headers: { accept: mediaType } })).text();
    // docker-registry does not compare sizes.
    const body = text.replace(`"size":${gguf.length}`, `"size":${gguf.length + 1}`);
    const headers = { 'content-type': mediaType };
    expect((await fetch(`${at}/latest`, { method: 'PUT', headers, body })).status).toBe(201);
    const { report } = await start('pull', 't/length').ended();
    expect(report).toMatchObject({ failure: { reason: 'ChecksumMismatch' } });
    await expect(stat(join(place.volume, 'index'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

/** The beginning of an archive that says it holds a file of so many bytes. */
async function bombOf(bytes: number): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'm.gguf', size: bytes }).write(gguf);
  let head = Buffer.alloc(0);
  for await (const chunk of tar as AsyncIterable<Buffer>) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= gguf.length) break;
  }
  return gzipSync(head);
}
