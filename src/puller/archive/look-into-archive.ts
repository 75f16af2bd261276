import { Readable } from 'node:stream';
import { readGgufHeader, type GgufHeader } from '../../gguf/header.ts';
import { unreachable } from '../../sources/ask.ts';
import type { HttpAnswer } from '../../sources/http/http.ts';
import { retrying, type Patience } from '../../sources/http/retry.ts';
import { isGguf } from '../../sources/select-files.ts';
import { SourceError, type Archive, type Archives } from '../../sources/source.ts';
import { filesInArchive, type PackedFile } from '../../sources/oci/tar.ts';

interface Seen {
  /** Of the first model. */
  readonly header: GgufHeader | undefined;
  /** What the archives unpack to, as far as it shows. */
  readonly unpackedBytes: number;
}

/** What is read of an archive at most, as it is unpacked: enough for the largest vocabulary. */
const mostBytes = 64 << 20;

/**
 * Looks at the beginning of archives: how large the first wanted files are, and what the first GGUF header says. Nothing
 * but a beginning can be had of an archive that is compressed.
 * @throws SourceError, NotGgufError
 */
export async function lookIntoArchives(
  { archives, wants }: Archives,
  open: (archive: Archive) => Promise<HttpAnswer>,
  patience: Patience,
  signal: AbortSignal,
): Promise<Seen> {
  let header: GgufHeader | undefined;
  let unpackedBytes = 0;
  for (const archive of archives) {
    const withHeader = header === undefined;
    const seen = await retrying(
      async () => lookInto(archive, await open(archive), { wants, withHeader, signal }),
      patience,
    );
    header ??= seen.header;
    unpackedBytes += Math.max(archive.sizeBytes, seen.unpackedBytes);
  }
  return { header, unpackedBytes };
}

async function lookInto(
  archive: Archive,
  answer: HttpAnswer,
  { wants, withHeader, signal }: { wants: Archives['wants']; withHeader: boolean; signal: AbortSignal },
): Promise<Seen> {
  const far = new TooFar();
  let unpackedBytes = 0;
  try {
    const files = filesInArchive(bodyOf(answer, signal), archive, { mostBytes, tooLarge: () => far });
    for await (const file of files) {
      if (!wants(file.path)) continue;
      unpackedBytes += file.sizeBytes;
      if (!withHeader) return { header: undefined, unpackedBytes };
      if (!isGguf(file.path)) continue;
      const header = await readGgufHeader({ ...file, read: inSequence(file) });
      if (header.role === 'model') return { header, unpackedBytes };
    }
  } catch (error) {
    if (error !== far) throw error;
  }
  return { header: undefined, unpackedBytes };
}

class TooFar extends Error {
  override readonly name = 'TooFar';
}

/** So that a connection that breaks is told from an archive that is broken. */
function bodyOf({ body, origin }: HttpAnswer, signal: AbortSignal): Readable {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* body as AsyncIterable<Uint8Array>;
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof SourceError ? error : unreachable(origin, error);
    }
  }
  return Readable.from(chunks(), { objectMode: false });
}

/** Reads a file that comes once from its beginning; what was read before stays at hand. */
function inSequence({
  content,
}: PackedFile): (start: number, end: number) => Promise<Uint8Array<ArrayBuffer>> {
  const source = content[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let length = 0;
  return async (start, end) => {
    while (length < end) {
      const next = await source.next();
      if (next.done) break;
      chunks.push(next.value);
      length += next.value.byteLength;
    }
    const all = Buffer.concat(chunks);
    chunks.splice(0, chunks.length, all);
    return new Uint8Array(all.subarray(start, end));
  };
}
