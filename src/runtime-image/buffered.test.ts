import { describe, expect, it } from 'vitest';
import { buffered } from './buffered.ts';

const tooSlow = () => new Error('too slow');

async function* numbers(count: number, log: string[] = []) {
  try {
    for (let i = 0; i < count; i++) yield i;
  } finally {
    log.push('ended');
  }
}

async function all(items: AsyncIterable<number>): Promise<number[]> {
  const found: number[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('buffered', () => {
  it('hands out everything in order', async () => {
    expect(await all(buffered(numbers(1000), 1000, tooSlow))).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    );
  });

  it('lets the source go on and end while nobody reads', async () => {
    const log: string[] = [];
    const items = buffered(numbers(5, log), 10, tooSlow);
    expect((await items.next()).value).toBe(0);
    await expect.poll(() => log).toEqual(['ended']);
    expect(await all(items)).toEqual([1, 2, 3, 4]);
  });

  it('gives up a reader who is too far behind, and ends the source', async () => {
    const log: string[] = [];
    const items = buffered(numbers(Infinity, log), 3, tooSlow);
    await items.next();
    await expect.poll(() => log).toEqual(['ended']);
    await expect(all(items)).rejects.toThrow('too slow');
  });

  it('passes on what the source fails with, behind what it gave', async () => {
    const items = buffered(
      (async function* () {
        yield 1;
        throw new Error('broken');
      })(),
      3,
      tooSlow,
    );
    expect((await items.next()).value).toBe(1);
    await expect(items.next()).rejects.toThrow('broken');
  });

  it('ends the source when the reader ends early', async () => {
    let given = 0;
    const source = (async function* () {
      for (; given < 100_000; given++) yield given;
    })();
    for await (const item of buffered(source, Infinity, tooSlow)) {
      if (item === 0) break;
    }
    expect(given).toBeLessThan(1000);
  });
});
