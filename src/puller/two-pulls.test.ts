import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { bytesIn } from './transfer/intervals.ts';
import { pull, type PullOptions } from './pull.ts';
import { failureOf } from './report.ts';
import { partialFolder } from './testing/partial.ts';
import { hastyTimes, pullOptions } from './testing/pull-options.ts';

vi.setConfig({ testTimeout: 60_000 });

const content = tinyGguf({ size: 40 << 20, seed: 12 });
const hex = createHash('sha256').update(content).digest('hex');
const repo = 'acme/shared';
const { signal } = new AbortController();
const patience = { tries: 3, sleep: (ms: number) => sleep(ms), random: () => 0 };

let hub: Hub;
let root: string;
let children: ChildProcess[];

beforeEach(async () => {
  hub = await startHub({ repos: [{ id: repo, files: { 'm-Q8_0.gguf': content, 'config.json': '{}' } }] });
  root = await mkdtemp(join(tmpdir(), 'volume-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await hub.close();
  await rm(root, { recursive: true });
});

const spec = (fields: object = {}) => ({ repo, endpoint: hub.url, ...fields });

/** Of a Model of its own. */
function optionsFor(modelUid: string, fields: object = {}): PullOptions {
  const options = pullOptions(root, spec(fields), { patience, signal });
  return { ...options, modelUid, tenureTimes: hastyTimes };
}

/** As a process, so that it can be killed and stopped. */
function start(modelUid: string): { child: ChildProcess; said: Promise<string> } {
  const hasty = new URL('testing/hasty.ts', import.meta.url).pathname;
  const argument = JSON.stringify({ root, spec: spec(), modelUid });
  const child = spawn(process.execPath, [hasty, argument], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return { child, said: text(child.stdout) };
}

/** What the journal of the download claims. */
async function claimedBytes(): Promise<number> {
  const Journal = z.object({ durable: z.array(z.tuple([z.int(), z.int()])) });
  const folder = await partialFolder(root, hex).catch(() => '');
  const journal = await readFile(join(folder, 'journal.json'), 'utf8').catch(() => '{"durable":[]}');
  return bytesIn(Journal.parse(JSON.parse(journal)).durable);
}

async function expectPublished(...uids: string[]): Promise<void> {
  expect((await readdir(join(root, 'index'))).sort()).toEqual(uids);
  const blob = await readFile(join(root, `blobs/sha256-${hex}`));
  expect(createHash('sha256').update(blob).digest('hex')).toBe(hex);
  expect(await readdir(join(root, '.partial'))).toEqual([]);
  const announced = await readdir(join(root, '.pulling'));
  for (const uid of uids) expect(announced).not.toContain(`${uid}.json`);
}

const reasonOf = (pulled: Promise<unknown>): Promise<string> =>
  pulled.then(
    () => 'none',
    (error: unknown) => failureOf(error).failure.reason,
  );

describe('two pulls of the same file for two Models', () => {
  it('download it once, and the one that waits says so', async () => {
    hub.setThrottle(40_000_000);
    const all = [optionsFor('a'), optionsFor('b')];
    const pulling = Promise.all(all.map(pull));
    const phases = () => all.map(({ progress }) => progress.read().phase).sort();
    await expect.poll(phases, { timeout: 20_000, interval: 5 }).toEqual(['downloading', 'waiting']);
    const [first, second] = await pulling;
    expect(second).toEqual(first);
    const received = all.map(({ progress }) => progress.counts().receivedBytes).sort((a, b) => a - b);
    expect(received).toEqual([0, content.byteLength]);
    for (const { progress } of all) {
      expect(progress.read()).toMatchObject({ downloadedBytes: content.byteLength });
    }
    await expectPublished('a', 'b');
  });

  it('do not wait for each other in a circle, where there are several files', async () => {
    const names = ['m-1.gguf', 'm-2.gguf', 'm-3.gguf'];
    const files = names.map((name, i) => [name, tinyGguf({ size: 1_000_000, seed: 60 + i })] as const);
    await hub.addRepo({ id: 'acme/several', files: Object.fromEntries(files) });
    const several = (uid: string, files: string[]) => optionsFor(uid, { repo: 'acme/several', files });
    const all = [several('a', names), several('b', names.toReversed())];
    await Promise.all(all.map(pull));
    const received = all.map(({ progress }) => progress.counts().receivedBytes);
    expect(received[0]! + received[1]!).toBe(3_000_000);
  });

  it('of which the first fails: the other goes on with what is there', async () => {
    hub.interruptAfter(8_000_000, 1);
    const first = {
      ...optionsFor('a'),
      patience: { ...patience, tries: 1 },
      connections: { first: 1, most: 1 },
    };
    expect(await reasonOf(pull(first))).toBe('SourceUnreachable');
    const second = optionsFor('b');
    await pull(second);
    // A connection that is cut takes with it what was sent and not read.
    const received = [first, second].map(({ progress }) => progress.counts().receivedBytes);
    expect(received[0]).toBeGreaterThan(4_000_000);
    expect(received[0]! + received[1]!).toBe(content.byteLength);
    await expectPublished('b');
  });
});

it('two pulls that both found room for one: the one that gets none says who may have it, and the other ends well', async () => {
  const large = tinyGguf({ size: 3_000_000, seed: 13 });
  await hub.addRepo({ id: 'acme/large', files: { 'l.gguf': large } });
  const oneFits = (options: PullOptions): PullOptions => ({
    ...options,
    volume: { ...options.volume, freeBytes: async () => content.byteLength + (2 << 20) },
  });
  // A disk that is full to one of them.
  const folder = join(root, '.partial', createHash('sha256').update(large).digest('hex'), 'idle');
  await mkdir(folder, { recursive: true });
  await symlink('/dev/full', join(folder, 'data'));
  const [first, second] = await Promise.allSettled([
    pull(oneFits(optionsFor('a'))),
    pull(oneFits(optionsFor('b', { repo: 'acme/large' }))),
  ]);
  expect(first.status).toBe('fulfilled');
  expect(second.status === 'rejected' && failureOf(second.reason)).toMatchObject({
    exitCode: 2,
    failure: {
      reason: 'InsufficientStorage',
      message: expect.stringContaining('another pull on it may have taken the room') as string,
    },
  });
});

describe('a pull that stands in the way of another Model', () => {
  /** Resolves when it has claimed something, and has most of the file before it. */
  async function underWay(modelUid: string): Promise<ReturnType<typeof start>> {
    hub.setThrottle(10_000_000);
    const started = start(modelUid);
    await expect.poll(claimedBytes, { timeout: 40_000, interval: 10 }).toBeGreaterThan(0);
    return started;
  }

  it('because it was killed loses the download after a while, and nothing is fetched that it claimed', async () => {
    const { child } = await underWay('a');
    child.kill('SIGKILL');
    await once(child, 'close');
    const claimed = await claimedBytes();
    hub.setThrottle(undefined);
    const options = optionsFor('b');
    await pull(options);
    expect(options.progress.counts().receivedBytes).toBe(content.byteLength - claimed);
    await expectPublished('b');
  });

  it('because it was killed is not waited for by its own next pod', async () => {
    const { child } = await underWay('a');
    child.kill('SIGKILL');
    await once(child, 'close');
    hub.setThrottle(undefined);
    const options = { ...optionsFor('a'), tenureTimes: { ...hastyTimes, staleMs: Infinity } };
    await expect(pull(options)).resolves.toMatchObject({ digest: expect.any(String) as string });
    await expectPublished('a');
  });

  it('because it stands still loses the download, and finds the file there when it wakes', async () => {
    const { child, said } = await underWay('a');
    child.kill('SIGSTOP');
    hub.setThrottle(undefined);
    const { digest } = await pull(optionsFor('b'));
    await expectPublished('b');
    child.kill('SIGCONT');
    expect(await said).toBe(digest);
    await expectPublished('a', 'b');
  });

  it('and wakes while the other one is at it: both end well', async () => {
    const { child, said } = await underWay('a');
    child.kill('SIGSTOP');
    const pulling = pull(optionsFor('b'));
    const holder = async () => (await readdir(join(root, '.partial', hex)).catch(() => [])).join();
    await expect.poll(holder, { timeout: 20_000, interval: 5 }).toMatch(/^b\./);
    child.kill('SIGCONT');
    const { digest } = await pulling;
    expect(await said).toBe(digest);
    await expectPublished('a', 'b');
  });
});
