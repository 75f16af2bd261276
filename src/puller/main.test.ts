import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { standard, standardRepos, strangerToken, testToken } from '../../test/hub/content.ts';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { requestVariable } from '../protocols/puller.ts';
import { partialFolder } from './testing/partial.ts';
import { aPlace, metricsOf, progressOf, type Puller, type PullerPlace } from './testing/process.ts';

// Every test starts processes, and a loaded machine is slow at that.
vi.setConfig({ testTimeout: 60_000 });

const bigContent = tinyGguf({ size: 24 << 20 });
const big = {
  repo: 'acme/big',
  bytes: bigContent.byteLength,
  sha256: createHash('sha256').update(bigContent).digest('hex'),
};

let hub: Hub;
let place: PullerPlace;

beforeAll(async () => {
  const repos = [
    ...standardRepos(),
    { id: big.repo, files: { 'big-Q8_0.gguf': bigContent } },
    { id: 'acme/many', files: Object.fromEntries(manyNames().map((name) => [name, tinyGguf()])) },
  ];
  hub = await startHub({ repos, tokens: [testToken, strangerToken] });
});
afterAll(() => hub.close());
beforeEach(async () => {
  place = await aPlace();
  hub.requests.length = 0;
});
afterEach(async () => {
  hub.setThrottle(undefined);
  await place.clear();
});

/** Names without a quantization, so that a message has to list them all. */
function manyNames(): string[] {
  return Array.from({ length: 40 }, (_, i) => `${'ü'.repeat(110)}/${'ü'.repeat(110)}-${i}.gguf`);
}

interface More {
  source?: object;
  credentials?: boolean;
  revision?: string;
  knownRevision?: string;
}

function start(command: string, repo: string, { source, ...request }: More = {}, env: object = {}): Puller {
  const huggingFace = { repo, revision: 'main', endpoint: hub.url, ...source };
  return place.start(command, { source: { huggingFace }, ...request }, env);
}

const atLeast = (bytes: number) => ({
  asymmetricMatch: (seen: unknown) => typeof seen === 'number' && seen >= bytes,
});
const withRanges = () => hub.requests.filter(({ origin }) => origin === 'cdn').map(({ range }) => range);

describe('the puller', () => {
  it('inspects, with the token of a Secret that is for this hub, and never logs it', async () => {
    await place.giveToken(testToken, hub.url);
    const puller = start('inspect', standard.gated.repo, { credentials: true });
    const { code, report } = await puller.ended();
    expect({ code, report }).toMatchObject({
      code: 0,
      report: { inspection: { fileCount: 1, gguf: { architecture: 'llama', quantization: 'Q4_K_M' } } },
    });
    expect(puller.log()).not.toContain(testToken);
  });

  it('says of a revision that is known that it is so still, by one request, or what the source has by now', async () => {
    const { report: first } = await start('inspect', standard.gemma.repo).ended();
    const { revision } = z.object({ inspection: z.object({ revision: z.string() }) }).parse(first).inspection;
    hub.requests.length = 0;
    const again = await start('inspect', standard.gemma.repo, { knownRevision: revision }).ended();
    expect(again).toMatchObject({ code: 0, report: { unchanged: { revision } } });
    expect(hub.requests).toHaveLength(1);
    const moved = await start('inspect', standard.gemma.repo, { knownRevision: '0'.repeat(40) }).ended();
    expect(moved.report).toEqual(first);
  });

  it('pulls what was inspected', async () => {
    const inspected = await start('inspect', standard.gemma.repo).ended();
    const { revision } = z
      .object({ inspection: z.object({ revision: z.string() }) })
      .parse(inspected.report).inspection;
    const { code, report } = await start('pull', standard.gemma.repo, { revision }).ended();
    expect({ code, report }).toMatchObject({ code: 0, report: { publication: { revision } } });
  });

  it.each([
    ['RepoNotFound', 'acme/none', {}],
    ['GatedRepo', standard.gated.repo, {}],
    ['AmbiguousFiles', standard.twoQuants.repo, {}],
    ['QuantizationNotFound', standard.twoQuants.repo, { source: { quantization: 'Q2_K' } }],
    ['NoModelFile', standard.safetensors.repo, {}],
    ['NotGGUF', standard.notGguf.repo, {}],
    ['CredentialsNotFound', standard.gemma.repo, { credentials: true }],
  ])('ends a Job with %s, which no other pod would mend', async (reason, repo, more) => {
    const { code, report } = await start('inspect', repo, more).ended();
    expect({ code, report }).toMatchObject({ code: 2, report: { failure: { reason } } });
  });

  it('sends nothing when the Model points the token of the public hub at another', async () => {
    await place.giveToken(testToken);
    const { code, report } = await start('inspect', standard.gemma.repo, { credentials: true }).ended();
    expect({ code, report }).toMatchObject({
      code: 2,
      report: {
        failure: {
          reason: 'CredentialsForAnotherHost',
        },
      },
    });
    expect(JSON.stringify(report)).toContain('The token is for https://huggingface.co,');
    expect(hub.requests).toEqual([]);
  });

  it('asks for another try when nothing answers', async () => {
    const { code, report } = await start('inspect', 'a/b', {
      source: { endpoint: 'http://127.0.0.1:1' },
    }).ended();
    expect({ code, report }).toMatchObject({ code: 1, report: { failure: { reason: 'SourceUnreachable' } } });
  });

  it('keeps a long message within what a termination message may have', async () => {
    const { report, reportBytes } = await start('inspect', 'acme/many').ended();
    expect(report).toMatchObject({ failure: { reason: 'AmbiguousFiles' } });
    expect(reportBytes).toBeLessThanOrEqual(4096);
    expect(reportBytes).toBeGreaterThan(4000);
  });

  it('reads a volume in place, and verifies the revision that was inspected', async () => {
    await writeFile(join(place.volume, 'm.gguf'), bigContent);
    const source = { volume: { claimName: 'weights' } };
    const inspected = await place.start('inspect', { source }).ended();
    const { inspection } = z
      .object({ inspection: z.object({ revision: z.string() }) })
      .parse(inspected.report);
    const pulled = await place.start('pull', { source, revision: inspection.revision }).ended();
    expect(pulled).toMatchObject({
      code: 0,
      report: { publication: { digest: `sha256:${big.sha256}`, path: '.' } },
    });
    expect(await readdir(place.volume)).toEqual(['m.gguf']);
  });

  it('collects what is left of a Model, and refuses a request that is not for that', async () => {
    await start('pull', standard.gemma.repo).ended();
    const collected = await place.start('collect', { forget: { modelUid: 'uid' }, graceSeconds: 0 }).ended();
    expect(collected).toMatchObject({
      code: 0,
      report: { collection: { removedBlobs: 1, keptBlobs: 0, freedBytes: atLeast(1) } },
    });
    const { code, report } = await place.start('collect', { graceSeconds: -1 }).ended();
    expect({ code, report }).toMatchObject({ code: 2, report: { failure: { reason: 'PullerFailed' } } });
  });

  it.each([
    ['no JSON', '{'],
    ['another shape', '{"source":{}}'],
  ])('says that a request is %s', async (_what, text) => {
    const { code, report } = await start('inspect', 'a/b', {}, { [requestVariable]: text }).ended();
    expect({ code, report }).toMatchObject({ code: 2, report: { failure: { reason: 'PullerFailed' } } });
  });
});

