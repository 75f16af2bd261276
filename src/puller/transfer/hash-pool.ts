import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Digest } from '../../sources/source.ts';
import type { Hashes } from './hashing.ts';

/** To a worker: begin with a file, read up to a frontier, or forget it. */
export type HashOrder =
  | {
      readonly id: number;
      readonly path: string;
      readonly sizeBytes: number;
      readonly digest: Digest;
      readonly tells: boolean;
    }
  | { readonly id: number; readonly frontier: number }
  | { readonly id: number };

/** From a worker, once for each file that is not forgotten, and before that, where it is to tell, how far it is. */
export type HashAnswer =
  | ({ readonly id: number } & Hashes)
  | { readonly id: number; readonly error: Error }
  | { readonly id: number; readonly hashed: number };

/** The hash of a file that grows. */
export interface Following {
  /** Says that the file can be read so far from its beginning. Never goes back. */
  reach(frontier: number): void;
  /** Resolves when all of the file is hashed. Never rejects without somebody waiting. */
  readonly result: Promise<Hashes>;
  /** Forgets it; `result` stays open. */
  stop(): void;
}

/** Hashes files in threads of their own, so that the thread which receives bytes does nothing else. */
export interface HashPool extends AsyncDisposable {
  /**
   * @param path Of a file that exists and does not move before the result is there.
   * @param advanced Is told from time to time how many bytes are hashed.
   */
  follow(
    path: string,
    expected: { sizeBytes: number; digest: Digest },
    advanced?: (bytes: number) => void,
  ): Following;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, PromiseWithResolvers<Hashes> & { advanced?: (bytes: number) => void }>;
}

/** In an image the worker is bundled beside the program: `scripts/images.ts`. */
const workerUrl = new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url);

/** @param threads At most so many, started when they are needed. A file is hashed by one. */
export function openHashPool(threads: number): HashPool {
  const started: Thread[] = [];
  let files = 0;

  function leastBusy(): Thread {
    const idle = started.find(({ waiting }) => waiting.size === 0);
    if (idle !== undefined) return idle;
    if (started.length < threads) {
      const thread = startThread();
      started.push(thread);
      return thread;
    }
    return started.reduce((least, each) => (each.waiting.size < least.waiting.size ? each : least));
  }

  return {
    follow(path, { sizeBytes, digest }, advanced) {
      const { worker, waiting } = leastBusy();
      const id = ++files;
      const settled = Promise.withResolvers<Hashes>();
      settled.promise.catch(() => {});
      waiting.set(id, { ...settled, ...(advanced && { advanced }) });
      const tell = (order: HashOrder): void => worker.postMessage(order, []);
      tell({ id, path, sizeBytes, digest, tells: advanced !== undefined });
      return {
        reach: (frontier) => tell({ id, frontier }),
        result: settled.promise,
        stop() {
          if (waiting.delete(id)) tell({ id });
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.splice(0).map(({ worker }) => worker.terminate()));
    },
  };
}

function startThread(): Thread {
  const worker = new Worker(workerUrl);
  const waiting: Thread['waiting'] = new Map();
  worker.on('message', (answer: HashAnswer) => {
    const settled = waiting.get(answer.id);
    if ('hashed' in answer) {
      settled?.advanced?.(answer.hashed);
      return;
    }
    waiting.delete(answer.id);
    if ('error' in answer) settled?.reject(answer.error);
    else settled?.resolve({ sha256: answer.sha256, stated: answer.stated });
  });
  worker.on('error', (error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  return { worker, waiting };
}
