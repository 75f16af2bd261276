import { SourceError, type SourceFile } from '../../sources/source.ts';
import { ContentChangedError, fetchMissing, type DownloadContext, type Job } from './fetch-file.ts';
import { matches } from './hashing.ts';
import { Ledger } from './ledger.ts';
import { WrongContentError } from './receive.ts';

export interface Downloaded {
  /** The file, complete, verified and synced. */
  readonly path: string;
  readonly sha256: string;
}

/** A download whose content is not what the source states is repeated once, from nothing. */
const attemptsAtContent = 2;

/**
 * Downloads a file into a folder, in parts over several connections, going on where an earlier process stopped, and
 * verifies it against its digest while it arrives.
 * @param order Which file of the pull this is: earlier ones get connections first.
 * @throws SourceError: ChecksumMismatch, or the last one of those that were waited out; nothing of wrong content stays.
 */
export async function download(
  file: SourceFile,
  folder: string,
  order: number,
  context: DownloadContext,
): Promise<Downloaded> {
  const { log, progress, source } = context;
  const ledger = await Ledger.open(folder, file, context.syncInterval, context.now);
  try {
    if (ledger.writtenBytes > 0) log.info({ file: file.path, bytes: ledger.writtenBytes }, 'resuming');
    for (let attempt = 1; ; attempt++) {
      const job: Job = { file, order, ledger, alone: attempt > 1, etagChanges: 0, context };
      const outcome = await attemptOnce(job);
      if (typeof outcome !== 'string') return { path: ledger.path, sha256: outcome.sha256 };
      progress.discarded(ledger.writtenBytes);
      await ledger.clear();
      const message = `${file.path} of ${source.name}: ${outcome}`;
      if (attempt === attemptsAtContent) {
        throw new SourceError(
          'ChecksumMismatch',
          `${message}. It was downloaded ${attempt} times and thrown away. A proxy or mirror may alter it.`,
        );
      }
      log.warn({ file: file.path }, `${message}; downloading it again`);
      progress.retried('content');
    }
  } finally {
    await ledger.close();
  }
}

/** @returns the hash, or what is wrong with the content. */
async function attemptOnce(job: Job): Promise<{ sha256: string } | string> {
  const { file, ledger, context } = job;
  for (;;) {
    const hash = context.hashes.follow(ledger.path, file);
    try {
      hash.reach(ledger.frontier);
      await fetchMissing(job, hash);
      const [hashes] = await Promise.all([hash.result, ledger.sync()]);
      if (matches(hashes, file.digest)) return { sha256: hashes.sha256 };
      const { algorithm, hex } = file.digest;
      return `its ${algorithm} is ${hashes.stated}, and the source states ${hex}`;
    } catch (error) {
      if (error instanceof WrongContentError) return error.message;
      if (!(error instanceof ContentChangedError)) throw error;
      context.log.warn({ file: file.path }, `${error.message}; starting over`);
      context.progress.retried('content');
      context.progress.discarded(ledger.writtenBytes);
      job.etagChanges += 1;
      await ledger.clear();
    } finally {
      hash.stop();
    }
  }
}
