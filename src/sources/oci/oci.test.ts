import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { tinyGguf } from '../../../test/hub/gguf.ts';
import {
  dockerModel,
  modelKit,
  modelPack,
  modelPackLayer,
  orasFiles,
} from '../../../test/hub/registry/artifacts.ts';
import type { GuardOptions } from '../../../test/hub/registry/guard.ts';
import { startOllamaRegistry, type OllamaRegistry } from '../../../test/hub/registry/registry.ts';
import type { RegistryLogin } from '../credentials.ts';
import type { Archives, Source } from '../source.ts';
import { ociAt } from '../testing/oci.ts';
import { said } from '../testing/said.ts';
import { listen } from '../testing/server.ts';

// The first start installs docker-registry.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 300_000 });

const gguf = tinyGguf({ seed: 51 });
const sha256 = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');
let registry: OllamaRegistry;

beforeAll(async () => {
  registry = await startOllamaRegistry({ models: [], blobHost: 'localhost' });
});
afterAll(() => registry.close());
beforeEach(() => {
  registry.requests.length = 0;
});

const source = (name: string, files?: string[], login?: RegistryLogin): Source =>
  ociAt(name, { endpoint: registry.url, login, ...(files && { files }) });

describe('an artifact', () => {
  it('of ModelPack is pinned to its manifest, and its raw layers are files', async () => {
    const { digest } = await registry.pushArtifact(
      modelPack(
        'team/pack',
        ['q4'],
        [
          await modelPackLayer('weight', 'pack-Q4_K_M.gguf', gguf),
          await modelPackLayer('doc', 'README.md', '# read me'),
        ],
      ),
    );
    const from = source('team/pack:q4');
    const { revision, files, folder, packed, records } = await from.resolve();
    expect({ revision, packed, records }).toEqual({ revision: digest, packed: undefined, records: [] });
    expect(folder).toBe(`oci/${new URL(registry.url).host.replace(':', '+')}/team/pack/${digest.slice(7)}`);
    expect(files).toEqual([
      {
        path: 'pack-Q4_K_M.gguf',
        sizeBytes: gguf.length,
        digest: { algorithm: 'sha256', hex: sha256(gguf) },
      },
    ]);
    registry.requests.length = 0;
    expect(await from.isStill?.(revision)).toBe(true);
    expect(registry.requests.map(({ method }) => method)).toEqual(['HEAD']);
    const part = await from.open(revision, files[0]!, { start: 0, end: 3 });
    expect([part.status, await part.body.text()]).toEqual([206, 'GGUF']);
    const both = await source('team/pack:q4', ['*.gguf', 'README.md']).resolve();
    expect(both.files.map(({ path }) => path)).toEqual(['pack-Q4_K_M.gguf', 'README.md']);
  });

  it('of Docker, and of ORAS, are files too', async () => {
    await registry.pushArtifact(dockerModel('team/docker', ['latest'], gguf));
    await registry.pushArtifact(orasFiles('team/oras', ['v1'], { 'a/m.gguf': gguf, LICENSE: 'MIT' }));
    const paths = async (from: Source) => (await from.resolve()).files.map(({ path }) => path);
    expect(await paths(source('team/docker'))).toEqual(['model.gguf']);
    expect(await paths(source('team/docker', ['model.gguf', 'LICENSE']))).toEqual(['model.gguf', 'LICENSE']);
    expect(await paths(source('team/oras:v1'))).toEqual(['a/m.gguf']);
  });

  it('of KitOps is archives, those with weights unless another file is asked for', async () => {
    const wanted = ({ wants }: Archives, ...paths: string[]) => paths.filter(wants);
    const kit = { model: { 'm.gguf': gguf }, docs: { 'README.md': 'x' } };
    await registry.pushArtifact(await modelKit('team/kit', ['latest'], kit));
    const { files, packed } = await source('team/kit').resolve();
    expect(files).toEqual([]);
    expect(packed!.archives.map(({ path, compression }) => `${path} ${compression}`)).toEqual([
      'layer 2 gzip',
    ]);
    expect(wanted(packed!, 'm.gguf', 'a/m.gguf', 'README.md')).toEqual(['m.gguf', 'a/m.gguf']);
    const named = (await source('team/kit', ['*.gguf', 'README.md']).resolve()).packed!;
    expect(named.archives).toHaveLength(2);
    expect(wanted(named, 'm.gguf', 'README.md', 'b.bin')).toEqual(['m.gguf', 'README.md']);
    const pieces = (await source('team/kit', ['m-00002-of-00003.gguf']).resolve()).packed!;
    const all = [1, 2, 3].map((n) => `m-0000${n}-of-00003.gguf`);
    expect(wanted(pieces, ...all, 'n-00001-of-00003.gguf')).toEqual(all);
  });

  it('that moved is what was pinned, and by its digest it needs no tag', async () => {
    const push = (seed: number) =>
      registry.pushArtifact(dockerModel('team/moving', ['latest'], tinyGguf({ seed })));
    const first = await push(52);
    await push(53);
    const from = source('team/moving');
    expect((await from.resolve()).revision).not.toBe(first.digest);
    expect((await from.resolve(first.digest)).revision).toBe(first.digest);
    expect((await source(`team/moving@${first.digest}`).resolve()).revision).toBe(first.digest);
  });

  it('in an index is the one there, and of several one has to be named', async () => {
    const one = await registry.pushArtifact(dockerModel('team/index', [], tinyGguf({ seed: 54 })));
    const two = await registry.pushArtifact(dockerModel('team/index', [], tinyGguf({ seed: 55 })));
    await registry.pushIndex({ name: 'team/index', tags: ['one'], manifests: [one] });
    await registry.pushIndex({ name: 'team/index', tags: ['both'], manifests: [one, two] });
    const { revision } = await source('team/index:one').resolve();
    expect(revision).toBe(one.digest);
    expect((await source('team/index:one').resolve(revision)).revision).toBe(one.digest);
    expect(await source('team/index:one').isStill?.(one.digest)).toBe(true);
    expect(await source('team/index:one').isStill?.(two.digest)).toBe(false);
    expect(await said(source('team/index:both').resolve())).toMatch(
      new RegExp(
        `^AmbiguousFiles: .*/team/index:both is an index of 2 manifests\\. .*${one.digest}, ${two.digest}`,
      ),
    );
  });

  it.each<[what: string, name: string, files: string[] | undefined, message: RegExp]>([
    [
      'a missing tag',
      'team/refused:none',
      undefined,
      /^RevisionNotFound: .* no artifact team\/refused with the tag none/,
    ],
    ['a missing repository', 'team/none', undefined, /^R(epo|evision)NotFound: .*team\/none/],
    [
      'a missing digest',
      `team/refused@sha256:${'0'.repeat(64)}`,
      undefined,
      /^RevisionNotFound: .*has no manifest/,
    ],
    [
      'two models',
      'team/refused:two',
      undefined,
      /^AmbiguousFiles: .*a\.gguf, b\.gguf\. Name one in spec\.source\.oci\.files\./,
    ],
    ['a missing file', 'team/refused:two', ['c.gguf'], /^FileNotFound: .*Check spec\.source\.oci\.files\./],
    [
      'no model',
      'team/refused:text',
      undefined,
      /^NoModelFile: the artifact .*\/team\/refused:text has no GGUF file/,
    ],
    ["a model of Ollama's", 'team/ollama', undefined, /^UnsupportedModel: .*spec\.source\.ollama\.model/],
    [
      'an unknown type',
      'team/refused:mine',
      undefined,
      /^UnsupportedModel: .*application\/x-mine\. Known are/,
    ],
  ])('with %s is refused', async (_what, name, files, message) => {
    await registry.pushArtifact(orasFiles('team/refused', ['two'], { 'a.gguf': gguf, 'b.gguf': gguf }));
    await registry.pushArtifact(orasFiles('team/refused', ['text'], { 'a.txt': 'text' }));
    const mine = { mediaType: 'application/x-mine', content: 'x' };
    await registry.pushArtifact({ name: 'team/refused', tags: ['mine'], layers: [mine] });
    const layers = [{ kind: 'model', content: gguf }];
    await registry.push({ name: 'team/ollama', tags: ['latest'], layers });
    expect(await said(source(name, files).resolve())).toMatch(message);
  });
});

