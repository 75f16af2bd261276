import type { ReadRange } from '../gguf/cursor.ts';
import { joined, readGgufHeader, type GgufHeader } from '../gguf/header.ts';
import { pieceInName } from '../gguf/quantization.ts';
import type { Inspection } from '../protocols/puller.ts';
import { readBody } from '../sources/ask.ts';
import { retrying, type Patience } from '../sources/http/retry.ts';
import { isGguf } from '../sources/select-files.ts';
import { SourceError, type Archive, type Source, type SourceFile } from '../sources/source.ts';
import { lookIntoArchives } from './archive/look-into-archive.ts';
import { refuseWebPage } from './transfer/receive.ts';
import { checkReportable } from './report.ts';

/** Says what a source names, from its metadata and the GGUF header of what a server would load. */
export async function inspect(source: Source, patience: Patience, signal: AbortSignal): Promise<Inspection> {
  const resolution = await source.resolve();
  checkReportable(resolution);
  const {
    revision,
    files,
    packed,
    hasProjector = files.some(({ role }) => role === 'projector'),
  } = resolution;
  const readHeader = (file: SourceFile): Promise<GgufHeader> =>
    readGgufHeader({ ...file, read: rangeReader(source, revision, file, patience, signal) });
  const model = await readModel(files, readHeader, (header) => source.refuse?.(header));
  const sizeBytes = sumOfSizes(files);
  if (packed === undefined) {
    const gguf = { ...model.facts, projector: hasProjector };
    return { revision, sizeBytes, fileCount: files.length, gguf, memory: model.memory };
  }

  const open = (archive: Archive) => source.open(revision, archive, undefined, signal);
  const seen = await lookIntoArchives(packed, open, patience, signal);
  const { facts, memory } = files.some(({ path }) => isGguf(path)) ? model : (seen.header ?? model);
  const packedBytes = sumOfSizes(packed.archives);
  return {
    revision,
    sizeBytes: sizeBytes + packedBytes,
    spaceBytes: sizeBytes + packedBytes + seen.unpackedBytes,
    fileCount: files.length + packed.archives.length,
    gguf: { ...facts, projector: hasProjector },
    memory,
  };
}

function sumOfSizes(files: readonly SourceFile[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

/**
 * What the first model among the files says of itself, or, where there is none, the first GGUF file. Of a model in pieces
 * every header is read, for the number of weights.
 * @throws SourceError UnsupportedModel where a projector is all there is.
 */
export async function readModel<F extends { readonly path: string }>(
  files: readonly F[],
  readHeader: (file: F) => Promise<GgufHeader>,
  refuse: (model: GgufHeader) => void = () => {},
): Promise<Pick<GgufHeader, 'facts' | 'memory'>> {
  let first: { path: string; header: GgufHeader } | undefined;
  for (const file of files) {
    if (!isGguf(file.path)) continue;
    const header = await readHeader(file);
    first ??= { path: file.path, header };
    if (header.role !== 'model') continue;
    refuse(header);
    const model = pieceInName(file.path)?.model;
    const pieces = files.filter(({ path }) => path !== file.path && pieceInName(path)?.model === model);
    if (model === undefined) return header;
    const headers: [GgufHeader, ...GgufHeader[]] = [header];
    for (const piece of pieces) headers.push(await readHeader(piece));
    return joined(headers);
  }
  if (first?.header.role === 'projector') {
    throw new SourceError(
      'UnsupportedModel',
      `${first.path} is a projector for images or sound by its GGUF header, and no model. The runtime cannot use projectors yet; choose the file of the model.`,
    );
  }
  return first?.header ?? { facts: {}, memory: {} };
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
      try {
        refuseWebPage(answer, file);
      } catch (error) {
        answer.body.destroy();
        throw error;
      }
      // A server that ignores ranges sends the file from its beginning.
      const skip = status === 206 ? 0 : start;
      const wanted = skip + end - start;
      const bytes = await readBody(origin, answer, wanted, signal);
      if (bytes.byteLength < wanted) {
        throw new SourceError(
          'SourceUnreachable',
          `${origin} sent ${bytes.byteLength} of the ${wanted} bytes that were asked for of ${file.path}.`,
        );
      }
      return new Uint8Array(bytes.subarray(skip));
    }, patience);
}
