import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { VolumeSource } from '../api/source.ts';
import type { Inspection, Publication } from '../protocols/puller.ts';
import { inspectInPlace, verifyInPlace, type InPlace } from './in-place.ts';
import { trackProgress, type ProgressTracker } from './progress/progress.ts';
import { failureOf } from './report.ts';
import { orUnreadable } from './store/volume-folder.ts';

const weights = tinyGguf({ size: 20_000_000, blockCount: 5, seed: 81 });
const hex = createHash('sha256').update(weights).digest('hex');
const log = pino({ level: 'silent' });

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'volume-'));
});
afterEach(() => rm(root, { recursive: true }));

async function put(files: Record<string, Uint8Array | string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

const place = (fields: object = {}): InPlace => ({
  root,
  spec: VolumeSource.parse({ claimName: 'weights', ...fields }),
});
const inspect = (fields: object = {}): Promise<Inspection> => inspectInPlace(place(fields));
const verify = (
  fields: object = {},
  revision?: string,
  progress: ProgressTracker = trackProgress(() => performance.now()),
): Promise<Publication> =>
  verifyInPlace(place(fields), revision, { progress, log, signal: new AbortController().signal });

async function failure(asked: Promise<unknown>): Promise<string> {
  const error: unknown = await asked.then(
    () => 'no failure',
    (error: unknown) => error,
  );
  const { reason, message } = failureOf(error).failure;
  return `${reason}: ${message}`;
}

describe('files on a volume', () => {
  it('are inspected and verified where they are, and nothing is written', async () => {
    await put({ 'my/model.gguf': weights, 'my/README.md': 'text', 'other/x.gguf': tinyGguf() });
    const before = await readdir(root, { recursive: true });
    const { revision, ...inspection } = await inspect({ path: 'my' });
    expect(inspection).toMatchObject({
      sizeBytes: weights.byteLength,
      fileCount: 1,
      gguf: { architecture: 'llama', layers: 5 },
    });
    await expect(verify({ path: 'my' }, revision)).resolves.toEqual({
      revision,
      digest: `sha256:${hex}`,
      sizeBytes: weights.byteLength,
      path: 'my',
      fileCount: 1,
      files: [{ path: 'model.gguf', sizeBytes: weights.byteLength, sha256: hex, role: 'model' }],
    });
    expect(await readdir(root, { recursive: true })).toEqual(before);
  });

  it('are found at the root of the volume, beside what file systems put there', async () => {
    await put({ 'model.gguf': weights, 'lost+found/x.gguf': weights, '.hidden/x.gguf': weights });
    await expect(verify()).resolves.toMatchObject({ path: '.', files: [{ path: 'model.gguf' }] });
  });

  it('are chosen by name; a piece brings the others, and the model comes first', async () => {
    const piece = (number: number) =>
      tinyGguf({ seed: number, metadata: { 'split.count': 2, 'split.no': number } });
    await put({
      'a.gguf': tinyGguf({ metadata: { 'general.type': 'adapter' } }),
      'm-00001-of-00002.gguf': piece(0),
      'm-00002-of-00002.gguf': piece(1),
      'x.gguf': weights,
      'config.json': '{}',
    });
    const { files } = await verify({ files: ['*.json', 'a.gguf', '*-00002-of*'] });
    expect(files.map(({ path, role }) => [path, role])).toEqual([
      ['m-00001-of-00002.gguf', 'model'],
      ['config.json', undefined],
      ['a.gguf', 'adapter'],
      ['m-00002-of-00002.gguf', 'piece'],
    ]);
  });

  it('tell how far the verification is', async () => {
    await put({ 'model.gguf': weights });
    const progress = trackProgress(() => performance.now());
    const seen: number[] = [];
    await verify({}, undefined, {
      ...progress,
      wrote(bytes) {
        progress.wrote(bytes);
        const { phase, downloadedBytes } = progress.read();
        expect(phase).toBe('verifying');
        seen.push(downloadedBytes);
      },
    });
    expect(seen.length).toBeGreaterThan(2);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(weights.byteLength);
  });

  it('are another revision when they change, and are not published under the old one', async () => {
    await put({ 'model.gguf': weights });
    const { revision } = await inspect();
    expect((await inspect()).revision).toBe(revision);
    await utimes(join(root, 'model.gguf'), 1, 1);
    expect((await inspect()).revision).not.toBe(revision);
    expect(await failure(verify({}, revision))).toContain('RevisionNotFound: The files of volume:weights/');
  });

  it('are not published when they change while they are read', async () => {
    await put({ 'model.gguf': weights });
    const progress = trackProgress(() => performance.now());
    const touched: Promise<void>[] = [];
    const wrote = (): void => void touched.push(utimes(join(root, 'model.gguf'), 1, 1));
    expect(await failure(verify({}, undefined, { ...progress, wrote }))).toContain('RevisionNotFound');
    await Promise.all(touched);
  });

  it('have to have the digest that the spec states', async () => {
    await put({ 'model.gguf': weights });
    await expect(verify({ digest: `sha256:${hex}` })).resolves.toBeDefined();
    expect(await failure(verify({ digest: `sha256:${'0'.repeat(64)}` }))).toContain('ChecksumMismatch');
  });

  it('may be links, as in a cache of huggingface_hub, as long as these stay on the volume', async () => {
    const snapshot = `hub/models--a--b/snapshots/${'a'.repeat(40)}`;
    await put({ 'blobs/x': weights, [`${snapshot}/config.json`]: '{}' });
    await symlink('../../../../blobs/x', join(root, snapshot, 'm.gguf'));
    await expect(verify({ path: snapshot })).resolves.toMatchObject({ digest: `sha256:${hex}` });
    await symlink('/etc/hostname', join(root, snapshot, 'out.gguf'));
    expect(await failure(inspect({ path: snapshot }))).toMatch(/^FileNotFound: out\.gguf in .* leads out/);
    await symlink('../..', join(root, 'hub/up'));
    expect(await failure(inspect({ path: 'hub/up' }))).toMatch(/^FileNotFound: .*hub\/up .* leads out/);
  });
});

describe('a volume that', () => {
  it.each([
    [
      'lacks the folder',
      { path: 'none' },
      'FileNotFound: There is no spec.source.volume.path none on the claim weights',
    ],
    [
      'has a file in its place',
      { path: 'empty/file' },
      'FileNotFound: spec.source.volume.path empty/file on the claim weights is a file',
    ],
    [
      'has no GGUF file there',
      { path: 'empty' },
      'NoModelFile: There is no GGUF file in spec.source.volume.path empty',
    ],
    ['has a dangling link', { path: 'dangling' }, 'FileNotFound: There is no m.gguf'],
    ['has what is no GGUF file', { path: 'bad' }, 'NotGGUF'],
    ['has a file that is cut', { path: 'cut' }, 'TruncatedGGUF'],
    [
      'has two models',
      { path: 'two' },
      'AmbiguousFiles: volume:weights/two has 2 GGUF models: a.gguf, b.gguf',
    ],
    [
      'lacks a piece',
      { path: 'split' },
      'FileNotFound: spec.source.volume.path split on the claim weights lacks pieces',
    ],
    ['lacks a named file', { path: 'two', files: ['c.gguf'] }, 'FileNotFound: There is no c.gguf'],
    ['has no model among the named files', { path: 'empty', files: ['file'] }, 'NoModelFile'],
  ])('%s is told so', async (_what, fields, said) => {
    await put({
      'empty/file': 'text',
      'dangling/file': 'text',
      'bad/m.gguf': 'not at all',
      'cut/m.gguf': weights.subarray(0, weights.byteLength - 1),
      'two/a.gguf': tinyGguf(),
      'two/b.gguf': tinyGguf(),
      'split/m-00001-of-00002.gguf': tinyGguf(),
    });
    await symlink('gone', join(root, 'dangling/m.gguf'));
    expect(await failure(inspect(fields))).toContain(said);
  });

  it('may not be read is told so', async () => {
    const refused = Object.assign(new Error("EACCES: permission denied, open '/models/m.gguf'"), {
      code: 'EACCES',
    });
    expect(await failure(orUnreadable(Promise.reject(refused)))).toMatch(/^VolumeNotReadable: .*m\.gguf/);
  });
});
