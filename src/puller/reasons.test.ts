import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../test/hub/authority.ts';
import { standard, standardRepos, testToken } from '../../test/hub/content.ts';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { startProxy } from '../../test/hub/proxy.ts';
import { requestVariable, type PullerReason } from '../protocols/puller.ts';
import { createHttpGet } from '../sources/http/http.ts';
import { listen } from '../sources/testing/server.ts';
import { readConfig } from './config.ts';
import { inspect } from './inspect.ts';
import { readNetwork } from './network.ts';
import { openSource } from './open-source.ts';
import { trackProgress } from './progress/progress.ts';
import { pull } from './pull.ts';
import { failureOf } from './report.ts';
import { orUnreadable } from './store/volume-folder.ts';
import { openVolume } from './store/volume.ts';

const patience = { tries: 1, sleep: async () => {}, random: () => 0 };
const { signal } = new AbortController();
const now = () => 0;
const log = pino({ level: 'silent' });

let folder: string;
let hub: Hub;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reasons-'));
  const whole = tinyGguf({ size: 100_000 });
  const huge = join(folder, 'huge.gguf');
  await writeFile(huge, whole);
  await truncate(huge, 60e9);
  const repos = [
    ...standardRepos(),
    { id: 'acme/cut', files: { 'm.gguf': whole.subarray(0, 90_000) } },
    { id: 'acme/projector', files: { 'mmproj.gguf': whole } },
    { id: 'acme/huge', files: { 'm.gguf': { file: huge, sha256: 'a'.repeat(64) } } },
  ];
  hub = await startHub({ repos, tokens: [testToken] });
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true });
});

interface More {
  /** Of the Secret. */
  secret?: Record<string, string>;
  request?: object;
  env?: Record<string, string>;
}

/** The puller as `main.ts` wires it, up to the source. */
async function open(source: object, { secret, request, env }: More = {}) {
  const credentials = await mkdtemp(join(folder, 'secret-'));
  for (const [key, value] of Object.entries(secret ?? {})) await writeFile(join(credentials, key), value);
  const asked = { source, credentials: secret !== undefined, modelUid: 'uid', ...request };
  const config = readConfig(['pull'], {
    [requestVariable]: JSON.stringify(asked),
    LONGSHORE_CREDENTIALS: credentials,
    LONGSHORE_CA_BUNDLE: join(credentials, 'ca.crt'),
    ...env,
  });
  if (config.command === 'collect') throw new Error('a collection has no source');
  return openSource(config, { get: createHttpGet(await readNetwork(config)), patience, signal });
}

async function inspected(source: object, more?: More): Promise<unknown> {
  return inspect(await open(source, more), patience, signal);
}

async function pulled(source: object, at: { root?: string; freeBytes?: number } = {}): Promise<unknown> {
  const volume = openVolume(at.root ?? (await mkdtemp(join(folder, 'volume-'))));
  const { freeBytes } = at;
  const room = freeBytes === undefined ? {} : { freeBytes: async () => freeBytes };
  return pull({
    source: await open(source),
    modelUid: 'uid',
    volume: { ...volume, ...room },
    progress: trackProgress(now),
    patience,
    now,
    log,
    signal,
  });
}

const from = (repo: string, fields: object = {}) => ({
  huggingFace: { repo, revision: 'main', endpoint: hub.url, ...fields },
});
const byUrl = (url: string) => ({ http: { files: [{ url, sha256: '0'.repeat(64) }] } });
const gemma = () => from(standard.gemma.repo);

/** A world in which a puller ends with each reason. One without a world does not compile. */
const worlds: Record<PullerReason, () => Promise<unknown>> = {
  RepoNotFound: () => inspected(from('acme/none')),
  RevisionNotFound: () => inspected(from(standard.gemma.repo, { revision: 'v9' })),
  FileNotFound: () => inspected(from(standard.gemma.repo, { files: ['none.gguf'] })),
  QuantizationNotFound: () => inspected(from(standard.twoQuants.repo, { quantization: 'Q2_K' })),
  NoModelFile: () => inspected(from(standard.safetensors.repo)),
  AmbiguousFiles: () => inspected(from(standard.twoQuants.repo)),
  NotGGUF: () => inspected(from(standard.notGguf.repo)),
  TruncatedGGUF: () => inspected(from('acme/cut')),
  UnsupportedModel: () => inspected(from('acme/projector', { files: ['mmproj.gguf'] })),
  XetOnly: () => {
    hub.failCdn(400, 1);
    return inspected(from('acme/huge'));
  },
  SizeUnknown: async () => {
    const server = await listen((_request, response) => void response.writeHead(200).write('G'));
    return inspected(byUrl(`${server.url}/m.gguf`)).finally(server.close);
  },
  GatedRepo: () => inspected(from(standard.gated.repo)),
  Unauthorized: () => inspected(gemma(), { secret: { token: 'hf_of_nobody', host: hub.url } }),
  CredentialsNotFound: () => inspected(gemma(), { secret: {} }),
  CredentialsForAnotherHost: () => inspected(gemma(), { secret: { token: testToken } }),
  CABundleNotFound: () =>
    inspected(gemma(), { request: { caBundle: { name: 'ConfigMap company-ca', required: true } } }),
  CertificateNotTrusted: async () => {
    await using authority = await Authority.create();
    const secret = await startHub({ repos: [], tls: await authority.issue(['IP:127.0.0.1']) });
    try {
      return await inspected(from('acme/m', { endpoint: secret.url }));
    } finally {
      await secret.close();
    }
  },
  ProxyRefused: async () => {
    const proxy = await startProxy({ user: { name: 'me', password: 'secret' } });
    try {
      return await inspected(from('acme/m', { endpoint: 'http://hub.test' }), {
        env: { HTTP_PROXY: proxy.url },
      });
    } finally {
      await proxy.close();
    }
  },
  ChecksumMismatch: async () => {
    const content = tinyGguf();
    const server = await listen((_request, response) => response.end(content));
    return pulled(byUrl(`${server.url}/m.gguf`)).finally(server.close);
  },
  InsufficientStorage: () => pulled(gemma(), { freeBytes: 1000 }),
  // Nobody can make a folder there, whoever they are.
  VolumeReadOnly: () => pulled(gemma(), { root: '/sys/longshore' }),
  // Tests may run as root, whom no file system refuses anything.
  VolumeNotReadable: () => {
    const refused = Object.assign(new Error("EACCES: permission denied, open 'm.gguf'"), { code: 'EACCES' });
    return orUnreadable(Promise.reject(refused));
  },
  SourceUnreachable: () => inspected(from('acme/m', { endpoint: 'http://127.0.0.1:1' })),
  RateLimited: () => {
    hub.rateLimit(1, 1);
    return inspected(gemma());
  },
  PullerFailed: () => inspected({}),
};

describe('a puller', () => {
  it('finds what it looks for in a world where nothing is in the way', async () => {
    await expect(inspected(gemma())).resolves.toMatchObject({ fileCount: 1 });
    await expect(pulled(gemma())).resolves.toMatchObject({ fileCount: 1 });
  });

  it.for(Object.entries(worlds))('ends with %s, and says more than that', async ([reason, world]) => {
    const failure = await world().then(
      () => undefined,
      (error: unknown) => failureOf(error).failure,
    );
    expect(failure).toMatchObject({ reason });
    expect(failure?.message.length).toBeGreaterThan(40);
  });
});
