import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { SourceFile } from '../../sources/source.ts';
import {
  areIntervals,
  bytesIn,
  frontierOf,
  gapsIn,
  within,
  withInterval,
  type Interval,
  type Intervals,
} from './intervals.ts';
import type { Clock } from '../progress/progress.ts';
import { syncFolder, unlessMissing } from '../store/volume.ts';

/** What is known to be on the disk, not merely written. */
const Journal = z.object({
  version: z.literal(2),
  sizeBytes: z.int(),
  durable: z.array(z.tuple([z.int(), z.int()])),
  /** Of the answers that the bytes came from. */
  etag: z.string().optional(),
});

/** How much a crash may cost. */
export interface SyncInterval {
  /** A claim is due after so many bytes, or after so much time on a slow line. */
  readonly bytes: number;
  readonly ms: number;
  /** Never are more than about so many bytes written and not claimed, however slow the disk is. */
  readonly mostAtRisk: number;
}

export const defaultSyncInterval: SyncInterval = { bytes: 8 << 20, ms: 5_000, mostAtRisk: 16 << 20 };

export const dataName = 'data';
const journalName = 'journal.json';
/** The unit of `stat`'s `blocks`, whatever the file system's own is: stat(2). */
const blockBytes = 512;

/** What an earlier pod left of a file: the bytes that its journal claims, and those that its data takes on the disk. */
export async function leftBehind(
  folder: string,
  { sizeBytes }: Pick<SourceFile, 'sizeBytes'>,
): Promise<{ durableBytes: number; allocatedBytes: number }> {
  const durable = (await readJournal(folder, sizeBytes))?.durable ?? [];
  const data = await unlessMissing(open(join(folder, dataName), 'r'));
  if (data === undefined) return { durableBytes: 0, allocatedBytes: 0 };
  try {
    const { blocks } = await data.stat();
    return {
      durableBytes: bytesIn(durable),
      allocatedBytes: Math.min(sizeBytes, blocks * blockBytes),
    };
  } finally {
    await data.close();
  }
}

export async function readJournal(
  folder: string,
  sizeBytes: number,
): Promise<z.infer<typeof Journal> | undefined> {
  const text = await unlessMissing(readFile(join(folder, journalName), 'utf8'));
  if (text === undefined) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { data } = Journal.safeParse(content);
  return data?.sizeBytes === sizeBytes && areIntervals(data.durable, sizeBytes) ? data : undefined;
}

/**
 * An unfinished file whose parts arrive in any order, and the journal of those that are safe. The order is data, then
 * journal, so that the journal never claims bytes which a crash can take away. Owns the open file: close it. One puller
 * at a time may have it open: tenure.ts.
 */
export class Ledger implements AsyncDisposable {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #folder: string;
  readonly #file: FileHandle;
  readonly #interval: SyncInterval;
  readonly #now: Clock;
  #written: Intervals;
  #etag: string | undefined;
  /** Written since the state that the last claim began with. */
  #unclaimed = 0;
  /** Those that the claim is about which runs. */
  #beingClaimed = 0;
  #claimedAt: number;
  #claiming: Promise<void> | undefined;
  #failed: { error: unknown } | undefined;

  private constructor(
    folder: string,
    file: FileHandle,
    state: { sizeBytes: number; durable: Intervals; etag: string | undefined },
    interval: SyncInterval,
    now: Clock,
  ) {
    this.path = join(folder, dataName);
    this.sizeBytes = state.sizeBytes;
    this.#folder = folder;
    this.#file = file;
    this.#written = state.durable;
    this.#etag = state.etag;
    this.#interval = interval;
    this.#now = now;
    this.#claimedAt = now();
  }

