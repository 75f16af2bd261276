import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceFile } from '../../sources/source.ts';
import type { DownloadContext } from '../transfer/fetch-file.ts';
import { bytesIn } from '../transfer/intervals.ts';
import { dataName, Ledger, readJournal } from '../transfer/ledger.ts';
import { unlessMissing, type Volume } from './volume.ts';

const blockBytes = 4 << 20;

/**
 * Copies what an owner that stands still has claimed of a file, and removes what it left. The copy is another file, so
 * that this owner, should it wake, writes where nobody reads any more; the digest tells whether it did so earlier. Where
 * there is no room for a copy, nothing is inherited.
 * @param from Its folder. @param to The folder to go on in.
 */
export async function inherit(
  from: string,
  to: string,
  file: SourceFile,
  { volume, syncInterval, now, progress, signal }: DownloadContext & { readonly volume: Volume },
): Promise<void> {
  const journal = await readJournal(from, file.sizeBytes);
  await using data = await unlessMissing(open(join(from, dataName), 'r'));
  if (journal !== undefined && data !== undefined && (await volume.freeBytes()) >= bytesIn(journal.durable)) {
    await using ledger = await Ledger.open(to, file, syncInterval, now);
    ledger.belongsTo(journal.etag);
    const block = new Uint8Array(blockBytes);
    for (const [start, end] of journal.durable) {
      for (let at = start; at < end;) {
        signal.throwIfAborted();
        const { bytesRead } = await data.read(block, 0, Math.min(blockBytes, end - at), at);
        if (bytesRead === 0) break;
        progress.wrote(await ledger.write([block.subarray(0, bytesRead)], at));
        at += bytesRead;
      }
    }
    await ledger.sync();
  }
  await rm(from, { recursive: true, force: true });
}
