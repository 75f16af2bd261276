import type { GgufFacts } from '../api/model.ts';
import type { ReadRange } from '../gguf/cursor.ts';
import { factsOfPieces, readGgufHeader, type GgufHeader } from '../gguf/header.ts';
import { pieceInName } from '../gguf/quantization.ts';
import type { Inspection } from '../protocols/puller.ts';
import { readBody } from '../sources/ask.ts';
import { retrying, type Patience } from '../sources/retry.ts';
import { isGguf } from '../sources/select-files.ts';
import type { Source, SourceFile } from '../sources/source.ts';
import { checkReportable } from './report.ts';

/** Says what a source names, from its metadata and the GGUF header of what a server would load. */
export async function inspect(source: Source, patience: Patience, signal: AbortSignal): Promise<Inspection> {
  const resolution = await source.resolve();
  checkReportable(resolution);
  const { revision, files } = resolution;
  const readHeader = (file: SourceFile): Promise<GgufHeader> =>
    readGgufHeader({ ...file, read: rangeReader(source, revision, file, patience, signal) });
  return {
    revision,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    fileCount: files.length,
    gguf: await factsOf(files, readHeader, (header) => source.refuse?.(header)),
  };
}

/**
 * The facts of the first model among the files, or, where there is none, of the first GGUF file. Of a model in pieces
 * every header is read, for the number of weights.
 */
export async function factsOf<F extends { readonly path: string }>(
  files: readonly F[],
  readHeader: (file: F) => Promise<GgufHeader>,
  refuse: (model: GgufHeader) => void = () => {},
): Promise<GgufFacts> {
  let first: GgufHeader | undefined;
  for (const file of files) {
    if (!isGguf(file.path)) continue;
    const header = await readHeader(file);
    first ??= header;
    if (header.role !== 'model') continue;
    refuse(header);
    const model = pieceInName(file.path)?.model;
    const pieces = files.filter(({ path }) => path !== file.path && pieceInName(path)?.model === model);
    if (model === undefined) return header.facts;
    const headers: [GgufHeader, ...GgufHeader[]] = [header];
    for (const piece of pieces) headers.push(await readHeader(piece));
    return factsOfPieces(headers);
  }
  return first?.facts ?? {};
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
      const answer = await source.open(revision, file, { start, end: end - 1 }, signal);
      const { status, origin } = answer;
      // A server that ignores ranges sends the file from its beginning.
      const skip = status === 206 ? 0 : start;
      const wanted = skip + end - start;
      const bytes = await readBody(origin, answer, wanted, signal);
      return new Uint8Array(bytes.subarray(skip));
    }, patience);
}
