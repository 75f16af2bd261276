import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { standard, standardRepos, strangerToken, testToken } from '../../test/hub/content.ts';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { PullerProgress, PullerReport, requestVariable } from '../protocols/puller.ts';

// Every test starts processes, and a loaded machine is slow at that.
vi.setConfig({ testTimeout: 60_000 });

const main = new URL('main.ts', import.meta.url).pathname;
const big = { repo: 'acme/big', bytes: 24 << 20 };

let hub: Hub;
let folder: string;
let running: ChildProcess | undefined;

beforeAll(async () => {
  const repos = [
    ...standardRepos(),
    { id: big.repo, files: { 'big-Q8_0.gguf': tinyGguf({ size: big.bytes }) } },
    { id: 'acme/many', files: Object.fromEntries(manyNames().map((name) => [name, tinyGguf()])) },
  ];
  hub = await startHub({ repos, tokens: [testToken, strangerToken] });
});
afterAll(() => hub.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'puller-'));
  await mkdir(join(folder, 'volume'));
  await mkdir(join(folder, 'credentials'));
  hub.requests.length = 0;
});
afterEach(async () => {
  running?.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** Names without a quantization, so that a message has to list them all. */
function manyNames(): string[] {
  return Array.from({ length: 40 }, (_, i) => `${'ü'.repeat(200)}-${i}.gguf`);
}

const LogLine = z.record(z.string(), z.unknown());

interface Puller {
  readonly process: ChildProcess;
  /** Everything it wrote to its log. */
  readonly log: () => string;
  /** Resolves with a field of the first log line that has it. */
  readonly logged: (field: string) => Promise<unknown>;
  readonly ended: () => Promise<{ code: number | null; report: PullerReport; reportBytes: number }>;
}

function start(
  command: string,
  repo: string,
  more: { source?: object; credentials?: boolean; revision?: string } = {},
  env: object = {},
): Puller {
  const { source, ...request } = more;
  const huggingFace = { repo, revision: 'main', endpoint: hub.url, ...source };
  const reportPath = join(folder, 'termination-log');
  const child = spawn(process.execPath, [main, command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      [requestVariable]: JSON.stringify({
        source: { huggingFace },
        credentials: false,
        modelUid: 'uid',
        ...request,
      }),
      LONGSHORE_VOLUME: join(folder, 'volume'),
      LONGSHORE_CREDENTIALS: join(folder, 'credentials'),
      LONGSHORE_TERMINATION_LOG: reportPath,
      LONGSHORE_PROGRESS_PORT: '0',
      ...env,
    },
  });
  running = child;
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const find = (field: string): unknown =>
    lines.map((line) => LogLine.parse(JSON.parse(line))[field]).find((value) => value !== undefined);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    process: child,
    log: () => lines.join('\n'),
    logged: async (field) => {
      await expect.poll(() => find(field), { timeout: 40_000 }).toBeDefined();
      return find(field);
    },
    async ended() {
      const code = await closed;
      const text = await readFile(reportPath, 'utf8');
      return { code, report: PullerReport.parse(JSON.parse(text)), reportBytes: Buffer.byteLength(text) };
    },
  };
}

const withRanges = () => hub.requests.filter(({ origin }) => origin === 'cdn').map(({ range }) => range);

async function progressOf(puller: Puller): Promise<PullerProgress> {
  const answer = await fetch(`http://127.0.0.1:${String(await puller.logged('port'))}/progress`);
  return PullerProgress.parse(await answer.json());
}

describe('the puller', () => {
  it('inspects, with the token of a Secret that is for this hub, and never logs it', async () => {
    await writeFile(join(folder, 'credentials', 'token'), testToken);
    await writeFile(join(folder, 'credentials', 'host'), hub.url);
    const puller = start('inspect', standard.gated.repo, { credentials: true });
    const { code, report } = await puller.ended();
    expect({ code, report }).toMatchObject({
      code: 0,
      report: { inspection: { fileCount: 1, gguf: { architecture: 'llama', quantization: 'Q4_K_M' } } },
    });
    expect(puller.log()).not.toContain(testToken);
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

  it('sends nothing when the token is for another host', async () => {
    await writeFile(join(folder, 'credentials', 'token'), testToken);
    const { code, report } = await start('inspect', standard.gemma.repo, { credentials: true }).ended();
    expect({ code, report }).toMatchObject({
      code: 2,
      report: { failure: { reason: 'CredentialsForAnotherHost' } },
    });
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

  it.each([
    ['no JSON', '{'],
    ['another shape', '{"source":{}}'],
  ])('says that a request is %s', async (_what, text) => {
    const { code, report } = await start('inspect', 'a/b', {}, { [requestVariable]: text }).ended();
    expect({ code, report }).toMatchObject({ code: 2, report: { failure: { reason: 'PullerFailed' } } });
  });
});

describe('a puller in the middle of a file', () => {
  it('tells its progress', async () => {
    hub.interruptAfter(5_000_000, 1, 'stall');
    const puller = start('pull', big.repo);
    await expect
      .poll(() => progressOf(puller), { timeout: 40_000 })
      .toMatchObject({
        phase: 'downloading',
        downloadedBytes: 4 << 20,
        totalBytes: big.bytes,
      });
  });

  it('that is killed loses what was not synced, and the next one goes on from there', async () => {
    hub.interruptAfter(20_000_000, 1, 'stall');
    const puller = start('pull', big.repo);
    await expect
      .poll(async () => (await progressOf(puller)).downloadedBytes, { timeout: 40_000 })
      .toBe(19 << 20);
    puller.process.kill('SIGKILL');
    await once(puller.process, 'close');
    const { code } = await start('pull', big.repo).ended();
    expect(code).toBe(0);
    expect(withRanges()).toEqual([undefined, `bytes=${16 << 20}-`]);
  });

  it('that is asked to stop brings to the disk what it has, and says so', async () => {
    hub.interruptAfter(5_000_000, 1, 'stall');
    const puller = start('pull', big.repo);
    await expect
      .poll(async () => (await progressOf(puller)).downloadedBytes, { timeout: 40_000 })
      .toBe(4 << 20);
    puller.process.kill('SIGTERM');
    const { code, report } = await puller.ended();
    expect({ code, report }).toMatchObject({ code: 143, report: { failure: { reason: 'PullerFailed' } } });
    await start('pull', big.repo).ended();
    expect(withRanges()).toEqual([undefined, 'bytes=5000000-']);
  });
});
