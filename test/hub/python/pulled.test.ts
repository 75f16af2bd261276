import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { PullerReport, requestVariable } from '../../../src/protocols/puller.ts';
import { standard } from '../content.ts';
import { tinyGguf } from '../gguf.ts';
import { startHub } from '../hub.ts';
import { startPythonClient } from './client.ts';
import type { PythonClient } from './client.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const puller = new URL('../../../src/puller/main.ts', import.meta.url).pathname;
const { repo, file, other } = standard.twoQuants;
const weights = {
  [file]: tinyGguf({ name: 'two-quants', quantization: 'Q4_K_M', seed: 4 }),
  [other]: tinyGguf({ name: 'two-quants', quantization: 'Q8_0', seed: 5 }),
};

let folder: string;
let revision: string;
let python: PythonClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pulled-'));
  await mkdir(join(folder, 'volume'));
  const hub = await startHub({
    repos: [{ id: repo, files: { ...weights, 'sub/a.txt': 'a' }, gitTags: ['v1'] }],
  });
  revision = await pull(hub.url, { quantization: 'Q4_K_M', revision: 'v1' });
  await pull(hub.url, { files: ['sub/a.txt', file], revision: 'main' });
  await hub.close();
  const cache = { HF_HUB_CACHE: join(folder, 'volume', 'hub'), HF_HOME: join(folder, 'home') };
  python = await startPythonClient({ ...cache, HF_HUB_OFFLINE: '1' });
});
afterAll(async () => {
  await python.close();
  await rm(folder, { recursive: true });
});

/** Resolves to the commit. */
async function pull(endpoint: string, source: object): Promise<string> {
  const report = join(folder, 'termination-log');
  const request = {
    source: { huggingFace: { repo, endpoint, ...source } },
    credentials: false,
    modelUid: 'uid',
  };
  const child = spawn(process.execPath, [puller, 'pull'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      [requestVariable]: JSON.stringify(request),
      LONGSHORE_VOLUME: join(folder, 'volume'),
      LONGSHORE_TERMINATION_LOG: report,
      LONGSHORE_PROGRESS_PORT: '0',
    },
  });
  await once(child, 'close');
  const told = PullerReport.parse(JSON.parse(await readFile(report, 'utf8')));
  if (!('publication' in told)) throw new Error(`nothing was pulled: ${JSON.stringify(told)}`);
  return told.publication.revision;
}

const Path = z.string();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function find(filename: string, more: object = {}): Promise<string> {
  const named = { repo_id: repo, filename, local_files_only: true, ...more };
  return Path.parse(await python.call('hf_hub_download', named));
}

describe('a model on a volume, looked for by huggingface_hub without a hub', () => {
  it('is found by every name of its revision, with the bytes of the hub', async () => {
    const path = await find(file);
    expect(sha256(await readFile(path))).toBe(sha256(weights[file]));
    expect(path).toContain(revision);
    for (const name of ['main', 'v1', revision]) expect(await find(file, { revision: name })).toBe(path);
    expect(await readFile(await find('sub/a.txt'), 'utf8')).toBe('a');
  });

  it('is a snapshot of what was pulled', async () => {
    const snapshot = Path.parse(await python.call('snapshot_download', { repo_id: repo }));
    expect((await readdir(snapshot)).sort()).toEqual(['sub', file].sort());
    expect(sha256(await readFile(join(snapshot, file)))).toBe(sha256(weights[file]));
  });

  it('is a cache that the client finds no fault with', async () => {
    const cache = await python.call('scan_cache_dir', {});
    expect(cache).toMatchObject({ warnings: [], size_on_disk: weights[file].byteLength + 1 });
  });

  it('has no file that was not pulled', async () => {
    await expect(find(other)).rejects.toThrow('LocalEntryNotFoundError');
  });
});
