import { pipeline, type Readable, Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Extract } from 'tar-stream';
import { isHidden } from './oci-artifact.ts';
import { isSafePath } from '../repo-path.ts';
import { SourceError, type Archive } from '../source.ts';

/** A regular file of an archive. Its content is to be read before the next file is asked for, or not at all. */
export interface PackedFile {
  /** Safe on a volume. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly content: AsyncIterable<Uint8Array>;
}

type Entry = Extract extends AsyncIterable<infer E> ? E : never;

const blockBytes = 512;
/** What an archive may have without a file or a folder in it: extended headers, which are held in memory, and padding. */
const mostOtherBytes = 8 << 20;

/**
 * The files of an archive, in order, as it arrives. Folders, and files with hidden names, are left out.
 * @param from The archive as it is stored. Is destroyed in the end.
 * @param mostBytes How many bytes it may have when it is unpacked; `tooLarge` is thrown for more.
 * @throws SourceError UnsupportedModel for what is no archive, ends early, holds a link, or names a file outside; errors
 *   of `from` as they are.
 */
export async function* filesInArchive(
  from: Readable,
  { compression, path: archive }: Archive,
  { mostBytes, tooLarge }: { mostBytes: number; tooLarge: () => Error },
): AsyncGenerator<PackedFile> {
  let unpacked = 0;
  let explained = 0;
  let refused: Error | undefined;
  const counted = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      unpacked += chunk.byteLength;
      if (unpacked > mostBytes) refused = tooLarge();
      else if (unpacked - explained > mostOtherBytes)
        refused = broken(archive, 'goes on without a file in it');
      if (refused === undefined) done(null, chunk);
      else done(refused);
    },
  });
  const tar = extract();
  let failed: Error | undefined;
  const decompressed =
    compression === 'gzip' ? [createGunzip()] : compression === 'zstd' ? [createZstdDecompress()] : [];
  // What fails destroys the others, and ends the loop.
  pipeline([from, ...decompressed, counted, tar as unknown as NodeJS.WritableStream], (error) => {
    failed = error ?? undefined;
  });
  const problem = (error: unknown): unknown => refused ?? explain(failed ?? error, archive);
  async function* contentOf(entry: Entry): AsyncGenerator<Uint8Array> {
    try {
      yield* entry as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw problem(error);
    }
  }
  const seen = new Set<string>();
  try {
    for await (const entry of tar) {
      const { sizeBytes, path } = checked(entry, archive);
      explained += sizeBytes + 2 * blockBytes;
      if (path !== undefined) {
        if (seen.has(path)) throw broken(archive, `has two files ${path}`);
        seen.add(path);
        yield { path, sizeBytes, content: contentOf(entry) };
      }
      entry.resume();
    }
  } catch (error) {
    throw problem(error);
  } finally {
    // And with it the rest of the pipeline.
    tar.destroy();
  }
}

/** @returns no path for what is left out. */
function checked({ header }: Entry, archive: string): { sizeBytes: number; path?: string } {
  const { type, size: sizeBytes } = header;
  const path = header.name.replace(/^(\.\/)+/, '').replace(/\/+$/, '');
  const shown = JSON.stringify(header.name.slice(0, 100));
  const isFolder = type === 'directory';
  if (isFolder && (path === '' || path === '.')) return { sizeBytes };
  if (!isFolder && type !== 'file' && type !== 'contiguous-file') {
    throw broken(archive, `holds ${shown}, which is a ${type ?? 'thing of no known kind'} and no file`);
  }
  if (isHidden(path)) return { sizeBytes };
  if (!isSafePath(path))
    throw broken(archive, `holds ${shown}, which leads elsewhere or is no name of a file`);
  return isFolder ? { sizeBytes } : { sizeBytes, path };
}

function broken(archive: string, what: string): SourceError {
  return new SourceError(
    'UnsupportedModel',
    `${archive} ${what}, so it is not unpacked. Its publisher has to push it anew; or choose another artifact.`,
  );
}

/** What the decompressor and the tar parser say; errors of files and connections have codes of their own. */
function explain(error: unknown, archive: string): unknown {
  if (error instanceof SourceError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'Z_';
  if (!/^(Z_|ZSTD_)/.test(code)) return error;
  return broken(archive, `is no archive that can be read to its end (${error.message})`);
}
