import { mkdtemp, open, readFile, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { leftBehind, Ledger, type SyncInterval } from './ledger.ts';

const file = { sizeBytes: 100 };
const seldom = { bytes: 1_000, ms: 1e9, mostAtRisk: 2_000 };
const often = { bytes: 10, ms: 1e9, mostAtRisk: 30 };
let folder: string;
let opened: Ledger[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  opened = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.map((ledger) => ledger.close()));
  await rm(folder, { recursive: true });
});

async function openLedger(interval: SyncInterval = seldom, now = (): number => 0): Promise<Ledger> {
  const ledger = await Ledger.open(folder, file, interval, now);
  opened.push(ledger);
  return ledger;
}

const bytes = (length: number, value = 1): Uint8Array[] => [new Uint8Array(length).fill(value)];
const data = (): Promise<Buffer> => readFile(join(folder, 'data'));
const journal = (): Promise<string> => readFile(join(folder, 'journal.json'), 'utf8').catch(() => 'none');

/** Holds back what brings data to the disk, until it is told not to. */
async function slowDisk(): Promise<{ let: () => void; syncs: () => number }> {
  const probe = await open(join(folder, 'probe'), 'w');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const held = Promise.withResolvers<void>();
  const spy = vi.spyOn(prototype, 'datasync').mockReturnValue(held.promise);
  return { let: held.resolve, syncs: () => spy.mock.calls.length };
}

describe('a ledger', () => {
  it('remembers what was synced, wherever in the file it is', async () => {
    const first = await openLedger();
    first.belongsTo('"e"');
    await first.write(bytes(10), 50);
    await first.write(bytes(20), 0);
    await first.sync();
    await first.write(bytes(5), 90);
    const next = await openLedger();
    expect(next).toMatchObject({ writtenBytes: 30, frontier: 20, etag: '"e"' });
    expect(next.gaps).toEqual([
      [20, 50],
      [60, 100],
    ]);
    expect(await leftBehind(folder, file)).toMatchObject({ durableBytes: 30 });
  });

  it('claims nothing before it is on the disk', async () => {
    const disk = await slowDisk();
    const ledger = await openLedger(often);
    await ledger.write(bytes(10), 0);
    expect(disk.syncs()).toBe(1);
    expect(await journal()).toBe('none');
    disk.let();
    await vi.waitFor(async () => expect(await journal()).toContain('[[0,10]]'));
  });

  it('does not claim what came while the disk was busy', async () => {
    const disk = await slowDisk();
    const ledger = await openLedger(often);
    await ledger.write(bytes(10), 0);
    await ledger.write(bytes(9), 10);
    disk.let();
    await vi.waitFor(async () => expect(await journal()).toContain('[[0,10]]'));
    await ledger.sync();
    expect(await journal()).toContain('[[0,19]]');
  });

  it('holds writers back when the disk is behind by more than a crash may cost', async () => {
    const disk = await slowDisk();
    const ledger = await openLedger(often);
    await ledger.write(bytes(10), 0);
    await ledger.write(bytes(10), 10);
    await ledger.write(bytes(10), 20);
    const fourth = ledger.write(bytes(10), 30);
    await expect(Promise.race([fourth, journal()])).resolves.toBe('none');
    expect((await data()).byteLength).toBe(30);
    disk.let();
    await expect(fourth).resolves.toBe(10);
  });

  it('is synced on a slow line by time', async () => {
    let time = 0;
    const ledger = await openLedger({ ...seldom, ms: 5_000 }, () => time);
    await ledger.write(bytes(1), 0);
    expect(await journal()).toBe('none');
    time = 5_000;
    await ledger.write(bytes(1), 1);
    await vi.waitFor(async () => expect(await journal()).toContain('[[0,2]]'));
  });

  it('leaves bytes alone that are here already: they may have been hashed', async () => {
    const ledger = await openLedger();
    await ledger.write(bytes(10, 1), 10);
    await ledger.write(bytes(5, 1), 30);
    expect(await ledger.write([...bytes(20, 2), ...bytes(20, 3)], 0)).toBe(25);
    const expected = Buffer.concat([
      Buffer.alloc(10, 2),
      Buffer.alloc(10, 1),
      Buffer.alloc(10, 3),
      Buffer.alloc(5, 1),
      Buffer.alloc(5, 3),
    ]);
    expect(await data()).toEqual(expected);
  });

  it('that is cleared claims nothing any more', async () => {
    const ledger = await openLedger();
    ledger.belongsTo('"e"');
    await ledger.write(bytes(10), 0);
    await ledger.sync();
    await ledger.clear();
    expect(await journal()).toBe('none');
    expect((await data()).byteLength).toBe(0);
    expect(await openLedger()).toMatchObject({ writtenBytes: 0, etag: undefined });
  });

  it('trusts no sync after one that failed: the kernel forgets what it could not write', async () => {
    const disk = await slowDisk();
    disk.let();
    const ledger = await openLedger();
    vi.restoreAllMocks();
    const probe = await open(join(folder, 'probe'), 'w');
    vi.spyOn(Object.getPrototypeOf(probe) as FileHandle, 'datasync').mockRejectedValueOnce(new Error('EIO'));
    await probe.close();
    await ledger.write(bytes(10), 0);
    await expect(ledger.sync()).rejects.toThrow('EIO');
    await expect(ledger.sync()).rejects.toThrow('EIO');
    await expect(ledger.write(bytes(10), 10)).rejects.toThrow('EIO');
    expect(await journal()).toBe('none');
  });

  it.each([
    ['is no JSON', '{'],
    ['is of another version', '{"version":1,"sizeBytes":100,"durable":[[0,10]]}'],
    ['is of a file of another size', '{"version":2,"sizeBytes":99,"durable":[[0,10]]}'],
    ['claims more than the file can have', '{"version":2,"sizeBytes":100,"durable":[[0,101]]}'],
    ['claims more than there is', '{"version":2,"sizeBytes":100,"durable":[[0,60]]}'],
  ])('does not trust a journal that %s', async (_what, text) => {
    await writeFile(join(folder, 'data'), Buffer.alloc(50));
    await writeFile(join(folder, 'journal.json'), text);
    expect(await openLedger()).toMatchObject({ writtenBytes: 0, frontier: 0 });
  });
});
