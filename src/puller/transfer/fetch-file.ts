import type { Logger } from 'pino';
import { isTransient, SourceError, type Source, type SourceFile } from '../../sources/source.ts';
import { waitMs, type Patience } from '../../sources/http/retry.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { Budget, Slot } from './budget.ts';
import type { Following, HashPool } from './hash-pool.ts';
import { within, type Interval } from './intervals.ts';
import type { Ledger, SyncInterval } from './ledger.ts';
import type { Pace } from './pace.ts';
import { partsOf, type Parts } from './parts.ts';
import type { Clock, ProgressTracker } from '../progress/progress.ts';
import { checkAnswer, receiveBody, type Answered } from './receive.ts';

/** What the downloads of one pull share. */
export interface DownloadContext {
  readonly source: Source;
  readonly revision: string;
  readonly patience: Patience;
  readonly budget: Budget;
  readonly bandwidth: Bandwidth;
  readonly pace: Pace;
  readonly hashes: HashPool;
  readonly now: Clock;
  readonly progress: ProgressTracker;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly syncInterval: SyncInterval;
}

/** One file on its way. */
export interface Job {
  readonly file: SourceFile;
  readonly order: number;
  readonly ledger: Ledger;
  /** By one connection only: the second attempt leaves out what the source may do wrong with parts. */
  readonly alone: boolean;
  etagChanges: number;
  readonly context: DownloadContext;
}

/** An ETag that changes more often says nothing of the content; the digest does. */
const trustedEtagChanges = 1;

/** The source has other content now than what is here is of, by its ETag. */
export class ContentChangedError extends Error {
  override readonly name = 'ContentChangedError';
}

/**
 * Fetches every gap of the ledger. Until the first answer is there only one request is sent: it tells what works.
 * @throws ContentChangedError, WrongContentError, and the last SourceError of those that were waited out. What had
 *   arrived by then is claimed.
 */
export async function fetchMissing(job: Job, hash: Following): Promise<void> {
  const { ledger, order, context } = job;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const fetching: Fetching = {
    job,
    hash,
    signal,
    parts: partsOf(ledger.gaps),
    mode: 'asking',
    waves: 0,
    failures: 0,
    writtenAtFailure: ledger.writtenBytes,
  };
  const running = new Set<Promise<void>>();
  let failed: { error: unknown } | undefined;
  const answered = Promise.withResolvers<void>();

  function start(slot: Slot): void {
    const { parts } = fetching;
    // There may be many more soon, and these must not wait at the end for the first ones.
    const part = parts.take(job.alone ? 1 : context.budget.most)!;
    const task = fetchPart(fetching, part, slot, answered.resolve)
      .catch((error: unknown) => {
        failed ??= { error };
        stop.abort(error);
      })
      .finally(() => {
        slot.release();
        running.delete(task);
      });
    running.add(task);
  }

  try {
    while (failed === undefined && (fetching.parts.leftBytes > 0 || running.size > 0)) {
      const several = fetching.mode === 'parts' && !job.alone;
      if (fetching.parts.leftBytes > 0 && (several || running.size === 0)) {
        start(await context.budget.acquire(order, signal));
      } else {
        await Promise.race(fetching.mode === 'asking' ? [answered.promise, ...running] : running);
      }
    }
  } catch (error) {
    failed ??= { error };
    stop.abort(error);
  }
  await Promise.all(running);
  if (failed === undefined) return;
  // What was written before the end is worth a claim.
  await ledger.sync();
  throw failed.error;
}

interface Fetching {
  readonly job: Job;
  readonly hash: Following;
  readonly signal: AbortSignal;
  parts: Parts;
  /** What the source gives: parts, or the whole file whatever is asked for. Nothing is known before it answered. */
  mode: 'asking' | 'parts' | 'whole';
  /** Requests that fail together count as one failure: the next one is of requests that began after it. */
  waves: number;
  /** In a row, without a byte in between from any connection. */
  failures: number;
  writtenAtFailure: number;
}

