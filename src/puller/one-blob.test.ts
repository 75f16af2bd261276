import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { ollamaAt } from '../sources/testing/ollama.ts';
import { pull } from './pull.ts';
import { pullOptions } from './testing/pull-options.ts';

const content = tinyGguf({ size: 3_000_000, seed: 9 });
const repo = 'acme/m-GGUF';
const patience = { tries: 1, sleep: async () => {}, random: () => 0 };
const { signal } = new AbortController();

let hub: Hub;
let root: string;
beforeEach(async () => {
  hub = await startHub({ repos: [{ id: repo, files: { 'm-Q4_K_M.gguf': content } }] });
  root = await mkdtemp(join(tmpdir(), 'volume-'));
});
afterEach(async () => {
  await hub.close();
  await rm(root, { recursive: true });
});

it('a file that is named through a hub and through its registry is fetched and stored once', async () => {
  const toHub = pullOptions(root, { repo, endpoint: hub.url }, { patience, signal });
  const toRegistry = { ...toHub, source: ollamaAt(repo, { endpoint: hub.url }), modelUid: 'uid-2' };
  const first = await pull(toHub);
  const weights = () => hub.requests.filter(({ origin }) => origin === 'cdn');
  const asked = weights().length;
  const second = await pull(toRegistry);
  expect(weights()).toHaveLength(asked);

  const { sha256 } = first.files[0]!;
  expect(second.files[0]).toMatchObject({ path: 'model.gguf', role: 'model', sha256 });
  const links = [join(first.path, 'm-Q4_K_M.gguf'), join(second.path, 'model.gguf')];
  for (const link of links) {
    expect(await readlink(join(root, link))).toMatch(new RegExp(`/blobs/sha256-${sha256}$`));
  }
  expect((await readdir(join(root, 'blobs'))).filter((name) => name.endsWith(sha256))).toHaveLength(1);
  expect(await readdir(join(root, 'index'))).toEqual(['uid-1', 'uid-2']);
});
