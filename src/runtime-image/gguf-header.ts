import { open } from 'node:fs/promises';

/**
 * Reads the fixed head of a GGUF file: magic, version and two counts, 24 bytes, little-endian.
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * Looked at before the loader, whose own reader does not see the end of a file: on counts made of garbage it goes on
 * for ever instead of failing.
 *
 * @throws Error that says what is wrong; the file system's own error where the file cannot be read
 */
export async function ensureGgufHeader(path: string): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(24), 0, 24, 0);
    if (bytesRead < 24 || buffer.toString('latin1', 0, 4) !== 'GGUF') {
      throw new Error('it is not a GGUF file');
    }
    const version = buffer.readUInt32LE(4);
    if (version < 2 || version > 3)
      throw new Error(`its GGUF version ${version} is not one that can be read`);
    // A tensor's description takes 24 bytes at least, a metadata entry 12.
    const least = buffer.readBigUInt64LE(8) * 24n + buffer.readBigUInt64LE(16) * 12n;
    if (least > size) throw new Error(`its header describes more than its ${size} bytes can hold`);
  } finally {
    await file.close();
  }
}
