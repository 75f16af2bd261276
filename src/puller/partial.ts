import { constants } from 'node:fs';
import { mkdir, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { SourceFile } from '../sources/source.ts';
import { replaceFile, unlessMissing } from './volume.ts';

/** What is known to be on the disk, not merely written: the file is cut to it when a pull resumes. */
const Journal = z.object({
  sizeBytes: z.int(),
  durableBytes: z.int().nonnegative(),
  /** Of the answer that the bytes came from. */
  etag: z.string().optional(),
});

/** How much a crash may cost: bytes since the last sync, or time on a slow line. */
export interface SyncInterval {
  readonly bytes: number;
  readonly ms: number;
}

const dataName = 'data';
const journalName = 'journal.json';

/** Bytes that an earlier pod left, as its journal claims. */
export async function durableBytes(folder: string, file: SourceFile): Promise<number> {
  return (await readJournal(folder, file))?.durableBytes ?? 0;
}

async function readJournal(
  folder: string,
  { sizeBytes }: SourceFile,
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
  return data?.sizeBytes === sizeBytes && data.durableBytes <= sizeBytes ? data : undefined;
}

/**
 * An unfinished file that grows at its end. Owns the open file: close it. One puller at a time may have it open, which
 * the operator sees to.
 */
export class PartialFile {
  readonly path: string;
  readonly #folder: string;
  readonly #file: FileHandle;
  readonly #sizeBytes: number;
  readonly #interval: SyncInterval;
  readonly #now: () => number;
  #length: number;
  #etag: string | undefined;
  #syncedLength: number;
  #syncedAt: number;

  private constructor(
    folder: string,
    file: FileHandle,
    state: { sizeBytes: number; length: number; etag: string | undefined },
    interval: SyncInterval,
    now: () => number,
  ) {
    this.path = join(folder, dataName);
    this.#folder = folder;
    this.#file = file;
    this.#sizeBytes = state.sizeBytes;
    this.#length = state.length;
    this.#etag = state.etag;
    this.#syncedLength = state.length;
    this.#interval = interval;
    this.#now = now;
    this.#syncedAt = now();
  }

  /** Opens what an earlier pod left of a file, cut to what its journal claims, or a new one. */
  static async open(
    folder: string,
    file: SourceFile,
    interval: SyncInterval,
    now: () => number,
  ): Promise<PartialFile> {
    await mkdir(folder, { recursive: true });
    const journal = await readJournal(folder, file);
    const handle = await open(join(folder, dataName), constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      const { size } = await handle.stat();
      const claimed = journal?.durableBytes ?? 0;
      // A file shorter than its journal claims was not written by this program.
      const length = size >= claimed ? claimed : 0;
      if (size !== length) await handle.truncate(length);
      const state = { sizeBytes: file.sizeBytes, length, etag: length > 0 ? journal?.etag : undefined };
      return new PartialFile(folder, handle, state, interval, now);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes that are written, synced or not. */
  get length(): number {
    return this.#length;
  }

  /** Of the content that is here; undefined while nothing is, or when the source states none. */
  get etag(): string | undefined {
    return this.#etag;
  }

  /** Says what content the bytes that follow are of. */
  belongsTo(etag: string | undefined): void {
    this.#etag = etag;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.byteLength;) {
      const { bytesWritten } = await this.#file.write(
        bytes,
        written,
        bytes.byteLength - written,
        this.#length,
      );
      written += bytesWritten;
      this.#length += bytesWritten;
    }
    const due =
      this.#length - this.#syncedLength >= this.#interval.bytes ||
      this.#now() - this.#syncedAt >= this.#interval.ms;
    if (due) await this.sync();
  }

  /** Brings what is written to the disk, and then claims it. */
  async sync(): Promise<void> {
    if (this.#length === this.#syncedLength) return;
    await this.#file.datasync();
    const journal: z.infer<typeof Journal> = {
      sizeBytes: this.#sizeBytes,
      durableBytes: this.#length,
      ...(this.#etag === undefined ? {} : { etag: this.#etag }),
    };
    await replaceFile(join(this.#folder, journalName), JSON.stringify(journal));
    this.#syncedLength = this.#length;
    this.#syncedAt = this.#now();
  }

  /** Throws away all bytes. The claim goes first, so that a crash between leaves nothing claimed. */
  async clear(): Promise<void> {
    await rm(join(this.#folder, journalName), { force: true });
    await this.#file.truncate(0);
    this.#length = 0;
    this.#syncedLength = 0;
    this.#etag = undefined;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
