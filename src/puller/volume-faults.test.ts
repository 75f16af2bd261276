import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { PullerReport, requestVariable } from '../protocols/puller.ts';
import { pull, type PullOptions } from './pull.ts';
import { failureOf } from './report.ts';
import { pullOptions } from './testing/pull-options.ts';
import { openVolume } from './store/volume.ts';

vi.setConfig({ testTimeout: 30_000 });

const content = tinyGguf({ size: 12_000_000, seed: 8 });
const sha256 = createHash('sha256').update(content).digest('hex');
const repo = 'acme/model';
const patience = { tries: 2, sleep: async () => {}, random: () => 0 };
const { signal } = new AbortController();

let hub: Hub;
let root: string;

beforeEach(async () => {
  hub = await startHub({ repos: [{ id: repo, files: { 'm-Q8_0.gguf': content } }] });
  root = await mkdtemp(join(tmpdir(), 'volume-'));
});
afterEach(async () => {
  await hub.close();
  await rm(root, { recursive: true });
});

const optionsFor = (fields: object = {}): PullOptions =>
  pullOptions(root, { repo, endpoint: hub.url, ...fields }, { patience, signal });

async function failure(options: PullOptions): Promise<{ reason: string; message: string; exitCode: number }> {
  const error: unknown = await pull(options).then(
    () => 'no failure',
    (error: unknown) => error,
  );
  const { failure, exitCode } = failureOf(error);
  return { ...failure, exitCode };
}

describe('a volume', () => {
  it('that cannot be written to ends a pull at once', async () => {
    // Nobody may make files there, not even root, whether it is mounted read-only or not.
    const volume = { ...openVolume('/sys'), freeBytes: async () => 1e12 };
    expect(await failure({ ...optionsFor(), volume })).toMatchObject({
      reason: 'VolumeReadOnly',
      exitCode: 2,
      message: expect.stringContaining('/sys') as string,
    });
    expect(hub.requests.filter(({ origin }) => origin === 'cdn')).toEqual([]);
  });

  it('that takes no more in the middle of a file ends a pull, and what is there stays for a larger one', async () => {
    // A limit on the size of files stands for a disk that is full: it needs no root and no file system of its own.
    const puller = new URL('main.ts', import.meta.url).pathname;
    const huggingFace = { repo, revision: 'main', endpoint: hub.url };
    const report = join(root, 'report');
    const [program, ...args] = ['prlimit', '--fsize=7000000', process.execPath, puller, 'pull'] as const;
    const child = spawn(program, args, {
      stdio: 'ignore',
      env: {
        ...process.env,
        [requestVariable]: JSON.stringify({ source: { huggingFace }, credentials: false, modelUid: 'uid' }),
        LONGSHORE_VOLUME: root,
        LONGSHORE_PROGRESS_PORT: '0',
        LONGSHORE_CONNECTIONS: '1',
        LONGSHORE_TERMINATION_LOG: report,
      },
    });
    const [code] = (await once(child, 'close')) as [number | null];
    const told = PullerReport.parse(JSON.parse(await readFile(report, 'utf8')));
    expect({ code, told }).toMatchObject({ code: 2, told: { failure: { reason: 'InsufficientStorage' } } });
    expect(await readdir(root)).not.toContain('index');

    const options = optionsFor();
    await pull(options);
    expect(options.progress.counts().receivedBytes).toBeLessThan(content.byteLength - 5_000_000);
  });

  it('needs no room for what an earlier pull has written, though it is not claimed', async () => {
    hub.inject(({ number }) =>
      number === 0 ? { kind: 'cut', after: 8_000_000 } : { kind: 'status', status: 500 },
    );
    expect(await failure({ ...optionsFor(), connections: { first: 1, most: 1 } })).toMatchObject({
      reason: 'SourceUnreachable',
    });
    await rm(join(root, '.partial', sha256, 'idle', 'journal.json'));
    hub.inject(() => undefined);
    const options = optionsFor();
    const volume = { ...options.volume, freeBytes: async () => 5_500_000 };
    await expect(pull({ ...options, volume })).resolves.toMatchObject({ sizeBytes: content.byteLength });
  });
});

describe('a repository', () => {
  it('of ten thousand files is listed page by page, and gives the one that is asked for', async () => {
    const others = Array.from({ length: 10_000 }, (_, i) => [`notes/${i}.txt`, 'x'] as const);
    await hub.addRepo({
      id: 'acme/crowded',
      files: { ...Object.fromEntries(others), 'zz-Q8_0.gguf': tinyGguf() },
    });
    const { files } = await pull(optionsFor({ repo: 'acme/crowded' }));
    expect(files.map(({ path }) => path)).toEqual(['zz-Q8_0.gguf']);
    const pages = hub.requests.filter(({ path }) => path.includes('/tree/'));
    expect(pages).toHaveLength(11);
  });

  it.each([
    '../evil-Q8_0.gguf',
    'a/../../evil-Q8_0.gguf',
    '/etc/evil-Q8_0.gguf',
    '.ssh/evil-Q8_0.gguf',
    'a\\..\\evil-Q8_0.gguf',
    'a//evil-Q8_0.gguf',
    'evil\n-Q8_0.gguf',
    `${'long/'.repeat(60)}evil-Q8_0.gguf`,
    `${'ü'.repeat(200)}-Q8_0.gguf`,
  ])('with a file called %j brings nothing onto the volume', async (path) => {
    await hub.addRepo({ id: 'acme/evil', files: { [path]: tinyGguf() } });
    const { exitCode } = await failure(optionsFor({ repo: 'acme/evil', files: ['**'] }));
    expect(exitCode).toBe(2);
    expect(await readdir(root)).toEqual([]);
  });

  it('with the same content under two names downloads it once', async () => {
    const twice = tinyGguf({ size: 8_000_000, seed: 3 });
    await hub.addRepo({ id: 'acme/twice', files: { 'a.gguf': twice, 'b.gguf': twice } });
    const options = optionsFor({ repo: 'acme/twice', files: ['a.gguf', 'b.gguf'] });
    const { files } = await pull(options);
    expect(new Set(files.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(options.progress.counts().receivedBytes).toBe(twice.byteLength);
    expect(options.progress.read()).toMatchObject({ downloadedBytes: 2 * twice.byteLength });
  });
});