/** One request. What it does not bring is left for another one; a failure that may pass is waited out here. */
async function fetchPart(
  fetching: Fetching,
  part: Interval,
  slot: Slot,
  answered: () => void,
): Promise<void> {
  const { job, signal } = fetching;
  const { ledger, file, context } = job;
  const { pace, budget, log, progress } = context;
  const { waves: wave } = fetching;
  const slow = new AbortController();
  const paced = pace.start(() => slow.abort());
  progress.connected(1);
  try {
    await receivePart(fetching, part, {
      signal: AbortSignal.any([signal, slow.signal]),
      begin: () => {
        slot.delivering();
        answered();
      },
      arrived: (bytes) => {
        progress.received(bytes);
        budget.received(bytes);
        paced.received(bytes);
      },
    });
  } catch (error) {
    if (signal.aborted) throw error;
    if (slow.signal.aborted) {
      log.warn(
        { file: file.path, from: part[0] },
        'a connection is far slower than the others; asking again',
      );
      progress.retried('slow');
    } else if (isTransient(error)) await waitOut(fetching, error, wave);
    else throw error;
  } finally {
    paced.end();
    progress.connected(-1);
    if (fetching.mode === 'whole') fetching.parts = partsOf(ledger.gaps);
    else for (const gap of within(ledger.gaps, part)) fetching.parts.giveBack(gap);
  }
}

/** Throws the failure when there were enough of them. The part stays taken meanwhile, and so does the connection. */
async function waitOut(fetching: Fetching, error: SourceError, wave: number): Promise<void> {
  const { ledger, context } = fetching.job;
  const { patience, budget, log, progress } = context;
  if (ledger.writtenBytes > fetching.writtenAtFailure) fetching.failures = 0;
  fetching.writtenAtFailure = ledger.writtenBytes;
  if (wave === fetching.waves) {
    fetching.waves += 1;
    fetching.failures += 1;
  }
  const failures = Math.max(1, fetching.failures);
  if (failures >= patience.tries) throw error;
  const wait = waitMs(failures, patience.random, error.retryAfterSeconds);
  log.warn({ file: fetching.job.file.path, failures, waitMs: Math.round(wait) }, error.message);
  progress.retried(error.reason === 'RateLimited' ? 'rate-limited' : 'connection');
  const rest = patience.sleep(wait);
  if (isForCrowds(error)) budget.refused(error.retryAfterSeconds === undefined ? undefined : rest);
  await rest;
}

/** What a server says that has too many connections, or too many of ours. */
function isForCrowds({ status }: SourceError): boolean {
  return status === 403 || status === 429 || status === 503;
}

async function receivePart(
  fetching: Fetching,
  part: Interval,
  on: { signal: AbortSignal; begin: () => void; arrived: (bytes: number) => void },
): Promise<void> {
  const { job, hash } = fetching;
  const { file, ledger, context } = job;
  const range = { start: part[0], end: part[1] - 1 };
  const answer = await context.source.open(context.revision, file, range, on.signal);
  try {
    const answered = checkAnswer(answer, part, file);
    acceptContent(answered.etag, job);
    acceptMode(answered, fetching, answer.origin);
    on.begin();
    await receiveBody(answer, answered, file, {
      signal: on.signal,
      arrived: on.arrived,
      now: context.now,
      write: async (buffers, position) => {
        context.progress.wrote(await ledger.write(buffers, position));
        hash.reach(ledger.frontier);
        await context.bandwidth.spend(buffers.reduce((sum, { byteLength }) => sum + byteLength, 0));
      },
    });
  } finally {
    answer.body.destroy();
  }
}

/** @throws ContentChangedError when the answer is of other content than what is here. */
function acceptContent(etag: string | undefined, { file, ledger, etagChanges }: Job): void {
  if (etag === undefined || etagChanges >= trustedEtagChanges) return;
  if (ledger.etag !== undefined && etag !== ledger.etag) {
    throw new ContentChangedError(`${file.path} changed while it was downloaded`);
  }
  ledger.belongsTo(etag);
}

/** @throws SourceError when a source that gives parts sends the whole file to one of several connections. */
function acceptMode({ kind }: Answered, fetching: Fetching, origin: string): void {
  if (fetching.mode === 'parts' && kind === 'whole') {
    const { path } = fetching.job.file;
    throw new SourceError('SourceUnreachable', `${origin} sent all of ${path}, and a part was asked for.`);
  }
  fetching.mode = kind === 'whole' ? 'whole' : 'parts';
  // The one that brings everything leaves nothing to others.
  if (kind === 'whole') fetching.parts = partsOf([]);
}
