import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import type { Publication } from '../protocols/puller.ts';
import { inspect } from './inspect.ts';
import { pull, type PullOptions } from './pull.ts';
import { failureOf } from './report.ts';
import { pullOptions } from './testing/pull-options.ts';

vi.setConfig({ testTimeout: 30_000 });

const patience = { tries: 1, sleep: async () => {}, random: () => 0 };
const { signal } = new AbortController();

let hub: Hub;
let root: string;

afterEach(async () => {
  await hub.close();
  await rm(root, { recursive: true });
});

const optionsFor = (repo: string, fields: object): PullOptions =>
  pullOptions(root, { repo, endpoint: hub.url, ...fields }, { patience, signal });
const toCdn = () => hub.requests.filter(({ origin }) => origin === 'cdn');
const failureReason = (pulled: Promise<unknown>): Promise<string> =>
  pulled.then(
    () => 'none',
    (error: unknown) => failureOf(error).failure.reason,
  );

describe('a repository with more than a model', () => {
  const piece = (number: number) =>
    tinyGguf({
      seed: 40 + number,
      size: 50_000 + number,
      // A later piece names no architecture (gguf-split).
      metadata: { 'split.count': 2, 'split.no': number, ...(number > 0 && { 'general.architecture': '' }) },
    });
  const split = ['m-Q4_K_M-00001-of-00002.gguf', 'm-Q4_K_M-00002-of-00002.gguf'];
  const adapter = tinyGguf({ metadata: { 'general.type': 'adapter' } });
  const files = {
    [split[0]!]: piece(0),
    [split[1]!]: piece(1),
    'tuned.gguf': adapter,
    'mmproj.gguf': tinyGguf({ architecture: 'clip' }),
    // A projector whose name does not tell.
    'vision.gguf': tinyGguf({ architecture: 'clip', seed: 2 }),
    'config.json': '{}',
  };
  const roles = ({ files }: Publication) => files.map(({ path, role }) => [path, role]);

  beforeEach(async () => {
    hub = await startHub({ repos: [{ id: 'acme/more', files }] });
    root = await mkdtemp(join(tmpdir(), 'volume-'));
  });

  it('gets a split model whole, and its facts are of all pieces', async () => {
    const options = optionsFor('acme/more', { quantization: 'q4_k_m' });
    const inspected = await inspect(options.source, patience, signal);
    expect(inspected).toMatchObject({ fileCount: 2, sizeBytes: 100_001 });
    expect(inspected.gguf).toMatchObject({
      architecture: 'llama',
      quantization: 'Q4_K_M',
      pieces: 2,
      projector: true,
    });
    expect(inspected.memory?.weightsBytes).toBeGreaterThan(95_000);
    expect(inspected.gguf.parameterCount).toBeGreaterThan(95_000);
    const expected = [
      [split[0], 'model'],
      [split[1], 'piece'],
    ];
    expect(roles(await pull(options))).toEqual(expected);
    // What is on the volume already is looked at again.
    expect(roles(await pull(options))).toEqual(expected);
  });

  it('has every file called what its header says', async () => {
    const names = ['tuned.gguf', 'config.json', 'vision.gguf', '*00002-of*'];
    const options = optionsFor('acme/more', { files: names });
    const { gguf } = await inspect(options.source, patience, signal);
    expect(gguf.parameterCount).toBeGreaterThan(95_000);
    const published = await pull(options);
    expect(Object.fromEntries(roles(published))).toEqual({
      [split[0]!]: 'model',
      [split[1]!]: 'piece',
      'tuned.gguf': 'adapter',
      'vision.gguf': 'projector',
      'config.json': undefined,
    });
    const index: unknown = JSON.parse(
      await readFile(join(root, `index/uid-1/${published.digest.replace(':', '-')}.json`), 'utf8'),
    );
    expect(index).toMatchObject({ files: published.files });
  });

  it('publishes an adapter alone', async () => {
    const options = optionsFor('acme/more', { files: ['tuned.gguf'] });
    await expect(inspect(options.source, patience, signal)).resolves.toMatchObject({
      gguf: { architecture: 'llama' },
    });
    expect(roles(await pull(options))).toEqual([['tuned.gguf', 'adapter']]);
  });

  it('refuses a projector for what its name says, or its header', async () => {
    for (const name of ['mmproj.gguf', 'vision.gguf']) {
      const { source } = optionsFor('acme/more', { files: [name] });
      expect(await failureReason(inspect(source, patience, signal))).toBe('UnsupportedModel');
    }
  });

  it('refuses more files than can be reported, before it downloads one', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.json`, '{}']));
    await hub.addRepo({ id: 'acme/many', files: { ...many, 'm.gguf': adapter } });
    const options = optionsFor('acme/many', { files: ['*'] });
    expect(await failureReason(inspect(options.source, patience, signal))).toBe('AmbiguousFiles');
    expect(await failureReason(pull(options))).toBe('AmbiguousFiles');
    expect(toCdn()).toEqual([]);
  });
});
