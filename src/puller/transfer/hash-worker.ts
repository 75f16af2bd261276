/**
 * A thread that hashes files while they are written: it reads behind the bytes that are there without a gap. Started by
 * `hash-pool.ts`.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { hashFile, type FileHash } from './hashing.ts';
import type { HashAnswer, HashOrder } from './hash-pool.ts';

interface Job {
  readonly file: number;
  readonly hash: FileHash;
  readonly sizeBytes: number;
  readonly tells: boolean;
  hashed: number;
  /** Bytes from the beginning that may be read. */
  frontier: number;
}

/** What is read before messages are looked at again. */
const turnBytes = 8 << 20;

const port = parentPort!;
/** What is read at once: a block stays in the processor's cache until it is hashed. */
const block = new Uint8Array(256 << 10);
const jobs = new Map<number, Job>();
let scheduled = false;

port.on('message', (order: HashOrder) => {
  try {
    if ('path' in order) {
      const { sizeBytes, digest, tells } = order;
      const hash = hashFile({ sizeBytes, digest });
      jobs.set(order.id, { file: openSync(order.path, 'r'), hash, sizeBytes, tells, hashed: 0, frontier: 0 });
    } else if ('frontier' in order) {
      const job = jobs.get(order.id);
      if (job !== undefined) job.frontier = order.frontier;
    } else end(order.id);
    schedule();
  } catch (error) {
    fail(order.id, error);
  }
});

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(() => {
    scheduled = false;
    for (const [id, job] of jobs) {
      try {
        if (advance(job)) schedule();
        if (job.tells) port.postMessage({ id, hashed: job.hashed } satisfies HashAnswer);
        if (job.hashed === job.sizeBytes) answer({ id, ...job.hash.finish() });
      } catch (error) {
        fail(id, error);
      }
    }
  });
}

/** Hashes some of what may be read. @returns whether there is more. */
function advance(job: Job): boolean {
  const until = Math.min(job.frontier, job.hashed + turnBytes);
  while (job.hashed < until) {
    const length = Math.min(block.byteLength, until - job.hashed);
    const read = readSync(job.file, block, 0, length, job.hashed);
    if (read === 0) throw new Error(`the file ends after ${job.hashed} of ${job.frontier} bytes`);
    job.hash.update(block.subarray(0, read));
    job.hashed += read;
  }
  return job.hashed < job.frontier;
}

function answer(told: HashAnswer): void {
  end(told.id);
  port.postMessage(told);
}

function fail(id: number, error: unknown): void {
  answer({ id, error: error instanceof Error ? error : new Error(String(error)) });
}

function end(id: number): void {
  const job = jobs.get(id);
  if (job === undefined) return;
  jobs.delete(id);
  closeSync(job.file);
}
