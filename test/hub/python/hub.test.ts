import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { standard, standardRepos, strangerToken, testToken } from '../content.ts';
import { tinyGguf } from '../gguf.ts';
import { startHub } from '../hub.ts';
import type { Hub } from '../hub.ts';
import { PythonError, startPythonClient } from './client.ts';
import type { PythonClient } from './client.ts';

// The first run fetches the client.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const big = { repo: 'acme/big', file: 'big-Q8_0.gguf', content: tinyGguf({ size: 24 << 20 }) };
const { gemma, gated } = standard;

let hub: Hub;
let home: string;
let python: PythonClient;

beforeAll(async () => {
  const repos = [
    ...standardRepos(),
    { id: big.repo, files: { [big.file]: big.content } },
    { id: 'acme/renamed', formerIds: ['acme/old'], files: { 'a.txt': 'a' } },
    { id: 'acme/private', private: true, access: [testToken], files: { 'a.txt': 'a' } },
  ];
  // Pages of two, so that every listing has to follow a link.
  hub = await startHub({ repos, tokens: [testToken, strangerToken], cdnHost: 'localhost', pageSize: 2 });
  home = await mkdtemp(join(tmpdir(), 'hf-home-'));
  python = await startPythonClient({ HF_ENDPOINT: hub.url, HF_HOME: home });
});
afterAll(async () => {
  await python.close();
  await hub.close();
  await rm(home, { recursive: true });
});
beforeEach(() => {
  hub.requests.length = 0;
});

const Path = z.string();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function download(repo_id: string, filename: string, more: object = {}): Promise<string> {
  return Path.parse(await python.call('hf_hub_download', { repo_id, filename, ...more }));
}

async function errorOf(request: Promise<unknown>): Promise<PythonError> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PythonError)) throw new Error('expected Python to raise', { cause: error });
  return error;
}

describe('a public repository, read by huggingface_hub', () => {
  it('gives a large file from the CDN, named by its sha256', async () => {
    const path = await download(gemma.repo, gemma.file);
    const [cached] = await readdir(join(path, '..', '..', '..', 'blobs'));
    expect(cached).toBe(sha256(await readFile(path)));
    expect(hub.requests).toMatchObject([
      { origin: 'hub', method: 'HEAD', status: 302 },
      { origin: 'cdn', method: 'GET', status: 200 },
    ]);
  });

  it('gives a small file from the hub, and is not asked for it again at the same commit', async () => {
    const path = await download(gemma.repo, 'config.json');
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ model_type: 'gemma3_text' });
    expect(hub.requests.every(({ origin }) => origin === 'hub')).toBe(true);
    hub.requests.length = 0;
    const revision = basename(join(path, '..'));
    expect(await download(gemma.repo, 'config.json', { revision })).toBe(path);
    expect(hub.requests).toEqual([]);
  });

  it('gives those files of a snapshot that match a pattern, at its tag too', async () => {
    const folder = Path.parse(
      await python.call('snapshot_download', {
        repo_id: gemma.repo,
        revision: 'v1.0',
        allow_patterns: ['*.md', '.git*'],
        local_dir: join(home, 'snapshot'),
      }),
    );
    const files = (await readdir(folder)).filter((name) => name !== '.cache');
    expect(files.sort()).toEqual(['.gitattributes', 'README.md']);
  });

  it('says what it is, and lists its files', async () => {
    const info = await python.call('model_info', { repo_id: gemma.repo, files_metadata: true });
    expect(info).toMatchObject({
      id: gemma.repo,
      gated: false,
      downloads: 1234,
      card_data: { license: 'gemma' },
    });
    const files = await python.call('list_repo_files', { repo_id: gemma.repo });
    expect(files).toEqual(['.gitattributes', 'README.md', 'config.json', gemma.file]);
  });

  it('is found under its former name', async () => {
    expect(await readFile(await download('acme/old', 'a.txt'), 'utf8')).toBe('a');
  });

  it('goes on where the CDN broke off', async () => {
    hub.interruptAfter(15 << 20, 1);
    const path = await download(big.repo, big.file);
    expect(sha256(await readFile(path))).toBe(sha256(big.content));
    const parts = hub.requests.filter(({ origin }) => origin === 'cdn');
    // The client takes 10 MiB at a time, and forgets what it has of the piece that was cut.
    expect(parts).toMatchObject([{ status: 200 }, { status: 206, range: `bytes=${10 << 20}-` }]);
  });
});

describe('a gated repository, read by huggingface_hub', () => {
  it('is closed without a token, and to one that was not let in', async () => {
    for (const token of [undefined, strangerToken]) {
      const error = await errorOf(download(gated.repo, gated.file, { token }));
      expect(error.kinds[0]).toBe('GatedRepoError');
      expect(error.message).toContain(`Access to model ${gated.repo} is restricted`);
    }
  });

  it('is open to a token that was let in, which the CDN never sees', async () => {
    const path = await download(gated.repo, gated.file, { token: testToken });
    expect(sha256(await readFile(path))).toBe(sha256(tinyGguf({ name: 'gated', seed: 3 })));
    expect(hub.requests.map(({ origin, authorization }) => [origin, authorization])).toEqual([
      ['hub', `Bearer ${testToken}`],
      ['cdn', undefined],
    ]);
  });
});

describe('what is not there, asked for by huggingface_hub', () => {
  it.each([
    ['a repository', { repo_id: 'acme/missing', filename: 'a.txt', token: testToken }, 'RepositoryNotFound'],
    [
      'a private repository of others',
      { repo_id: 'acme/private', filename: 'a.txt', token: strangerToken },
      'RepositoryNotFound',
    ],
    ['a revision', { repo_id: gemma.repo, filename: 'config.json', revision: 'nope' }, 'RevisionNotFound'],
    ['a file', { repo_id: gemma.repo, filename: 'nope.gguf' }, 'EntryNotFound'],
  ])('%s', async (_, named, kind) => {
    const error = await errorOf(python.call('hf_hub_download', named));
    expect(error.kinds).toContain(`${kind}Error`);
  });

  // To a stranger the hub says 401, and the client takes this for a missing repository only at https URLs.
  it('a repository, by a stranger', async () => {
    const error = await errorOf(python.call('model_info', { repo_id: 'acme/missing' }));
    expect(error.kinds).toContain('HfHubHTTPError');
    expect(error.message).toContain('401');
  });

  it('a token nobody gave out', async () => {
    const error = await errorOf(python.call('whoami', { token: 'hf_unknown' }));
    expect(error.message).toContain('Invalid');
    expect(await python.call('whoami', { token: testToken })).toMatchObject({ name: 'tester' });
  });
});
