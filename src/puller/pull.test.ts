import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { standard, standardRepos } from '../../test/hub/content.ts';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { inspect } from './inspect.ts';
import { digestOf } from './store/digest.ts';
import { pull, type PullOptions } from './pull.ts';
import { failureOf } from './report.ts';
import { pullOptions } from './testing/pull-options.ts';

vi.setConfig({ testTimeout: 30_000 });

const big = { repo: 'acme/big', file: 'big-Q8_0.gguf' };
const bigContent = tinyGguf({ size: 6_000_000, seed: 9 });
const sha256 = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex');
const patience = { tries: 5, sleep: async () => {}, random: () => 0 };
const running = new AbortController();

let hub: Hub;
let root: string;

beforeEach(async () => {
  hub = await startHub({ repos: [...standardRepos(), { id: big.repo, files: { [big.file]: bigContent } }] });
  root = await mkdtemp(join(tmpdir(), 'volume-'));
});
afterEach(async () => {
  await hub.close();
  await rm(root, { recursive: true });
});

const optionsFor = (repo: string, fields: object = {}, stallMs = 5_000): PullOptions =>
  pullOptions(root, { repo, endpoint: hub.url, ...fields }, { patience, signal: running.signal, stallMs });

const toCdn = () => hub.requests.filter(({ origin }) => origin === 'cdn');
const entries = (folder: string): Promise<string[]> => readdir(join(root, folder)).catch(() => []);
const reasonOf = (error: unknown): string => failureOf(error).failure.reason;
const failureReason = (pulled: Promise<unknown>): Promise<string> => pulled.then(() => 'none', reasonOf);

async function expectNothingPublished(): Promise<void> {
  expect(await entries('blobs')).toEqual([]);
  expect(await entries('index')).toEqual([]);
  expect(await entries('hub')).toEqual([]);
}

describe('a pull', () => {
  it('publishes the file as a blob, in a cache of huggingface_hub, and in the index', async () => {
    const publication = await pull(optionsFor(big.repo));
    const hex = sha256(bigContent);
    const folder = `hub/models--acme--big/snapshots/${publication.revision}`;
    expect(publication).toEqual({
      revision: publication.revision,
      digest: `sha256:${hex}`,
      sizeBytes: bigContent.length,
      path: folder,
      fileCount: 1,
      files: [{ path: big.file, sizeBytes: bigContent.length, sha256: hex, role: 'model' }],
    });
    expect(await readlink(join(root, folder, big.file))).toBe(`../../../../blobs/sha256-${hex}`);
    expect(sha256(await readFile(join(root, folder, big.file)))).toBe(hex);
    expect((await stat(join(root, `blobs/sha256-${hex}`))).mode & 0o777).toBe(0o444);
    expect(await readFile(join(root, 'hub/models--acme--big/refs/main'), 'utf8')).toBe(publication.revision);
    const index: unknown = JSON.parse(await readFile(join(root, `index/uid-1/sha256-${hex}.json`), 'utf8'));
    expect(index).toMatchObject({ version: 1, modelUid: 'uid-1', ...publication });
    expect(await entries('.partial')).toEqual([]);
  });

  it('that is repeated downloads nothing, small files included', async () => {
    const fields = { files: [standard.gemma.file, 'config.json'] };
    const first = await pull(optionsFor(standard.gemma.repo, fields));
    const bytesAsked = () => hub.requests.filter(({ path }) => path.includes('/resolve')).length;
    const before = bytesAsked();
    const again = optionsFor(standard.gemma.repo, fields);
    await expect(pull(again)).resolves.toEqual(first);
    expect(bytesAsked()).toBe(before);
    expect(again.progress.read()).toMatchObject({
      downloadedBytes: first.sizeBytes,
      totalBytes: first.sizeBytes,
    });
    expect(first.digest).toBe(digestOf(first.files));
  });

  it.each([
    ['another size', Buffer.from('short')],
    ['other content of the same size', Buffer.alloc(bigContent.byteLength, 'x')],
  ])('repairs a blob that has %s', async (_, content) => {
    const { files } = await pull(optionsFor(big.repo));
    const blob = join(root, `blobs/sha256-${files[0]!.sha256}`);
    await rm(blob);
    await writeFile(blob, content);
    await pull(optionsFor(big.repo));
    expect(sha256(await readFile(blob))).toBe(files[0]!.sha256);
  });

  it('keeps the old revision beside the new one', async () => {
    const old = await pull(optionsFor(big.repo));
    await hub.updateRepo(big.repo, { files: { [big.file]: tinyGguf({ size: 100_000 }) } });
    await pull(optionsFor(big.repo));
    expect(sha256(await readFile(join(root, old.path, big.file)))).toBe(sha256(bigContent));
    expect(await entries('hub/models--acme--big/snapshots')).toHaveLength(2);
  });
});

