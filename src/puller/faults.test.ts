import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Fault, FaultPlan } from '../../test/hub/faults.ts';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import type { Patience } from '../sources/http/retry.ts';
import { pull, type PullOptions } from './pull.ts';
import { failureOf } from './report.ts';
import { pullOptions } from './testing/pull-options.ts';

vi.setConfig({ testTimeout: 30_000 });

/** Every row of docs/reliability.md on connections and content, against an origin that goes wrong as it is told. */
const content = tinyGguf({ size: 20_000_000, seed: 77 });
const size = content.byteLength;
const sha256 = createHash('sha256').update(content).digest('hex');
const repo = 'acme/faulty';
const tries = 5;
const { signal } = new AbortController();

let hub: Hub;
let root: string;
let slept: number[];

beforeAll(async () => {
  hub = await startHub({ repos: [{ id: repo, files: { 'm-Q8_0.gguf': content } }] });
});
afterAll(() => hub.close());
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'faults-'));
  slept = [];
  hub.requests.length = 0;
});
afterEach(async () => {
  hub.inject(() => undefined);
  hub.setRanges(true);
  await rm(root, { recursive: true });
});

function optionsFor(fields: object = {}): PullOptions {
  const patience: Patience = {
    tries,
    random: () => 0,
    sleep: async (ms) => {
      slept.push(ms);
    },
  };
  const options = pullOptions(
    root,
    { repo, endpoint: hub.url, ...fields },
    { patience, signal, stallMs: 300 },
  );
  return { ...options, connections: { first: 4, most: 32 } };
}

/** Pulls, checks the file, and says how many bytes came over the network that were not needed. */
async function fetchedAgain(options = optionsFor()): Promise<number> {
  const { digest, path } = await pull(options);
  expect(digest).toBe(`sha256:${sha256}`);
  const published = await readFile(join(root, path, 'm-Q8_0.gguf'));
  expect(createHash('sha256').update(published).digest('hex')).toBe(sha256);
  return options.progress.counts().receivedBytes - size;
}

/** Pulls what cannot be had: why, and how many bytes of the file came over the network. */
async function failure(
  options = optionsFor(),
): Promise<{ reason: string; message: string; receivedBytes: number }> {
  const error: unknown = await pull(options).then(
    () => 'no failure',
    (error: unknown) => error,
  );
  expect(await readdir(root)).not.toContain('index');
  expect(await readdir(root)).not.toContain('blobs');
  const { receivedBytes } = options.progress.counts();
  return { ...failureOf(error).failure, receivedBytes };
}

const toCdn = () => hub.requests.filter(({ origin }) => origin === 'cdn');
const resolves = () => hub.requests.filter(({ path }) => path.includes('/resolve/'));
const only =
  (numbers: readonly number[], fault: Fault): FaultPlan =>
  ({ number }) =>
    numbers.includes(number) ? fault : undefined;

it('with no fault nothing is fetched twice, and the hub is asked once where the file is', async () => {
  expect(await fetchedAgain()).toBe(0);
  expect(toCdn().length).toBeGreaterThan(3);
  expect(resolves()).toHaveLength(1);
});

