import { mkdirSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newOwner, takeOver, type TenureOptions } from './tenure.ts';

const times = { beatMs: 1_000_000, lookMs: 1_000, staleMs: 10_000 };

let root: string;
let partial: string;
/** Milliseconds, of the one who waits. */
let clock: number;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tenure-'));
  partial = join(root, '.partial', 'abc');
  clock = 0;
});
afterEach(() => rm(root, { recursive: true }));

/** @param meanwhile What happens while one waits, look by look. */
function options(meanwhile: (look: number) => Promise<unknown> = async () => {}): TenureOptions {
  let looks = 0;
  return {
    times,
    now: () => clock,
    async sleep(ms) {
      clock += ms;
      await meanwhile(++looks);
    },
    isHere: async () => false,
    waiting: () => {},
  };
}

const noWait = options(async () => {
  throw new Error('has to wait');
});
const one = newOwner('uid-1');
const another = newOwner('uid-2');
const taken = async (owner = one, more: TenureOptions = noWait) => (await takeOver(partial, owner, more))!;
const beatAs = (text: string) => writeFile(join(partial, one.name, 'beat'), text);

/** What a pod leaves that was killed. */
async function leave(holder: string, content: string): Promise<void> {
  await mkdir(join(partial, holder), { recursive: true });
  await writeFile(join(partial, holder, 'data'), content);
}

describe('a download', () => {
  it('that nobody has is had at once, and nothing stays of it when there is nothing', async () => {
    const tenure = await taken();
    expect(await readdir(partial)).toEqual([one.name]);
    await tenure.remove();
    await tenure[Symbol.asyncDispose]();
    expect(await readdir(join(root, '.partial'))).toEqual([]);
  });

  it('that its owner has left is gone on with by a pull of any Model', async () => {
    await using first = await taken();
    await writeFile(join(first.folder, 'data'), 'half');
    await first[Symbol.asyncDispose]();
    expect(await readdir(join(partial, 'idle'))).toEqual(['data']);
    await using next = await taken(another);
    expect(await readFile(join(next.folder, 'data'), 'utf8')).toBe('half');
    expect(next.inherited).toBeUndefined();
  });

  it('of a pod that was killed is gone on with at once by the next pod of the same Model', async () => {
    await leave(newOwner('uid-1').name, 'half');
    await using next = await taken();
    expect(await readFile(join(next.folder, 'data'), 'utf8')).toBe('half');
    expect(next.inherited).toBeUndefined();
  });

  it('of a Model whose uid begins like this one is not taken for its own', async () => {
    await leave(newOwner('uid-11').name, 'half');
    await expect(taken()).rejects.toThrow('has to wait');
  });

  it('is waited for as long as its owner says that it is there, and had when that one ends', async () => {
    await using first = await taken();
    const meanwhile = async (look: number): Promise<void> => {
      if (look < 50) await beatAs(String(look));
      else await first[Symbol.asyncDispose]();
    };
    await using second = await taken(another, options(meanwhile));
    expect(clock).toBe(50_000);
    expect(second.inherited).toBeUndefined();
  });

  it('of an owner that stands still changes hands, and that one finds out', async () => {
    await using first = await taken();
    await writeFile(join(first.folder, 'data'), 'half');
    await using second = await taken(another, options());
    expect(clock).toBe(times.staleMs);
    expect(await readdir(partial)).toEqual([another.name]);
    // To be copied, not to be gone on with: who stood still may still write there.
    expect(await readdir(second.folder)).toEqual(['beat']);
    expect(await readFile(join(second.inherited!, 'data'), 'utf8')).toBe('half');
    expect(await first.isLost()).toBe(true);
    expect(await second.isLost()).toBe(false);
    await first[Symbol.asyncDispose]();
    expect(await readdir(partial)).toEqual([another.name]);
    await second[Symbol.asyncDispose]();
    expect(await readdir(join(root, '.partial'))).toEqual([]);
  });

  it('is not taken from an owner that stood still together with who waits, or after a leap of a clock', async () => {
    await using first = await taken();
    const meanwhile = async (look: number): Promise<void> => {
      if (look === 3) clock += 1e9;
      if (look === 4) await beatAs('awake');
      if (look === 5) await first[Symbol.asyncDispose]();
    };
    await using second = await taken(another, options(meanwhile));
    expect(second.inherited).toBeUndefined();
  });

  it('is waited for no longer when what it brings is there', async () => {
    await using _first = await taken();
    await expect(
      takeOver(partial, another, { ...options(), isHere: async () => true }),
    ).resolves.toBeUndefined();
    expect(await readdir(partial)).toEqual([one.name]);
  });

  it('leaves nothing aside when a third is faster, and who waits for that one is stopped', async () => {
    await using _first = await taken();
    const more = options(async (look) => {
      if (look > 10) throw new Error('stopped');
    });
    const now = (): number => {
      if (clock === times.staleMs) mkdirSync(join(partial, newOwner('uid-3').name));
      return clock;
    };
    await expect(taken(another, { ...more, now })).rejects.toThrow('stopped');
    expect(clock).toBeGreaterThan(times.staleMs);
    expect(await readdir(join(root, '.partial'))).toEqual(['abc']);
  });
});

it('of many that want a download one has it at a time, and all have had it in the end', async () => {
  let having = 0;
  let most = 0;
  const turn = async (owner: typeof one): Promise<void> => {
    // Beats do not change here, so nobody may be so patient that another seems to stand still.
    await using _tenure = await taken(owner, {
      ...options(() => new Promise((resolve) => setImmediate(resolve))),
      now: () => 0,
    });
    most = Math.max(most, ++having);
    await new Promise((resolve) => setImmediate(resolve));
    having -= 1;
  };
  const owners = Array.from({ length: 12 }, (_, i) => newOwner(`uid-${i}`));
  await Promise.all(owners.map(turn));
  expect({ most, having }).toEqual({ most: 1, having: 0 });
});
