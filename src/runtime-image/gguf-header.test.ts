import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureGgufHeader } from './gguf-header.ts';

function header({ magic = 'GGUF', version = 3, tensors = 0, entries = 0, size = 24 }): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.write(magic, 'latin1');
  bytes.writeUInt32LE(version, 4);
  bytes.writeBigUInt64LE(BigInt(tensors), 8);
  bytes.writeBigUInt64LE(BigInt(entries), 16);
  return bytes;
}

describe('ensureGgufHeader', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function check(bytes: Buffer): Promise<void> {
    const path = join(folder, 'model.gguf');
    await writeFile(path, bytes);
    await ensureGgufHeader(path);
  }

  it('accepts a header that its file can hold', async () => {
    await expect(check(header({ tensors: 2, entries: 3, size: 200 }))).resolves.toBeUndefined();
  });

  it.each([
    ['another magic', header({ magic: 'PK\u0003\u0004' }), 'not a GGUF file'],
    ['too few bytes', Buffer.from('GGUF'), 'not a GGUF file'],
    ['an unknown version', header({ version: 7 }), 'GGUF version 7'],
    ['counts of garbage', header({ tensors: 2 ** 40 }), 'more than its 24 bytes'],
  ])('refuses %s', async (_what, bytes, message) => {
    await expect(check(bytes)).rejects.toThrow(message);
  });

  it('lets the file system say that there is no file', async () => {
    await expect(ensureGgufHeader(join(folder, 'none'))).rejects.toThrow('ENOENT');
  });
});
