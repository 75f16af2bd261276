import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  HubApiError,
  checkRepoAccess,
  downloadFile,
  fileDownloadInfo,
  listFiles,
  modelInfo,
  pathsInfo,
  snapshotDownload,
  whoAmI,
} from '@huggingface/hub';
import type { ListFileEntry } from '@huggingface/hub';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { standard, standardRepos, strangerToken, testToken } from './content.ts';
import { startHub } from './hub.ts';
import type { Hub } from './hub.ts';

let hub: Hub;
let hubUrl: string;
let cacheDir: string;

beforeAll(async () => {
  // The client tells of every file it downloads into a cache.
  vi.spyOn(console, 'debug').mockReturnValue();
  cacheDir = await mkdtemp(join(tmpdir(), 'hf-cache-'));
  hub = await startHub({ repos: standardRepos(), tokens: [testToken, strangerToken], pageSize: 2 });
  hubUrl = hub.url;
});
afterAll(async () => {
  await hub.close();
  await rm(cacheDir, { recursive: true });
});
beforeEach(() => {
  hub.requests.length = 0;
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function list(repo: string, revision?: string): Promise<ListFileEntry[]> {
  return await Array.fromAsync(listFiles({ repo, hubUrl, recursive: true, ...(revision && { revision }) }));
}

async function refusalOf(request: Promise<unknown>): Promise<HubApiError> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HubApiError)) throw new Error('expected a HubApiError', { cause: error });
  return error;
}

async function download(repo: string, path: string, accessToken?: string): Promise<Uint8Array> {
  const blob = await downloadFile({ repo, path, hubUrl, xet: false, ...(accessToken && { accessToken }) });
  if (blob === null) throw new Error(`${path} is not there`);
  return new Uint8Array(await new Response(blob.stream()).arrayBuffer());
}

describe('a public repository, read by @huggingface/hub', () => {
  const { repo, file } = standard.gemma;

  it('says its commit, and is the same at that commit and at its tag', async () => {
    const info = await modelInfo({
      name: repo,
      hubUrl,
      additionalFields: ['sha', 'cardData', 'tags', 'filePaths'],
    });
    expect(info).toMatchObject({ name: repo, private: false, gated: false, downloads: 1234, likes: 56 });
    expect(info.task).toBe('text-generation');
    expect(info.updatedAt).toEqual(new Date('2026-01-01T00:00:00.000Z'));
    expect(info.sha).toMatch(/^[0-9a-f]{40}$/);
    expect(info.cardData).toMatchObject({ license: 'gemma' });
    expect(info.tags).toEqual([
      'gguf',
      'license:gemma',
      'base_model:google/gemma-3-270m',
      'base_model:quantized:google/gemma-3-270m',
      'region:us',
    ]);
    expect(info.filePaths).toEqual(['.gitattributes', 'README.md', 'config.json', file]);
    for (const revision of [info.sha, 'v1.0', 'main']) {
      const other = await modelInfo({ name: repo, hubUrl, revision, additionalFields: ['sha'] });
      expect(other.sha).toBe(info.sha);
    }
  });

  it('gives only the fields that were asked for', async () => {
    const response = await fetch(`${hubUrl}/api/models/${repo}?expand=sha`);
    const text: unknown = expect.any(String);
    expect(await response.json()).toEqual({ _id: text, id: repo, sha: text });
  });

  it('lists its files over several pages', async () => {
    const files = await list(repo);
    expect(files.map((entry) => entry.path)).toEqual(['.gitattributes', 'README.md', 'config.json', file]);
    expect(files.at(-1)?.lfs).toMatchObject({
      oid: sha256(await download(repo, file)),
      size: files.at(-1)?.size,
    });
    expect(hub.requests.filter((request) => request.path.includes('/tree/'))).toHaveLength(2);
  });

  it('downloads large and small files as they are', async () => {
    const files = await list(repo);
    for (const entry of files) {
      const bytes = await download(repo, entry.path);
      expect(bytes.byteLength).toBe(entry.size);
      const blob = createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
      expect(entry.lfs ? sha256(bytes) : blob).toBe(entry.lfs?.oid ?? entry.oid);
    }
  });

  it('downloads as a snapshot, in a cache where every file is what the list says', async () => {
    const snapshot = await snapshotDownload({ repo, hubUrl, cacheDir, revision: 'v1.0' });
    const files = await list(repo);
    expect((await readdir(snapshot)).sort()).toEqual(files.map((entry) => entry.path));
    for (const { path, lfs, size } of files) {
      const bytes = await readFile(join(snapshot, path));
      expect([bytes.byteLength, lfs && sha256(bytes)]).toEqual([size, lfs?.oid]);
    }
  });

  it('says size and validator of a small file, and the raw pointer of a large one', async () => {
    const [small, raw] = await Promise.all([
      fileDownloadInfo({ repo, path: 'config.json', hubUrl }),
      fileDownloadInfo({ repo, path: file, hubUrl, raw: true }),
    ]);
    const files = await pathsInfo({ repo, paths: ['config.json', file, 'missing'], hubUrl, expand: true });
    expect(files.map((entry) => entry.path)).toEqual(['config.json', file]);
    expect(small).toMatchObject({ size: files[0]?.size, etag: `"${files[0]?.oid}"` });
    expect(raw).toMatchObject({ size: files[1]?.lfs?.pointerSize, etag: `"${files[1]?.oid}"` });
    expect(files[0]?.lastCommit.title).toBe('initial commit');
  });

  it('moves on with a new commit, and keeps the old one', async () => {
    const moving = 'longshore/moving';
    const first = await hub.addRepo({ id: moving, files: { 'a/b.txt': 'one', 'c.txt': 'c' } });
    const second = await hub.updateRepo(moving, { files: { 'a/b.txt': 'two', 'c.txt': null }, gitTag: 'v2' });
    expect(second).not.toBe(first);
    expect((await list(moving)).map((entry) => entry.path)).toEqual(['a', 'a/b.txt']);
    expect((await list(moving, first)).map((entry) => entry.path)).toEqual(['a', 'a/b.txt', 'c.txt']);
    expect(Buffer.from(await download(moving, 'a/b.txt')).toString()).toBe('two');
  });
});

