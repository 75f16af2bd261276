import { createHash } from 'node:crypto';
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CollectRequest, type Collection } from '../../protocols/puller.ts';
import { collect } from './collect.ts';
import { announce, writeIndex } from './references.ts';
import { unpackedPath } from './unpacked.ts';
import { openVolume, type Volume } from './volume.ts';

const log = pino({ level: 'silent' });
const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');
const weeksAgo = new Date(Date.now() - 15 * 24 * 3_600_000);
const commits = ['a'.repeat(40), 'b'.repeat(40)] as const;

let root: string;
let volume: Volume;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'volume-'));
  volume = openVolume(root);
});
afterEach(() => rm(root, { recursive: true }));

const collectNow = (request: object = {}): Promise<Collection> =>
  collect(root, CollectRequest.parse({ graceSeconds: 0, ...request }), log);
const has = (path: string): Promise<boolean> =>
  stat(join(root, path)).then(
    () => true,
    () => false,
  );
const hasBlob = (content: string): Promise<boolean> => has(`blobs/sha256-${sha256(content)}`);

async function put(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

/** Brings files onto the volume as a pull does, content by name. @returns their digest. */
async function publish(
  modelUid: string,
  files: Record<string, string>,
  { folder = `hub/models--acme--m/snapshots/${commits[0]}` } = {},
): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await put(`blobs/sha256-${sha256(content)}`, content);
    await volume.linkBlob(sha256(content), folder, path);
  }
  const published = Object.entries(files).map(([path, content]) => ({
    path,
    sizeBytes: content.length,
    sha256: sha256(content),
  }));
  const digest = `sha256:${sha256(JSON.stringify(published))}`;
  const { length: fileCount } = published;
  const record = { version: 1 as const, modelUid, source: 'hf:acme/m@main', revision: commits[0], digest };
  await writeIndex(root, { ...record, sizeBytes: 1, path: folder, fileCount, files: published });
  return digest;
}

