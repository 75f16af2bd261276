import { readGgufHeader, type ReadRange } from '../gguf/header.ts';
import type { Inspection } from '../protocols/puller.ts';
import { networkProblem } from '../sources/http.ts';
import { retrying, type Patience } from '../sources/retry.ts';
import { isGguf } from '../sources/select-files.ts';
import { SourceError, type Source, type SourceFile } from '../sources/source.ts';

/** Says what a source names, from its metadata and the header of its first GGUF file. */
export async function inspect(source: Source, patience: Patience, signal: AbortSignal): Promise<Inspection> {
  const { revision, files } = await source.resolve();
  const model = files.find((file) => isGguf(file.path));
  const read = (file: SourceFile): ReadRange => rangeReader(source, revision, file, patience, signal);
  return {
    revision,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    fileCount: files.length,
    gguf:
      model === undefined
        ? {}
        : await readGgufHeader({ path: model.path, sizeBytes: model.sizeBytes, read: read(model) }),
  };
}

function rangeReader(
  source: Source,
  revision: string,
  file: SourceFile,
  patience: Patience,
  signal: AbortSignal,
): ReadRange {
  return (start, end) =>
    retrying(async () => {
      const { status, body, origin } = await source.open(revision, file, { start, end: end - 1 }, signal);
      // A server that ignores ranges sends the file from its beginning.
      const skip = status === 206 ? 0 : start;
      const wanted = skip + end - start;
      const chunks: Buffer[] = [];
      let length = 0;
      try {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          chunks.push(chunk);
          length += chunk.byteLength;
          if (length >= wanted) break;
        }
      } catch (cause) {
        signal.throwIfAborted();
        throw new SourceError(
          'SourceUnreachable',
          `The connection to ${origin} broke: ${networkProblem(cause)}.`,
          {
            cause,
          },
        );
      }
      return new Uint8Array(Buffer.concat(chunks).subarray(skip, wanted));
    }, patience);
}