describe('a puller in the middle of a file', () => {
  const one = { LONGSHORE_CONNECTIONS: '1' };
  const journal = async () =>
    readFile(join(await partialFolder(place.volume, big.sha256), 'journal.json'), 'utf8');

  it('tells its progress, to the operator and to Prometheus', async () => {
    hub.interruptAfter(5_000_000, 1, 'stall');
    const puller = start('pull', big.repo, {}, one);
    await expect
      .poll(() => progressOf(puller), { timeout: 40_000 })
      .toMatchObject({ phase: 'downloading', downloadedBytes: atLeast(4 << 20), totalBytes: big.bytes });
    const metrics = await metricsOf(puller);
    expect(metrics).toContain(`longshore_puller_size_bytes ${big.bytes}`);
    expect(metrics).toContain('longshore_puller_received_bytes_total 5000000');
    expect(metrics).toContain('longshore_puller_connections 1');
    expect(metrics).toContain('longshore_puller_retries_total{cause="connection"} 0');
    expect(metrics).toContain('longshore_puller_phase{phase="downloading"} 1');
  });

  it('that is killed loses what its journal does not claim, and the next one goes on from there', async () => {
    hub.interruptAfter(20_000_000, 1, 'stall');
    const puller = start('pull', big.repo, {}, one);
    await expect.poll(() => journal().catch(() => ''), { timeout: 40_000 }).not.toBe('');
    puller.process.kill('SIGKILL');
    await once(puller.process, 'close');
    const { durable } = z
      .object({ durable: z.tuple([z.tuple([z.literal(0), z.int()])]) })
      .parse(JSON.parse(await journal()));
    const [[, claimed]] = durable;
    expect(claimed).toBeGreaterThanOrEqual(8 << 20);
    const { code } = await start('pull', big.repo, {}, one).ended();
    expect(code).toBe(0);
    expect(withRanges()).toEqual([`bytes=0-${big.bytes - 1}`, `bytes=${claimed}-${big.bytes - 1}`]);
  });

  it('that is asked to stop brings to the disk what it has, and says so', async () => {
    hub.interruptAfter(5_000_000, 1, 'stall');
    const puller = start('pull', big.repo, {}, one);
    await expect
      .poll(async () => (await progressOf(puller)).downloadedBytes, { timeout: 40_000 })
      .toBeGreaterThanOrEqual(4 << 20);
    const asked = performance.now();
    puller.process.kill('SIGTERM');
    const { code, report } = await puller.ended();
    expect(performance.now() - asked).toBeLessThan(15_000);
    expect({ code, report }).toMatchObject({ code: 143, report: { failure: { reason: 'PullerFailed' } } });
    // For a pull of any Model.
    expect(await readdir(join(place.volume, '.partial', big.sha256))).toEqual(['idle']);
    const next = start('pull', big.repo, {}, one);
    await next.ended();
    expect(withRanges().at(-1)).toBe(`bytes=5000000-${big.bytes - 1}`);
    expect(await next.logged('receivedBytes')).toBe(big.bytes - 5_000_000);
  });

  it('is not impressed by a wall clock that jumps by days, forth and back', async () => {
    // Each time further, so that whatever began in between has begun long ago.
    const jumping = `const { now } = Date;
      let days = 0;
      setInterval(() => { days = days > 0 ? -days : 1 - days; }, 50).unref();
      Date.now = () => now() + days * 86_400_000;`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(jumping)}` };
    hub.setThrottle(10_000_000);
    const puller = start('pull', big.repo, {}, env);
    expect(await puller.ended()).toMatchObject({ code: 0 });
    expect(await puller.logged('receivedBytes')).toBe(big.bytes);
    expect(await puller.logged('retries')).toEqual({ connection: 0, 'rate-limited': 0, slow: 0, content: 0 });
  });

  it('keeps to the bandwidth that it was given', async () => {
    const began = performance.now();
    const { code } = await start('pull', big.repo, {}, { LONGSHORE_BYTES_PER_SECOND: '20000000' }).ended();
    expect(code).toBe(0);
    expect(performance.now() - began).toBeGreaterThan(900);
  });
});