describe('a collection', () => {
  it('of a volume that was never used does nothing', async () => {
    await expect(collectNow()).resolves.toEqual({ freedBytes: 0, removedBlobs: 0, keptBlobs: 0 });
  });

  it('forgets what archives were unpacked to when none of it is left, and not while a file is', async () => {
    const unpacked = (archive: string, ...contents: string[]) =>
      volume.writeRecord({
        path: unpackedPath(sha256(archive)),
        content: JSON.stringify({
          version: 1,
          files: contents.map((each) => ({ path: each, sizeBytes: each.length, sha256: sha256(each) })),
        }),
      });
    await publish('one', { 'm.gguf': 'weights' });
    await publish('two', { 'n.gguf': 'other weights' });
    // A file that was not wanted never was a blob.
    await unpacked('kept', 'weights', 'not wanted');
    await unpacked('gone', 'other weights', 'not wanted');
    await put(unpackedPath(sha256('broken')), '{');
    await collectNow({ forget: { modelUid: 'two' } });
    expect(await readdir(join(root, 'unpacked'))).toEqual([`sha256-${sha256('kept')}.json`]);
    await collectNow({ forget: { modelUid: 'one' } });
    expect(await has('unpacked')).toBe(false);
  });

  it('keeps what Models use', async () => {
    await publish('one', { 'm.gguf': 'weights', 'config.json': '{}' });
    await volume.writeRecord({ path: 'hub/models--acme--m/refs/main', content: commits[0] });
    const before = await readdir(root, { recursive: true });
    await expect(collectNow()).resolves.toEqual({ freedBytes: 0, removedBlobs: 0, keptBlobs: 2 });
    expect((await readdir(root, { recursive: true })).sort()).toEqual([...before, '.collecting'].sort());
  });

  it('removes what only a forgotten Model used, and every trace of it', async () => {
    await publish('one', { 'm.gguf': 'shared', 'a/config.json': 'of the first' });
    await publish('two', { 'm.gguf': 'shared' }, { folder: `hub/models--acme--m/snapshots/${commits[1]}` });
    await volume.writeRecord({ path: 'hub/models--acme--m/refs/pr/1', content: commits[0] });
    await volume.writeRecord({ path: 'hub/models--acme--m/refs/main', content: commits[1] });
    await expect(collectNow({ forget: { modelUid: 'one' } })).resolves.toEqual({
      freedBytes: 'of the first'.length,
      removedBlobs: 1,
      keptBlobs: 1,
    });
    expect(await has(`hub/models--acme--m/snapshots/${commits[0]}/a`)).toBe(false);
    expect(await readdir(join(root, 'index'))).toEqual(['two']);

    await expect(collectNow({ forget: { modelUid: 'two' } })).resolves.toMatchObject({ keptBlobs: 0 });
    expect((await readdir(root)).sort()).toEqual(['.collecting', 'blobs', 'index']);
    for (const folder of await readdir(root)) expect(await readdir(join(root, folder))).toEqual([]);
  });

  it('keeps the contents of a Model that servers still use, and the links that another revision shares', async () => {
    const old = await publish('one', { 'm.gguf': 'old', 'config.json': '{}' });
    const folder = `hub/models--acme--m/snapshots/${commits[1]}`;
    const current = await publish('one', { 'm.gguf': 'new', 'config.json': '{}' }, { folder });
    await publish('one', { 'm.gguf': 'oldest' }, { folder: 'hub/models--acme--m/snapshots/c' });
    await collectNow({ forget: { modelUid: 'one', except: [old, current] } });
    expect(await Promise.all(['old', 'new', '{}', 'oldest'].map(hasBlob))).toEqual([true, true, true, false]);
    await collectNow({ forget: { modelUid: 'one', except: [current] } });
    expect(await Promise.all(['old', 'new', '{}'].map(hasBlob))).toEqual([false, true, true]);
    expect(await readFile(join(root, folder, 'm.gguf'), 'utf8')).toBe('new');
  });

  it('keeps what no record names for as long as the grace', async () => {
    await put(`blobs/sha256-${sha256('fresh')}`, 'fresh');
    await expect(collectNow({ graceSeconds: 3600 })).resolves.toMatchObject({ keptBlobs: 1 });
    await expect(collectNow()).resolves.toMatchObject({ removedBlobs: 1, keptBlobs: 0 });
  });

  it('removes manifests of Ollama that name what is gone', async () => {
    const manifest = (...contents: string[]): string => {
      const [config, ...layers] = contents.map((content) => ({ digest: `sha256:${sha256(content)}` }));
      return JSON.stringify({ config, layers });
    };
    const folder = 'ollama/registry/library/m';
    await publish('one', { model: 'weights', 'config.json': 'c1' }, { folder: `${folder}/1` });
    await publish('two', { model: 'weights', 'config.json': 'c2' }, { folder: `${folder}/2` });
    await put('manifests/registry/library/m/latest', manifest('c1', 'weights'));
    await put('manifests/registry/library/m/8b', manifest('c2', 'weights'));
    await put('manifests/registry/library/m/README', 'no manifest');
    await collectNow({ forget: { modelUid: 'one' } });
    expect((await readdir(join(root, 'manifests/registry/library/m'))).sort()).toEqual(['8b', 'README']);
    // The weights are still there, and so may be the link to them.
    expect(await readdir(join(root, folder, '1'))).toEqual(['model']);
  });

  it('removes links that are files, on a volume without symbolic links', async () => {
    await put(`blobs/sha256-${sha256('weights')}`, 'weights');
    await put('hub/other', 'weights');
    await link(join(root, `blobs/sha256-${sha256('weights')}`), join(root, 'hub/m.gguf'));
    await collectNow();
    expect(await readdir(join(root, 'hub'))).toEqual(['other']);
  });

  it('leaves alone what is not of ours', async () => {
    await put('notes/readme.txt', 'mine');
    await put('blobs/sha256-short', 'mine');
    await mkdir(join(root, 'lost+found'));
    await mkdir(join(root, 'empty'));
    const before = await readdir(root, { recursive: true });
    await collectNow();
    expect((await readdir(root, { recursive: true })).sort()).toEqual([...before, '.collecting'].sort());
  });

  it('removes nothing while there is a record that it cannot read', async () => {
    await put(`blobs/sha256-${sha256('weights')}`, 'weights');
    await put('index/one/sha256-1.json', '{"version":2}');
    await expect(collectNow()).rejects.toThrow(
      'index/one/sha256-1.json says what is in use, and cannot be read',
    );
    expect(await hasBlob('weights')).toBe(true);
  });

  it('removes what processes left that were killed while they wrote or collected', async () => {
    const name = '0b8f6ac5-9f2f-4a55-8a0f-1a2b3c4d5e6f';
    const left = [`index/one/.${name}`, `hub/.${name}`, `.partial/.${name}/x/data`, `.collecting/${name}/1`];
    for (const path of left) await put(path, 'left');
    await collectNow();
    expect(await Promise.all(left.map(has))).toEqual([true, true, true, true]);
    for (const path of left) await utimes(join(root, path), weeksAgo, weeksAgo);
    await utimes(join(root, `.collecting/${name}`), weeksAgo, weeksAgo);
    for (const path of [`.partial/.${name}`, `.partial/.${name}/x`])
      await utimes(join(root, path), weeksAgo, weeksAgo);
    await collectNow();
    expect(await Promise.all(left.map(has))).toEqual([false, false, false, false]);
  });
});

describe('an unfinished download', () => {
  const hex = sha256('unfinished');
  const data = `.partial/${hex}/idle/data`;

  it('goes after the grace when no pull needs it', async () => {
    await put(data, 'half');
    await collectNow({ graceSeconds: 3600 });
    expect(await has(data)).toBe(true);
    const { freedBytes } = await collectNow();
    expect(freedBytes).toBeGreaterThan(0);
    expect(await readdir(join(root, '.partial'))).toEqual([]);
  });

  it('stays for a pull that is announced, until nobody has gone on with it for a week', async () => {
    await announce(root, 'one', [hex]);
    await put(data, 'half');
    const days = (count: number) => new Date(Date.now() - count * 24 * 3_600_000);
    await utimes(join(root, data), days(6.9), days(6.9));
    await collectNow();
    expect(await has(data)).toBe(true);
    await utimes(join(root, data), days(7.1), days(7.1));
    await collectNow();
    expect(await has(data)).toBe(false);
  });

  it('goes with the Model that announced it', async () => {
    await announce(root, 'one', [hex]);
    await put(data, 'half');
    await collectNow({ forget: { modelUid: 'one' } });
    expect(await has(data)).toBe(false);
  });
});

it('a link is not taken for another one that leads out of the volume', async () => {
  await mkdir(join(root, 'hub'));
  const target = `../../blobs/sha256-${sha256('elsewhere')}`;
  await symlink(target, join(root, 'hub/m.gguf'));
  await collectNow();
  expect(await readlink(join(root, 'hub/m.gguf'))).toBe(target);
});