  /** Opens what an earlier pod left of a file, as far as its journal claims it, or a new one. */
  static async open(
    folder: string,
    { sizeBytes }: Pick<SourceFile, 'sizeBytes'>,
    interval: SyncInterval,
    now: Clock,
  ): Promise<Ledger> {
    await mkdir(folder, { recursive: true });
    const journal = await readJournal(folder, sizeBytes);
    const handle = await open(join(folder, dataName), constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      const { size } = await handle.stat();
      const claimed = journal?.durable ?? [];
      // A file shorter than its journal claims was not written by this program.
      const durable = size >= (claimed.at(-1)?.[1] ?? 0) ? claimed : [];
      return new Ledger(
        folder,
        handle,
        { sizeBytes, durable, etag: durable.length > 0 ? journal?.etag : undefined },
        interval,
        now,
      );
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes that are written, claimed or not. */
  get writtenBytes(): number {
    return bytesIn(this.#written);
  }

  /** What is still to be written. */
  get gaps(): Intervals {
    return gapsIn(this.#written, this.sizeBytes);
  }

  /** How far the file can be read from its beginning. */
  get frontier(): number {
    return frontierOf(this.#written);
  }

  /** Of the content that is here; undefined while nothing is, or when the source states none. */
  get etag(): string | undefined {
    return this.#etag;
  }

  /** Says what content the bytes that follow are of. */
  belongsTo(etag: string | undefined): void {
    this.#etag = etag;
  }

  /**
   * Writes bytes that belong at a position, except those that are here already: these may have been hashed. Waits while as many bytes are at risk as a crash may cost, so that a disk
   * slower than the network holds the network back.
   * @returns how many of them were not here before.
   */
  async write(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const { bytes, ms, mostAtRisk } = this.#interval;
    if (this.#failed !== undefined) throw this.#failed.error;
    if (this.#unclaimed + this.#beingClaimed >= mostAtRisk) await this.#claim();
    const end = position + buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const missing = within(this.gaps, [position, end]);
    for (const gap of missing) await this.#writeAll(cut(buffers, position, gap), gap);
    for (const gap of missing) this.#written = withInterval(this.#written, gap);
    const added = bytesIn(missing);
    this.#unclaimed += added;
    // Not waited for: what goes wrong is thrown by the next call.
    if (this.#unclaimed >= bytes || this.#now() - this.#claimedAt >= ms) this.#claim().catch(() => {});
    return added;
  }

  async #writeAll(buffers: readonly Uint8Array[], [position, end]: Interval): Promise<void> {
    const { bytesWritten } = await this.#file.writev(buffers, position);
    if (bytesWritten === end - position) return;
    // A short write: what is left goes in one piece, and so does the error that tells why.
    const rest = Buffer.concat(buffers).subarray(bytesWritten);
    for (let done = 0; done < rest.byteLength;) {
      const more = await this.#file.write(rest, done, rest.byteLength - done, position + bytesWritten + done);
      done += more.bytesWritten;
    }
  }

  /** Brings everything that is written to the disk, and then claims it. */
  async sync(): Promise<void> {
    // A claim that runs may have begun before the last bytes.
    await this.#claiming;
    if (this.#unclaimed > 0 || this.#failed !== undefined) await this.#claim();
  }

  /** One at a time: who asks while one runs waits for that one. */
  #claim(): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed.error);
    this.#claiming ??= this.#claimNow().finally(() => {
      this.#claiming = undefined;
      this.#beingClaimed = 0;
    });
    return this.#claiming;
  }

  async #claimNow(): Promise<void> {
    const durable = this.#written;
    const etag = this.#etag;
    this.#beingClaimed = this.#unclaimed;
    this.#unclaimed = 0;
    this.#claimedAt = this.#now();
    try {
      await this.#file.datasync();
      const journal: z.infer<typeof Journal> = {
        version: 2,
        sizeBytes: this.sizeBytes,
        durable: durable.map(([start, end]: Interval): [number, number] => [start, end]),
        ...(etag === undefined ? {} : { etag }),
      };
      await this.#writeJournal(JSON.stringify(journal));
    } catch (error) {
      // Linux forgets what it could not write back: a later fdatasync that succeeds says nothing about it.
      this.#failed = { error };
      throw error;
    }
  }

  /** An older journal claims less, so that its folder need not be synced. */
  async #writeJournal(text: string): Promise<void> {
    const path = join(this.#folder, journalName);
    await writeFile(`${path}.new`, text, { flush: true });
    await rename(`${path}.new`, path);
  }

  /** Throws away all bytes. The claim goes first, so that a crash between leaves nothing claimed. */
  async clear(): Promise<void> {
    await this.#claiming;
    await rm(join(this.#folder, journalName), { force: true });
    await syncFolder(this.#folder);
    await this.#file.truncate(0);
    this.#written = [];
    this.#unclaimed = 0;
    this.#etag = undefined;
  }

  async close(): Promise<void> {
    await this.#claiming?.catch(() => {});
    await this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The bytes of an interval, from buffers that follow each other from a position on. */
function cut(
  buffers: readonly Uint8Array[],
  position: number,
  [start, end]: Interval,
): readonly Uint8Array[] {
  const length = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (start === position && end === position + length) return buffers;
  return [Buffer.concat(buffers).subarray(start - position, end - position)];
}