describe('a connection of several', () => {
  it.each([
    ['is cut', { kind: 'cut', after: 1_000_000 }],
    ['is reset', { kind: 'reset', after: 1_000_000 }],
    ['falls silent', { kind: 'stall', after: 1_000_000 }],
    ['ends early as if that were all', { kind: 'end', after: 1_000_000 }],
    ['brings less than was asked for, and says so', { kind: 'shorter', bytes: 1_000_000 }],
    ['is refused by an overloaded server (503)', { kind: 'status', status: 503 }],
    ['is refused by a broken one (500)', { kind: 'status', status: 500 }],
    ['is refused by a gateway (502)', { kind: 'status', status: 502 }],
    ['redirects to itself', { kind: 'redirect', to: '' }],
    ['brings a page to log in at', { kind: 'page' }],
    ['brings bytes from elsewhere', { kind: 'shifted', by: 7 }],
  ] satisfies [string, Fault][])('that %s costs only what it did not bring', async (_what, fault) => {
    hub.inject(only([0, 2, 3], fault));
    expect(await fetchedAgain()).toBe(0);
  });

  it.each([
    ['the whole file', { kind: 'whole' }],
    ['more than was asked for', { kind: 'longer', by: 3_000_000 }],
  ] satisfies [string, Fault][])('that brings %s is not believed', async (_what, fault) => {
    hub.inject(only([2], fault));
    // The head of the answer tells.
    expect(await fetchedAgain()).toBe(0);
  });

  it('that trickles is asked again for the rest', async () => {
    hub.inject(only([1], { kind: 'trickle', bytesPerSecond: 2_000 }));
    const began = performance.now();
    // Twenty seconds in one, so that nobody has to wait.
    const options = { ...optionsFor(), now: () => performance.now() * 20 };
    expect(await fetchedAgain(options)).toBe(0);
    expect(options.progress.counts().retries.slow).toBe(1);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe('a source', () => {
  /** In good order, so that all of them arrive: where it goes on to count tries is where it got no further. */
  const breaks: Fault = { kind: 'end', after: 8_000_000 };

  it('without ranges is read as one stream, and again from its beginning when that breaks', async () => {
    hub.inject(({ number }) => (number === 0 ? breaks : undefined));
    hub.setRanges(false);
    expect(await fetchedAgain()).toBe(8_000_000);
    expect(toCdn().map(({ status }) => status)).toEqual([200, 200]);
  });

  it('without ranges that always breaks at the same place is given up', async () => {
    hub.inject(() => breaks);
    hub.setRanges(false);
    expect(await failure()).toMatchObject({
      reason: 'SourceUnreachable',
      receivedBytes: tries * 8_000_000,
    });
    expect(toCdn()).toHaveLength(tries);
  });

  it('without ETags is believed, since the digest decides', async () => {
    hub.inject(() => ({ kind: 'etag', etag: undefined }));
    expect(await fetchedAgain()).toBe(0);
  });

  it('whose ETag changes midway is asked for everything again, once', async () => {
    hub.inject(({ number }) => (number >= 2 ? { kind: 'etag', etag: '"new"' } : undefined));
    const again = await fetchedAgain();
    expect(again).toBeGreaterThan(0);
    expect(again).toBeLessThan(size);
  });

  it('whose servers do not agree on ETags is not asked over and over', async () => {
    hub.inject(({ number }) => ({ kind: 'etag', etag: `"${number % 3}"` }));
    const options = optionsFor();
    expect(await fetchedAgain(options)).toBeLessThan(size);
    expect(options.progress.counts().retries.content).toBe(1);
  });

  it('that asks for rest gets it, from all connections', async () => {
    hub.inject(only([1], { kind: 'status', status: 429, headers: { 'Retry-After': 7 } }));
    const options = optionsFor();
    expect(await fetchedAgain(options)).toBe(0);
    expect(slept).toContain(7_000);
    expect(options.progress.counts().retries).toMatchObject({ 'rate-limited': 1, connection: 0 });
  });

  it('that fails for a while is waited for, longer each time', async () => {
    const statuses = [500, 502, 503, 504];
    hub.inject(({ number }) => (statuses[number] ? { kind: 'status', status: statuses[number] } : undefined));
    const options = optionsFor();
    const patience = { ...options.patience, random: () => 0.5 };
    expect(await fetchedAgain({ ...options, patience })).toBe(0);
    expect(slept).toEqual([250, 500, 1000, 2000]);
  });

  it('that fails under four connections at once has failed once', async () => {
    // One byte, so that the four begin together; then they fail three times, each time all of them.
    const byNumber = (number: number): Fault | undefined =>
      number === 0 ? { kind: 'shorter', bytes: 1 } : { kind: 'status', status: 500 };
    hub.inject(({ number }) => (number <= 12 ? byNumber(number) : undefined));
    const sleeping: (() => void)[] = [];
    const sleep = (): Promise<void> =>
      new Promise((resolve) => {
        if (sleeping.push(resolve) === 4) for (const wake of sleeping.splice(0)) wake();
      });
    const options = optionsFor();
    expect(await fetchedAgain({ ...options, patience: { ...options.patience, sleep } })).toBe(0);
    expect(options.progress.counts().retries.connection).toBe(12);
  });

  it('that breaks again and again, and brings something each time, is not given up', async () => {
    hub.inject(({ number }) => (number < 3 * tries ? { kind: 'cut', after: 500_000 } : undefined));
    expect(await fetchedAgain({ ...optionsFor(), connections: { first: 1, most: 1 } })).toBe(0);
  });

  it('whose signed addresses expire midway is asked once for a new one', async () => {
    hub.inject(({ number }) => {
      if (number === 1) hub.expireUrls();
      return undefined;
    });
    const options = optionsFor();
    expect(await fetchedAgain(options)).toBe(0);
    expect(toCdn().some(({ status }) => status === 403)).toBe(true);
    expect(resolves()).toHaveLength(2);
    expect(options.progress.counts().retries.connection).toBe(0);
  });

  it('that redirects for ever is given up', async () => {
    hub.inject(() => ({ kind: 'redirect', to: '' }));
    expect(await failure()).toMatchObject({
      reason: 'SourceUnreachable',
      message: expect.stringContaining('redirects') as string,
      receivedBytes: 0,
    });
  });

  it('that redirects to another host is followed there', async () => {
    const { port } = new URL(hub.cdnUrl);
    hub.inject(({ number, path }) => {
      const { search } = new URL(toCdn().at(-1)!.path, hub.cdnUrl);
      return number === 0 ? { kind: 'redirect', to: `http://localhost:${port}${path}${search}` } : undefined;
    });
    expect(await fetchedAgain()).toBe(0);
    expect(resolves()).toHaveLength(1);
  });

  it.each([
    // A label of more than 63 characters is refused before anybody is asked.
    ['whose name nobody knows', `http://${'x'.repeat(64)}.invalid`],
    ['behind nothing', 'http://127.0.0.1:1'],
  ])('%s cannot be reached', async (_what, endpoint) => {
    expect(await failure(optionsFor({ endpoint }))).toMatchObject({
      reason: 'SourceUnreachable',
      receivedBytes: 0,
    });
  });

  it('that sends a page to log in at, whatever is asked for, is named as such', async () => {
    hub.inject(() => ({ kind: 'page' }));
    expect(await failure()).toMatchObject({
      reason: 'SourceUnreachable',
      message: expect.stringContaining('web page') as string,
      receivedBytes: 0,
    });
  });

  it('that once sends other content costs the file once more', async () => {
    let altered = false;
    hub.inject(({ start }) => {
      if (altered || start < 15_000_000) return undefined;
      altered = true;
      return { kind: 'altered', at: size - 1 };
    });
    const options = optionsFor();
    expect(await fetchedAgain(options)).toBe(size);
    expect(options.progress.counts()).toMatchObject({ discardedBytes: size, retries: { content: 1 } });
    expect(toCdn().at(-1)).toMatchObject({ range: `bytes=0-${size - 1}` });
  });

  it('that always sends other content is never published', async () => {
    hub.inject(() => ({ kind: 'altered', at: 5 }));
    expect(await failure()).toMatchObject({ reason: 'ChecksumMismatch', receivedBytes: 2 * size });
  });
});