describe('a renamed repository, read by @huggingface/hub', () => {
  it('is found under its old name and says the new one', async () => {
    await hub.addRepo({
      id: 'longshore/new',
      formerIds: ['longshore/old.v1'],
      files: { 'é ü.gguf': 'bytes' },
    });
    expect(await modelInfo({ name: 'longshore/old.v1', hubUrl })).toMatchObject({ name: 'longshore/new' });
    expect(Buffer.from(await download('longshore/old.v1', 'é ü.gguf')).toString()).toBe('bytes');
  });
});

describe('a gated repository, read by @huggingface/hub', () => {
  const { repo, file } = standard.gated;

  it('lists its files to everybody', async () => {
    expect(await modelInfo({ name: repo, hubUrl })).toMatchObject({ gated: 'manual' });
    expect((await list(repo)).map((entry) => entry.path)).toContain(file);
  });

  it('gives a file to a token that was let in, which the CDN never sees', async () => {
    const bytes = await download(repo, file, testToken);
    expect(bytes.byteLength).toBeGreaterThan(0);
    expect(await download(repo, 'README.md', testToken)).not.toHaveLength(0);
    const seen = Map.groupBy(hub.requests, (request) => request.origin);
    expect(seen.get('hub')?.every((request) => request.authorization === `Bearer ${testToken}`)).toBe(true);
    expect(seen.get('cdn')?.every((request) => request.authorization === undefined)).toBe(true);
  });

  it('is a snapshot for that token only', async () => {
    const asStranger = { repo, hubUrl, cacheDir, accessToken: strangerToken };
    expect((await refusalOf(snapshotDownload(asStranger))).statusCode).toBe(403);
    const snapshot = await snapshotDownload({ ...asStranger, accessToken: testToken });
    expect((await readFile(join(snapshot, file))).subarray(0, 4).toString()).toBe('GGUF');
  });

  it('tells strangers to log in, and other tokens to ask for access', async () => {
    const anonymous = await refusalOf(fileDownloadInfo({ repo, path: file, hubUrl }));
    expect(anonymous.statusCode).toBe(401);
    expect(anonymous.message).toContain('Please log in');
    const stranger = await refusalOf(
      fileDownloadInfo({ repo, path: file, hubUrl, accessToken: strangerToken }),
    );
    expect(stranger.statusCode).toBe(403);
    expect(stranger.message).toContain(`Visit ${hubUrl}/${repo} to ask for access`);
  });
});

