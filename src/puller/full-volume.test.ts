import { createHash } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { pull, type PullOptions } from './pull.ts';
import { failureOf } from './report.ts';
import { pullOptions } from './testing/pull-options.ts';
import { smallVolume } from './testing/small-volume.ts';

vi.setConfig({ testTimeout: 30_000 });

const content = tinyGguf({ size: 12 << 20, seed: 12 });
const size = content.byteLength;
const sha256 = createHash('sha256').update(content).digest('hex');
const repo = 'acme/model';
const patience = { tries: 2, sleep: async () => {}, random: () => 0 };
const { signal } = new AbortController();
const syncInterval = { bytes: 1 << 20, ms: 1e9, mostAtRisk: 2 << 20 };
/** What is at risk, and what one connection holds. */
const mostAgain = (2 << 20) + (2 << 20);

let hub: Hub;

beforeAll(async () => {
  hub = await startHub({ repos: [{ id: repo, files: { 'm-Q8_0.gguf': content } }] });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.requests.length = 0;
});
afterEach(() => {
  vi.restoreAllMocks();
  hub.inject(() => undefined);
});

/** Parts of 4 MiB, one after the other. */
function optionsFor(root: string): PullOptions {
  const options = pullOptions(root, { repo, endpoint: hub.url }, { patience, signal });
  return { ...options, syncInterval, connections: { first: 1, most: 3 } };
}

/** @returns why it failed, and the bytes that came over the network. */
async function failure(
  root: string,
): Promise<{ reason: string; message: string; exitCode: number; received: number }> {
  const options = optionsFor(root);
  const error: unknown = await pull(options).then(
    () => 'no failure',
    (error: unknown) => error,
  );
  expect(await readdir(root)).not.toContain('index');
  expect(await readdir(root)).not.toContain('blobs');
  const { failure, exitCode } = failureOf(error);
  return { ...failure, exitCode, received: options.progress.counts().receivedBytes };
}

/** Pulls to the end, checks the file, and says how many bytes came over the network. */
async function success(root: string): Promise<number> {
  const options = optionsFor(root);
  await pull(options);
  const blob = await readFile(join(root, `blobs/sha256-${sha256}`));
  expect(blob.equals(content)).toBe(true);
  return options.progress.counts().receivedBytes;
}

describe('a small file system', () => {
  it('that is too small is not begun with', async () => {
    await using volume = await smallVolume(size - (1 << 20));
    expect(await failure(volume.root)).toMatchObject({
      reason: 'InsufficientStorage',
      exitCode: 2,
      received: 0,
    });
    expect(hub.requests.filter(({ origin }) => origin === 'cdn')).toEqual([]);
  });

  it('that others fill meanwhile ends a pull, and the next one fetches what is missing', async () => {
    await using volume = await smallVolume(size + (2 << 20));
    let filled: Promise<() => Promise<void>> | undefined;
    hub.inject(({ number }) => {
      if (number === 2) filled = volume.fill();
      return undefined;
    });
    const { received, ...told } = await failure(volume.root);
    expect(told).toMatchObject({ reason: 'InsufficientStorage', exitCode: 2 });
    expect(told.message).toContain('ENOSPC');
    const empty = await filled!;
    await empty();
    expect(received + (await success(volume.root)) - size).toBeLessThanOrEqual(mostAgain);
  });
});

describe('a volume that', () => {
  let root: string;
  let prototype: FileHandle;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'full-'));
    const probe = await open(root);
    prototype = Object.getPrototypeOf(probe) as FileHandle;
    await probe.close();
  });
  afterEach(() => rm(root, { recursive: true }));

  /** From the fifth call on. */
  function fails(call: 'writev' | 'datasync', code: string): void {
    const real = prototype[call] as (this: FileHandle, ...args: unknown[]) => Promise<never>;
    let calls = 0;
    vi.spyOn(prototype, call).mockImplementation(function (this: FileHandle, ...args: unknown[]) {
      if (++calls < 5) return real.apply(this, args);
      return Promise.reject(Object.assign(new Error(`${code}: refused`), { code, syscall: 'write' }));
    });
  }

  it.each([
    ['has no room left in its quota', 'writev', 'EDQUOT', 'InsufficientStorage'],
    ['finds out that it is full when it syncs', 'datasync', 'ENOSPC', 'InsufficientStorage'],
    ['becomes read-only', 'writev', 'EROFS', 'VolumeReadOnly'],
  ] as const)('%s in the middle of a file keeps what it has claimed', async (_what, call, code, reason) => {
    fails(call, code);
    const { received, ...told } = await failure(root);
    expect(told).toMatchObject({ reason, exitCode: 2 });
    vi.restoreAllMocks();
    expect(received + (await success(root)) - size).toBeLessThanOrEqual(mostAgain);
  });
});
