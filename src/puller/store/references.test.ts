import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announce, forget, readReferences, writeIndex, type Announcement } from './references.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'volume-'));
});
afterEach(() => rm(root, { recursive: true }));

const record = (modelUid: string, digest: string, ...sha256s: string[]) => ({
  version: 1 as const,
  modelUid,
  source: 'hf:acme/m@main',
  revision: 'r',
  digest,
  sizeBytes: 1,
  path: 'hub/m',
  fileCount: sha256s.length,
  files: sha256s.map((sha256) => ({ path: sha256, sizeBytes: 1, sha256 })),
});

async function used(): Promise<string[]> {
  return [...(await readReferences(root)).used].sort();
}

describe('what is in use', () => {
  let announcement: Announcement;

  it('is what Models have published, in every revision, and what pulls have announced', async () => {
    await writeIndex(root, record('one', 'sha256:1', 'a', 'b'));
    await writeIndex(root, record('one', 'sha256:2', 'b', 'c'));
    const announcement = await announce(root, 'two', ['d']);
    await announcement.add('e');
    expect(await used()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([...(await readReferences(root)).announced]).toEqual(['d', 'e']);
    await announcement.withdraw();
    await forget(root, 'one', ['sha256:2']);
    expect(await used()).toEqual(['b', 'c']);
    await forget(root, 'one', []);
    expect(await used()).toEqual([]);
    expect(await readdir(join(root, 'index'))).toEqual([]);
  });

  it('stays announced by the next pod of a Model when the one before it ends late', async () => {
    const earlier = await announce(root, 'one', ['a']);
    const later = await announce(root, 'one', ['a']);
    await earlier.withdraw();
    expect(await used()).toEqual(['a']);
    await later.withdraw();
    expect(await used()).toEqual([]);
  });

  it.each([
    ['a pull was announced', () => announce(root, 'one', ['a'])],
    ['a digest was added', () => announcement.add('a')],
    ['it was published', () => writeIndex(root, record('one', 'sha256:1', 'a'))],
  ])('cannot be removed any more by a collection that looked before %s', async (_what, say) => {
    announcement = await announce(root, 'two', []);
    await mkdir(join(root, '.collecting/x/1'), { recursive: true });
    await say();
    expect(await readdir(join(root, '.collecting'))).toEqual([]);
  });
});
