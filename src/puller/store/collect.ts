import { randomUUID } from 'node:crypto';
import { link, lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Collection, CollectRequest } from '../../protocols/puller.ts';
import { binsFolder, forget, readReferences } from './references.ts';
import {
  sweepBlobs,
  sweepLeftovers,
  sweepLinks,
  sweepManifests,
  sweepPartials,
  sweepRefs,
  sweepUnpacked,
  type Bin,
} from './sweep.ts';
import { names, unlessMissing } from './volume.ts';

/** A pull that is announced stops a collection, which begins anew then. */
const mostAttempts = 20;
/** Of a collection that was killed; nothing in it is in use. */
const oldBinMs = 3_600_000;

/** A pull was announced: what is in use has to be read again before anything else is removed. */
class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

/**
 * Removes from a volume what no Model uses and no running pull needs. Safe beside pulls and other collections, and
 * wherever it is killed or stands still: docs/adr/0018.
 */
export async function collect(root: string, request: CollectRequest, log: Logger): Promise<Collection> {
  const { forget: dropped, graceSeconds } = request;
  if (dropped !== undefined) await forget(root, dropped.modelUid, dropped.except);
  const total = { freedBytes: 0, removedBlobs: 0 };
  const removedInodes = new Set<number>();
  for (let attempt = 1; ; attempt++) {
    const folder = join(root, binsFolder, randomUUID());
    try {
      await mkdir(folder, { recursive: true });
      const bin = await openBin(folder);
      // After the bin is there: who announces a pull from now on finds it.
      const references = await readReferences(root);
      const sweep = { root, references, bin, graceMs: graceSeconds * 1000, total, removedInodes };
      await sweepPartials(sweep);
      const keptBlobs = await sweepBlobs(sweep);
      await sweepLinks(sweep);
      await sweepManifests(sweep);
      await sweepRefs(sweep);
      await sweepUnpacked(sweep);
      await sweepLeftovers(sweep);
      await emptyOldBins(root, bin);
      const collection = { ...total, keptBlobs };
      log.info({ ...collection, attempt }, 'collected');
      return collection;
    } catch (error) {
      if (!(error instanceof StoppedError) || attempt === mostAttempts) throw error;
      log.info({ attempt }, 'a pull has begun; looking again at what is in use');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function openBin(folder: string): Promise<Bin> {
  const made = await unlessMissing(stat(folder));
  if (made === undefined) throw new StoppedError('a pull was announced');
  let taken = 0;
  return {
    openedAt: made.mtimeMs,
    async take(path, inode) {
      taken += 1;
      const at = join(folder, String(taken));
      const removed = await unlessMissing(rename(path, at).then(() => lstat(at)));
      if (removed === undefined) {
        if ((await unlessMissing(stat(folder))) === undefined) throw new StoppedError('a pull was announced');
        return false;
      }
      if (inode === undefined || removed.ino === inode) return true;
      // Not over what may be there again.
      await link(at, path).catch(() => {});
      return false;
    },
  };
}

async function emptyOldBins(root: string, { openedAt }: Bin): Promise<void> {
  const bins = join(root, binsFolder);
  for (const name of await names(bins)) {
    const made = (await unlessMissing(stat(join(bins, name))))?.mtimeMs ?? openedAt;
    if (openedAt - made > oldBinMs) await rm(join(bins, name), { recursive: true, force: true });
  }
}