describe('a connection that', () => {
  it('breaks is resumed where it broke, and progress never goes back', async () => {
    hub.interruptAfter(2_000_000, 2);
    const options = optionsFor(big.repo);
    const seen: number[] = [];
    const wrote = (bytes: number): void => {
      options.progress.wrote(bytes);
      seen.push(options.progress.read().downloadedBytes);
    };
    await pull({ ...options, progress: { ...options.progress, wrote } });
    expect(toCdn().map(({ range, status }) => [range, status])).toEqual([
      ['bytes=0-5999999', 206],
      ['bytes=2000000-5999999', 206],
      ['bytes=4000000-5999999', 206],
    ]);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(bigContent.length);
  });

  it('stalls is given up and resumed', async () => {
    hub.interruptAfter(2_000_000, 1, 'stall');
    await pull(optionsFor(big.repo, {}, 300));
    expect(toCdn().at(-1)).toMatchObject({ range: 'bytes=2000000-5999999', status: 206 });
  });

  it('breaks before a server that ignores ranges starts over', async () => {
    hub.setRanges(false);
    hub.interruptAfter(2_000_000, 1);
    const { digest } = await pull(optionsFor(big.repo));
    expect(digest).toBe(`sha256:${sha256(bigContent)}`);
    expect(toCdn().map(({ status }) => status)).toEqual([200, 200]);
  });

  it('is refused because the signed address expired is opened with a new one', async () => {
    hub.failCdn(403, 2);
    await pull(optionsFor(big.repo));
    const addresses = toCdn().map(({ path }) => path);
    expect(addresses).toHaveLength(3);
  });

  it('breaks every time without a byte is given up as SourceUnreachable', async () => {
    hub.failCdn(503, 100);
    expect(await failureReason(pull(optionsFor(big.repo)))).toBe('SourceUnreachable');
    expect(toCdn()).toHaveLength(patience.tries);
    await expectNothingPublished();
  });
});

describe('a pull that was interrupted', () => {
  it('goes on in the next pod from what it had brought to the disk', async () => {
    hub.interruptAfter(4_000_000, 1);
    const once = { ...patience, tries: 1 };
    expect(await failureReason(pull({ ...optionsFor(big.repo), patience: once }))).toBe('SourceUnreachable');
    hub.requests.length = 0;
    const next = optionsFor(big.repo);
    const { digest } = await pull(next);
    expect(toCdn()).toMatchObject([{ range: 'bytes=4000000-5999999', status: 206 }]);
    expect(digest).toBe(`sha256:${sha256(bigContent)}`);
  });

  /** What an earlier pod would have left. */
  async function leave({
    bytes,
    content = bigContent,
    etag,
  }: {
    bytes: number;
    content?: Buffer;
    etag?: string;
  }): Promise<void> {
    const folder = join(root, '.partial', sha256(bigContent), 'idle');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'data'), content.subarray(0, bytes));
    const journal = { version: 2, sizeBytes: bigContent.length, durable: [[0, bytes]], etag };
    await writeFile(join(folder, 'journal.json'), JSON.stringify(journal));
  }

  it('does not trust bytes that its journal does not claim', async () => {
    await leave({ bytes: 5_000_000, content: Buffer.alloc(5_000_000) });
    await rm(join(root, '.partial', sha256(bigContent), 'idle', 'journal.json'));
    await pull(optionsFor(big.repo));
    expect(toCdn().map(({ range }) => range)).toEqual(['bytes=0-5999999']);
  });

  it('starts over when the source has other content now', async () => {
    await leave({ bytes: 3_000_000, etag: '"old"' });
    const { digest } = await pull(optionsFor(big.repo));
    expect(digest).toBe(`sha256:${sha256(bigContent)}`);
    expect(toCdn().map(({ range }) => range)).toEqual(['bytes=3000000-5999999', 'bytes=0-5999999']);
  });

  it('finds damage in what it left, and starts over once', async () => {
    await leave({ bytes: 3_000_000, content: Buffer.alloc(3_000_000) });
    await pull(optionsFor(big.repo));
    expect(toCdn().map(({ range }) => range)).toEqual(['bytes=3000000-5999999', 'bytes=0-5999999']);
  });
});