describe('a registry that wants to know who asks', () => {
  const password: RegistryLogin = { kind: 'password', username: 'ada', password: 'sesame' };
  const who = { username: 'ada', password: 'sesame' };

  async function guarded(guard: GuardOptions, use: (own: OllamaRegistry) => Promise<void>): Promise<void> {
    const own = await startOllamaRegistry({ models: [], guard, blobHost: 'localhost' });
    try {
      await own.pushArtifact(dockerModel('team/m', ['latest'], gguf));
      await use(own);
    } finally {
      await own.close();
    }
  }

  it.each<[guard: GuardOptions, login: RegistryLogin | undefined]>([
    [{ kind: 'basic', ...who }, password],
    [{ kind: 'bearer' }, undefined],
    [{ kind: 'bearer', ...who, requestsPerToken: 2 }, password],
    [
      { kind: 'bearer', identityToken: 'refresh-me', requestsPerToken: 1 },
      { kind: 'identity', token: 'refresh-me' },
    ],
    [
      { kind: 'token', token: 'mine' },
      { kind: 'token', token: 'mine' },
    ],
  ])('is told: %j', async (guard, login) => {
    await guarded(guard, async (own) => {
      const from = ociAt('team/m', { endpoint: own.url, login });
      const { revision, files } = await from.resolve();
      for (let i = 0; i < 3; i++) {
        const whole = await from.open(revision, files[0]!);
        expect(sha256(Buffer.from(await whole.body.arrayBuffer()))).toBe(sha256(gguf));
      }
      const ofBlobs = own.requests.filter(({ origin }) => origin === 'blobs');
      expect(new Set(ofBlobs.map(({ authorization }) => authorization))).toEqual(new Set([undefined]));
    });
  });

  it.each<[guard: GuardOptions, login: RegistryLogin | undefined, message: RegExp]>([
    [{ kind: 'basic', ...who }, undefined, /to a request without a token\. Name a Secret/],
    [
      { kind: 'basic', username: 'eve', password: 'x' },
      password,
      /\(401\) to this token\. Put a token or a password/,
    ],
    [{ kind: 'bearer', ...who }, undefined, /to a request without a token\. Name a Secret/],
    [
      { kind: 'bearer', username: 'eve', password: 'x' },
      password,
      /\/v2\/token, the token endpoint .* refused the login/,
    ],
    [{ kind: 'bearer', ...who }, { kind: 'token', token: 'stale' }, /to this token/],
  ])('refuses others: %j, %j', async (guard, login, message) => {
    await guarded(guard, async (own) => {
      const refused = await said(ociAt('team/m', { endpoint: own.url, login }).resolve());
      expect(refused).toMatch(/^Unauthorized: /);
      expect(refused).toMatch(message);
    });
  });
});