describe('what is not there, asked for by @huggingface/hub', () => {
  const missing = { type: 'model', name: 'longshore/missing' } as const;

  it('hides missing and private repositories from strangers', async () => {
    await hub.addRepo({ id: 'longshore/private', private: true, access: [testToken], files: { a: 'a' } });
    const hidden = { type: 'model', name: 'longshore/private' } as const;
    for (const repo of [missing, hidden]) {
      expect((await refusalOf(checkRepoAccess({ repo, hubUrl }))).statusCode).toBe(401);
      expect(
        (await refusalOf(checkRepoAccess({ repo, hubUrl, accessToken: strangerToken }))).statusCode,
      ).toBe(404);
    }
    await checkRepoAccess({ repo: hidden, hubUrl, accessToken: testToken });
  });

  it('knows no revision but branches, tags and whole commit ids', async () => {
    const { sha } = await modelInfo({ name: standard.gemma.repo, hubUrl, additionalFields: ['sha'] });
    for (const revision of ['no-such-branch', sha.slice(0, 8)]) {
      const error = await refusalOf(modelInfo({ name: standard.gemma.repo, hubUrl, revision }));
      expect(error).toMatchObject({ statusCode: 404, data: { error: `Invalid rev id: ${revision}` } });
    }
  });

  it('has no info about a file that does not exist', async () => {
    expect(await fileDownloadInfo({ repo: standard.gemma.repo, path: 'no-such-file', hubUrl })).toBeNull();
  });

  it('knows its tokens', async () => {
    expect(await whoAmI({ hubUrl, accessToken: testToken })).toMatchObject({ type: 'user', name: 'tester' });
    const error = await refusalOf(whoAmI({ hubUrl, accessToken: 'hf_unknown' }));
    expect(error).toMatchObject({
      statusCode: 401,
      data: { error: 'Invalid credentials in Authorization header' },
    });
  });
});

describe('the error headers', () => {
  const { gemma, gated } = standard;
  it.each([
    ['a gated file without token', `/${gated.repo}/resolve/main/${gated.file}`, undefined, 401, 'GatedRepo'],
    [
      'a gated file with a token not let in',
      `/${gated.repo}/resolve/main/x`,
      strangerToken,
      403,
      'GatedRepo',
    ],
    ['a missing repository without token', '/api/models/longshore/missing', undefined, 401, null],
    ['a missing repository with token', '/api/models/longshore/missing', testToken, 404, 'RepoNotFound'],
    ['a missing revision', `/${gemma.repo}/resolve/nope/config.json`, undefined, 404, 'RevisionNotFound'],
    [
      'a revision in another script',
      '/api/models/longshore/gated-gguf/revision/%E6%97%A5',
      undefined,
      404,
      'RevisionNotFound',
    ],
    ['a missing file', `/${gemma.repo}/resolve/main/nope`, undefined, 404, 'EntryNotFound'],
    ['a missing folder', `/api/models/${gemma.repo}/tree/main/nope`, undefined, 404, 'EntryNotFound'],
    ['a token nobody gave out', `/${gemma.repo}/resolve/main/config.json`, 'hf_x', 401, null],
  ])('of %s', async (_, path, token, status, code) => {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const response = await fetch(hubUrl + path, { headers });
    expect([response.status, response.headers.get('X-Error-Code')]).toEqual([status, code]);
    const message: unknown = expect.stringContaining(
      response.headers.get('X-Error-Message')?.split('?')[0] ?? '-',
    );
    expect(await response.json()).toEqual({ error: message });
  });
});
