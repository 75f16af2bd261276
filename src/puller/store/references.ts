import { randomUUID } from 'node:crypto';
import { readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Publication } from '../../protocols/puller.ts';
import { names, replaceFile, unlessMissing } from './volume.ts';

/**
 * What on a volume is in use: what Models have published, in `index/<uid>/<digest>.json`, and what running pulls have
 * announced that they need, in `.pulling/<uid>.json`. A collection removes nothing else, and nothing that is announced
 * while it runs: docs/adr/0018.
 */
export interface References {
  /** In hex: blobs by their sha256. */
  readonly used: ReadonlySet<string>;
  /** In hex, by the digests that sources state: downloads that a pull is about to go on with. */
  readonly announced: ReadonlySet<string>;
}

/** What a Model uses. One for each content that it has published, until the operator has it dropped. */
const IndexRecord = Publication.extend({
  version: z.literal(1),
  modelUid: z.string(),
  /** As one line, for people. */
  source: z.string(),
});
export type IndexRecord = z.infer<typeof IndexRecord>;

const Announced = z.object({ version: z.literal(1), pull: z.string(), digests: z.array(z.string()) });

/** What a running pull needs. */
export interface Announcement {
  /** Adds a digest, in hex, before there is anything of it that could be removed. */
  add(hex: string): Promise<void>;
  /** To be called when the index has it all. */
  withdraw(): Promise<void>;
}

export const binsFolder = '.collecting';
export const announcedFolder = '.pulling';
export const indexFolder = 'index';

/**
 * From its return on nothing with one of these digests is removed from the volume, until it is withdrawn. What is there
 * has to be looked for afterwards.
 */
export async function announce(
  root: string,
  modelUid: string,
  digests: Iterable<string>,
): Promise<Announcement> {
  const path = join(root, announcedFolder, `${modelUid}.json`);
  const known = new Set(digests);
  const pull = randomUUID();
  let said = '';
  let last: Promise<void> = Promise.resolve();
  async function say(): Promise<void> {
    said = JSON.stringify({ version: 1, pull, digests: [...known] } satisfies z.infer<typeof Announced>);
    await replaceFile(path, said);
    await stopCollections(root);
  }
  await say();
  return {
    add(hex) {
      if (!known.has(hex)) {
        known.add(hex);
        last = last.then(say);
      }
      return last;
    },
    async withdraw() {
      // A next pod may have begun, if this one took its time to end.
      if ((await unlessMissing(readFile(path, 'utf8'))) === said) await rm(path, { force: true });
    },
  };
}

/**
 * Collections that read what is in use before this now remove nothing more: all they remove they first move into their
 * bin, and there is none any more.
 */
async function stopCollections(root: string): Promise<void> {
  const bins = join(root, binsFolder);
  for (const bin of await names(bins)) {
    await rm(join(bins, bin), { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }
}

/** From its return on nothing of this is removed. Whether it is all there has to be looked for afterwards. */
export async function writeIndex(root: string, record: IndexRecord): Promise<void> {
  await replaceFile(
    indexPath(root, record.modelUid, record.digest),
    `${JSON.stringify(record, undefined, 2)}\n`,
  );
  await stopCollections(root);
}

/** Drops what a Model has published and announced, but for the digests in `except`. */
export async function forget(root: string, modelUid: string, except: readonly string[]): Promise<void> {
  const folder = join(root, indexFolder, modelUid);
  const kept = new Set(except.map((digest) => indexPath(root, modelUid, digest)));
  for (const name of await names(folder)) {
    const path = join(folder, name);
    if (!kept.has(path)) await rm(path, { force: true });
  }
  if (kept.size === 0) await rmdir(folder).catch(() => {});
  await rm(join(root, announcedFolder, `${modelUid}.json`), { force: true });
}

function indexPath(root: string, modelUid: string, digest: string): string {
  return join(root, indexFolder, modelUid, `${digest.replace(':', '-')}.json`);
}

/** @throws Error for a record that cannot be read: what it names is not known, so nothing may be removed. */
export async function readReferences(root: string): Promise<References> {
  // In this order: a pull writes to the index before it withdraws what it announced.
  const announced = await Promise.all(
    (await recordsIn(join(root, announcedFolder))).map(
      async (path) => (await readRecord(path, Announced))?.digests,
    ),
  );
  const folders = (await names(join(root, indexFolder))).map((uid) => join(root, indexFolder, uid));
  const paths = (await Promise.all(folders.map(recordsIn))).flat();
  const published = await Promise.all(paths.map((path) => readRecord(path, IndexRecord)));
  const wanted = new Set(announced.flatMap((digests) => digests ?? []));
  const used = published.flatMap((record) => record?.files.map(({ sha256 }) => sha256) ?? []);
  return { announced: wanted, used: new Set([...wanted, ...used]) };
}

async function recordsIn(folder: string): Promise<string[]> {
  // Names with a dot in front are of files that are being written.
  return (await names(folder)).filter((name) => !name.startsWith('.')).map((name) => join(folder, name));
}

async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await unlessMissing(readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} says what is in use, and cannot be read; nothing was removed`, { cause: error });
  }
}