describe('a manifest', () => {
  const layer = { mediaType: 'x', digest: `sha256:${'0'.repeat(64)}`, size: 2 };

  async function answered(body: string, reference = ':latest', status = 200): Promise<string> {
    const server = await listen((_request, response) => response.writeHead(status).end(body));
    const told = await said(ociAt(`m${reference}`, { endpoint: server.url }).resolve());
    server.close();
    return told;
  }

  it('of another digest than was asked for is ChecksumMismatch', async () => {
    const manifest = JSON.stringify({ schemaVersion: 2, layers: [] });
    expect(await answered(manifest, `@${layer.digest}`)).toMatch(
      /^ChecksumMismatch: .* answered the manifest sha256:0+ of m with one of the digest sha256:/,
    );
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const index = JSON.stringify({ manifests: [{ ...layer, mediaType }] });
    expect(await answered(index)).toMatch(/^ChecksumMismatch: /);
  });

  it.each([
    ['<html>log in</html>', 200, /^SourceUnreachable: .*does not answer as an OCI registry does/],
    ['{"schemaVersion":1}', 200, /^SourceUnreachable: .*schemaVersion/],
    [
      '{"errors":[{"code":"DENIED","message":"requested access is denied"}]}',
      403,
      /^Unauthorized: .*\(403\).*access is denied/,
    ],
    ['{"errors":[{"code":"NAME_UNKNOWN"}]}', 404, /^RepoNotFound: .* no artifact m \(404\)/],
    ['not here', 404, /^RepoNotFound: .*or is no OCI registry/],
  ])('that is %s with %i is said to be it', async (body, status, message) => {
    expect(await answered(body, ':latest', status)).toMatch(message);
  });
});
