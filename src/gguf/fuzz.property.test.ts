import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { NotGgufError, TruncatedGgufError } from './errors.ts';
import { readGgufHeader } from './header.ts';

vi.setConfig({ testTimeout: 30_000 });

const good = tinyGguf({ metadata: { 'general.license': 'mit', 'tokenizer.chat_template': 'x'.repeat(400) } });
/** Where the header of `good` ends, roughly: beyond it lie weights. */
const headerBytes = 1_400;

/** @param sizeBytes What is claimed, for a file that is larger than what is there. */
async function read(content: Uint8Array, sizeBytes = content.byteLength): Promise<string> {
  let bytesRead = 0;
  const read = async (start: number, end: number): Promise<Uint8Array<ArrayBuffer>> => {
    const part = new Uint8Array(Math.min(end, sizeBytes) - start);
    part.set(content.subarray(start, Math.min(end, content.byteLength)));
    bytesRead += part.byteLength;
    // Neither the end of the file nor patience is left behind.
    expect(end).toBeLessThanOrEqual(sizeBytes);
    expect(bytesRead).toBeLessThan(600 << 20);
    return part;
  };
  try {
    await readGgufHeader({ path: 'm.gguf', sizeBytes, read });
    return 'read';
  } catch (error) {
    if (error instanceof NotGgufError || error instanceof TruncatedGgufError) return error.name;
    throw error;
  }
}

const numRuns = Number(process.env['LONGSHORE_FUZZ_RUNS'] ?? 1_000);

describe('a GGUF header that somebody has tampered with is read or refused, never more', () => {
  it('with any bytes changed', async () => {
    const change = fc.tuple(fc.nat(headerBytes), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const content = Buffer.from(good);
        for (const [at, value] of changes) content[at] = value;
        expect(['read', 'NotGgufError', 'TruncatedGgufError']).toContain(await read(content));
      }),
      { numRuns },
    );
  });

  it('with any eight bytes made a huge number', async () => {
    const huge = fc.constantFrom(2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, 2n ** 32n, 2n ** 31n, 100_000_000n);
    await fc.assert(
      fc.asyncProperty(fc.nat(headerBytes), huge, async (at, value) => {
        const content = Buffer.from(good);
        content.writeBigUInt64LE(value, at);
        expect(['read', 'NotGgufError', 'TruncatedGgufError']).toContain(await read(content));
      }),
      { numRuns },
    );
  });

  it('with any end', async () => {
    for (let length = 0; length < headerBytes; length += 7) {
      expect(await read(good.subarray(0, length))).not.toBe('read');
    }
  });

  it('with any content after the magic number', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const content = Buffer.concat([Buffer.from('GGUF\x03\0\0\0', 'latin1'), bytes]);
        expect(['read', 'NotGgufError', 'TruncatedGgufError']).toContain(await read(content));
      }),
      { numRuns },
    );
  });
});

describe('a header of a huge file', () => {
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const u64 = (value: number | bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return bytes;
  };
  const text = (value: string): Buffer => Buffer.concat([u64(value.length), Buffer.from(value)]);
  const headOf = (tensors: number | bigint, keys: number | bigint, ...rest: Buffer[]): Buffer =>
    Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors), u64(keys), ...rest]);
  const list = (type: number, length: number | bigint, ...rest: Buffer[]): Buffer =>
    Buffer.concat([text('k'), u32(9), u32(type), u64(length), ...rest]);
  /** As if the rest of a model of 40 GB followed. */
  const huge = 40e9;

  it.each([
    ['more tensors than there are', headOf(2n ** 40n, 0)],
    ['more keys than there are', headOf(0, 2n ** 63n)],
    ['a list longer than the file', headOf(0, 1, list(10, 2n ** 52n))],
    ['a list that fills the file', headOf(0, 1, list(0, huge))],
    ['a list of strings without end', headOf(0, 1, list(8, 2n ** 52n))],
    [
      'lists in lists',
      headOf(0, 1, list(9, 2, ...Array.from({ length: 50 }, () => Buffer.concat([u32(9), u64(2)])))),
    ],
    ['a key longer than any', headOf(0, 1, u64(1e9))],
    ['a string longer than the file', headOf(0, 1, text('k'), u32(8), u64(2n ** 50n))],
    ['a tensor of more dimensions than any', headOf(1, 0, text('t'), u32(4_000_000_000))],
    [
      'a tensor of more weights than can be counted',
      headOf(1, 0, text('t'), u32(2), u64(2 ** 40), u64(2 ** 40), u32(0), u64(0)),
    ],
    ['a value of no type', headOf(0, 1, text('k'), u32(77))],
  ])('that states %s is refused at once', async (_what, head) => {
    const began = performance.now();
    expect(await read(head, huge)).toBe('NotGgufError');
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('does not reach the prototype of anything', async () => {
    const hostile = headOf(0, 1, text('__proto__'), u32(8), text('polluted'));
    expect(await read(hostile, huge)).toBe('NotGgufError');
    expect({}).not.toHaveProperty('polluted');
  });
});
