import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../progress/progress.ts';
import { hasCode, names, unlessMissing } from './volume.ts';

/**
 * Which of the pulls on a volume brings a file. The folder of an unfinished download holds at most one folder, and its
 * name says whose the download is: `<uid>.<process>` while a pull has it, `idle` when that one has ended. Every change
 * of hands renames a name that only one process gives, so one of those who try succeeds, and the former owner finds
 * nothing under its own paths any more. What follows from that: docs/adr/0017.
 */
export interface Owner {
  readonly modelUid: string;
  /** No other process has it, on any node. */
  readonly name: string;
}

export interface TenureTimes {
  /** How often an owner says that it is there. */
  readonly beatMs: number;
  /** How often others look. */
  readonly lookMs: number;
  /** An owner that has said nothing for so long while others looked has lost the download to them. */
  readonly staleMs: number;
}

export const defaultTenureTimes: TenureTimes = { beatMs: 2_000, lookMs: 1_000, staleMs: 60_000 };

export interface TenureOptions {
  readonly times: TenureTimes;
  /** Only differences count, so no clock of another node, and none that a person sets, has a say. */
  readonly now: Clock;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** Whether there is nothing to bring any more; asked before every wait. */
  readonly isHere: () => Promise<boolean>;
  /** A wait for another owner begins. */
  readonly waiting: () => void;
}

/** A download that is this process' own. Disposing of it leaves what is there to whoever comes next. */
export interface Tenure extends AsyncDisposable {
  readonly folder: string;
  /** Aborted when this process learns that the download is another's now. */
  readonly lost: AbortSignal;
  /** The folder of an owner that stood still, to be read and then removed. That owner may still write there. */
  readonly inherited: string | undefined;
  /** Looks whether the download is still this process' own. */
  isLost(): Promise<boolean>;
  /** Throws away what is there: it has become a blob, or is of no use. */
  remove(): Promise<void>;
}

const idle = 'idle';
const beatName = 'beat';

export function newOwner(modelUid: string): Owner {
  return { modelUid, name: `${modelUid}.${randomUUID()}` };
}

/** Where an unfinished download is now, and whether a pull of this Model would go on with it as it is. */
export async function findPartial(
  partial: string,
  modelUid: string,
): Promise<{ folder: string; goesOn: boolean } | undefined> {
  const [holder] = await names(partial);
  if (holder === undefined) return undefined;
  return { folder: join(partial, holder), goesOn: isFree(holder, modelUid) };
}

/** Whether nobody can be writing there: its owner has left it, or was an earlier pod of the same Model's Job. */
function isFree(holder: string, modelUid: string): boolean {
  return holder === idle || holder.startsWith(`${modelUid}.`);
}

/**
 * Makes a download this process' own, as soon as nobody else has it.
 * @param partial The folder that all pulls know it by.
 * @returns undefined when `isHere` says so first.
 */
export async function takeOver(
  partial: string,
  owner: Owner,
  { times, now, sleep, isHere, waiting }: TenureOptions,
): Promise<Tenure | undefined> {
  const aside = besides(partial, owner);
  let watched: Watched | undefined;
  try {
    for (;;) {
      const [holder] = await names(partial);
      if (await take(partial, holder, owner)) return await begin(partial, owner, aside, times.beatMs);
      if (await isHere()) break;
      if (holder !== undefined && !isFree(holder, owner.modelUid)) {
        if (watched === undefined) waiting();
        watched = watch(watched, holder, await readBeat(join(partial, holder)), now(), times);
        if (watched.stillMs >= times.staleMs) {
          await remove(aside);
          await moved(join(partial, holder), aside);
          continue;
        }
      }
      await sleep(times.lookMs);
    }
    await remove(aside);
    return undefined;
  } catch (error) {
    await remove(aside);
    throw error;
  }
}

async function take(
  partial: string,
  holder: string | undefined,
  { modelUid, name }: Owner,
): Promise<boolean> {
  if (holder === undefined) return create(partial, name);
  return isFree(holder, modelUid) && moved(join(partial, holder), join(partial, name));
}

interface Watched {
  readonly holder: string;
  readonly beat: string | undefined;
  readonly lookedAt: number;
  /** For how long the beat has been the same. */
  readonly stillMs: number;
}

function watch(
  before: Watched | undefined,
  holder: string,
  beat: string | undefined,
  lookedAt: number,
  { lookMs }: TenureTimes,
): Watched {
  if (before?.holder !== holder || before.beat !== beat) return { holder, beat, lookedAt, stillMs: 0 };
  // Both may have stood still, such as with their node: a look that comes late tells no more than one in time.
  const stillMs = before.stillMs + Math.min(lookedAt - before.lookedAt, 2 * lookMs);
  return { holder, beat, lookedAt, stillMs };
}

/** A name beside the folder that only this owner uses, and for this download. */
function besides(partial: string, { name }: Owner): string {
  return join(dirname(partial), `.${basename(partial)}.${name}`);
}

/** Succeeds where the folder is missing or empty: nothing can be renamed onto a folder with something in it. */
async function create(partial: string, name: string): Promise<boolean> {
  const fresh = join(dirname(partial), `.${randomUUID()}`);
  await mkdir(join(fresh, name), { recursive: true });
  try {
    await rename(fresh, partial);
    return true;
  } catch (error) {
    await remove(fresh);
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

async function moved(from: string, to: string): Promise<boolean> {
  return (await unlessMissing(rename(from, to).then(() => true))) ?? false;
}

async function readBeat(folder: string): Promise<string | undefined> {
  return unlessMissing(readFile(join(folder, beatName), 'utf8'));
}

async function begin(partial: string, { name }: Owner, aside: string, beatMs: number): Promise<Tenure> {
  const folder = join(partial, name);
  const lost = new AbortController();
  let beats = 0;
  let removed = false;
  let written: Promise<void>;

  async function beat(): Promise<void> {
    beats += 1;
    await writeFile(join(folder, beatName), `${beats}\n`).catch((error: unknown) => {
      // A disk that is full or busy says nothing about whose the download is.
      if (hasCode(error, 'ENOENT', 'ESTALE'))
        lost.abort(new Error('another pull has taken the download over'));
    });
  }

  written = beat();
  await written;
  const beating = setInterval(() => {
    written = written.then(beat);
  }, beatMs);
  beating.unref();
  async function stopBeating(): Promise<void> {
    clearInterval(beating);
    await written;
  }

  return {
    folder,
    lost: lost.signal,
    inherited: (await unlessMissing(stat(aside))) && aside,
    isLost: async () => lost.signal.aborted || (!removed && !(await names(partial)).includes(name)),
    async remove() {
      removed = true;
      await stopBeating();
      await remove(folder);
    },
    async [Symbol.asyncDispose]() {
      await stopBeating();
      await remove(aside);
      await rm(join(folder, beatName), { force: true });
      const isEmpty = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!isEmpty) await moved(folder, join(partial, idle));
      // It stays where somebody has something in it, or had it first.
      await rmdir(partial).catch(() => {});
    },
  };
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
