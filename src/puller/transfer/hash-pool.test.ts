import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gitBlobId } from '../../../test/hub/repo.ts';
import { openHashPool, type HashPool } from './hash-pool.ts';

const content = randomBytes(10_000_000);
const sha256 = createHash('sha256').update(content).digest('hex');
const expected = { sizeBytes: content.byteLength, digest: { algorithm: 'sha256', hex: sha256 } } as const;
let folder: string;
let pool: HashPool;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hash-'));
  pool = openHashPool(2);
});
afterEach(async () => {
  await pool[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

describe('a file that grows', () => {
  it('is hashed as far as it can be read, and no further', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    const hash = pool.follow(path, expected);
    for (let at = 0; at < content.byteLength; at += 3_000_000) {
      await appendFile(path, content.subarray(at, at + 3_000_000));
      hash.reach(Math.min(at + 3_000_000, content.byteLength));
    }
    expect(await hash.result).toEqual({ sha256, stated: sha256 });
  });

  it.each([0, 1, 2_000_000])("of %d bytes has git's id too where that is stated", async (size) => {
    const path = join(folder, 'file');
    const part = content.subarray(0, size);
    await writeFile(path, part);
    const id = gitBlobId(part);
    const hash = pool.follow(path, { sizeBytes: size, digest: { algorithm: 'git-sha1', hex: id } });
    hash.reach(size);
    expect(await hash.result).toEqual({
      sha256: createHash('sha256').update(part).digest('hex'),
      stated: id,
    });
  });

  it('is hashed beside others', async () => {
    const files = Array.from({ length: 5 }, (_, i) => join(folder, String(i)));
    const hashes = await Promise.all(
      files.map(async (path, i) => {
        const mine = Buffer.from(content).fill(i, 0, 100);
        await writeFile(path, mine);
        const hash = pool.follow(path, expected);
        hash.reach(content.byteLength);
        const of = createHash('sha256').update(mine).digest('hex');
        return [of, (await hash.result).sha256] as const;
      }),
    );
    for (const [of, found] of hashes) expect(found).toBe(of);
  });

  it('that is shorter than was said, or not there, is an error and no hash', async () => {
    const path = join(folder, 'file');
    await writeFile(path, content.subarray(0, 1000));
    const hash = pool.follow(path, expected);
    hash.reach(2000);
    await expect(hash.result).rejects.toThrow('ends after 1000 of 2000 bytes');
    await expect(pool.follow(join(folder, 'none'), expected).result).rejects.toThrow('ENOENT');
  });

  it('can be forgotten', async () => {
    const path = join(folder, 'file');
    await writeFile(path, content);
    const forgotten = pool.follow(path, expected);
    forgotten.stop();
    forgotten.reach(content.byteLength);
    const other = pool.follow(path, expected);
    other.reach(content.byteLength);
    const first = await Promise.race([
      forgotten.result.then(() => 'forgotten'),
      other.result.then(() => 'other'),
    ]);
    expect(first).toBe('other');
  });
});