describe('content', () => {
  it('that is not what the source states is refused and thrown away', async () => {
    const file = join(root, 'content');
    await writeFile(file, bigContent);
    await hub.addRepo({ id: 'acme/altered', files: { 'm.gguf': { file, sha256: 'b'.repeat(64) } } });
    expect(await failureReason(pull(optionsFor('acme/altered')))).toBe('ChecksumMismatch');
    expect(toCdn()).toHaveLength(2);
    await expectNothingPublished();
    expect(await entries(`.partial/${'b'.repeat(64)}/idle`)).toEqual(['data']);
    expect((await stat(join(root, '.partial', 'b'.repeat(64), 'idle', 'data'))).size).toBe(0);
  });

  it('that is no GGUF file is refused, on inspection and on the volume', async () => {
    const { source } = optionsFor(standard.notGguf.repo);
    await expect(inspect(source, patience, running.signal)).rejects.toThrow('no GGUF file');
    expect(await failureReason(pull(optionsFor(standard.notGguf.repo)))).toBe('NotGGUF');
    await expectNothingPublished();
  });
});

describe('a volume', () => {
  it('that is too small is refused before anything is downloaded, with numbers', async () => {
    const options = optionsFor(big.repo);
    const volume = { ...options.volume, freeBytes: async () => 1_000_000 };
    const error = await pull({ ...options, volume }).catch((error: unknown) => error);
    expect(failureOf(error)).toMatchObject({ exitCode: 2, failure: { reason: 'InsufficientStorage' } });
    expect(String(error)).toMatch(/6000000 bytes.*1000000 bytes free/);
    expect(toCdn()).toEqual([]);
  });

  it('that runs full says so', async () => {
    const folder = join(root, '.partial', sha256(bigContent), 'idle');
    await mkdir(folder, { recursive: true });
    await symlink('/dev/full', join(folder, 'data'));
    expect(await failureReason(pull(optionsFor(big.repo)))).toBe('InsufficientStorage');
    await expectNothingPublished();
  });

  it('needs room for what is missing only', async () => {
    await pull(optionsFor(big.repo));
    const options = optionsFor(big.repo);
    const volume = { ...options.volume, freeBytes: async () => 0 };
    await expect(pull({ ...options, volume })).resolves.toBeDefined();
  });
});

describe('an inspection', () => {
  it('reads the header, and not the file', async () => {
    await hub.addRepo({
      id: 'acme/large',
      files: { 'm-Q8_0.gguf': tinyGguf({ size: 30_000_000, blockCount: 7 }) },
    });
    const { source } = optionsFor('acme/large');
    await expect(inspect(source, patience, running.signal)).resolves.toMatchObject({
      sizeBytes: 30_000_000,
      fileCount: 1,
      gguf: { architecture: 'llama', layers: 7, parameters: '30M', contextLength: 2048 },
    });
    expect(toCdn()).toMatchObject([{ range: 'bytes=0-1999999', status: 206 }]);
  });

  it('copes with a server that ignores ranges', async () => {
    hub.setRanges(false);
    const { source } = optionsFor(big.repo);
    await expect(inspect(source, patience, running.signal)).resolves.toMatchObject({ gguf: { layers: 2 } });
  });
});

it('names several files by the digest that sha256sum would give', () => {
  const files = [
    { path: 'b', sizeBytes: 1, sha256: '2' },
    { path: 'a', sizeBytes: 1, sha256: '1' },
  ];
  expect(digestOf(files)).toBe(`sha256:${sha256('1  a\n2  b\n')}`);
});
