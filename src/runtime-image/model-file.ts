import { open, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import type { GgufFacts, MemoryFacts } from '../api/model-status.ts';
import type { GgufHeader } from '../gguf/header.ts';
import { joined, readGgufHeader } from '../gguf/header.ts';
import type { Metadata, Parsed, TensorInfo } from '../gguf/parse.ts';
import { parseGguf } from '../gguf/parse.ts';
import { pieceInName } from '../gguf/quantization.ts';

/** What the files of a model say before they are loaded. */
export interface ModelFile {
  /** Of all pieces together. */
  sizeBytes: number;
  /** When the file, or the first piece, was last changed. */
  modifiedAt: Date;
  /** SHA-256 of it, where the name of the blob tells. */
  digest?: string;
  facts: GgufFacts;
  memory: MemoryFacts;
  /** The keys of its header. */
  metadata: Metadata;
  /** Those of all pieces. */
  tensors: readonly TensorInfo[];
}

/**
 * Reads the headers of a GGUF file, and of the pieces that come with it.
 * @throws NotGgufError, TruncatedGgufError, and what the file system says
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  const piece = pieceInName(path);
  const others = piece ? Array.from({ length: piece.of - 1 }, (_, i) => piece.sibling(i + 2)) : [];
  const first = await readPiece(path);
  const rest = await Promise.all(others.map(readPiece));
  const sizes = [first, ...rest].map(({ sizeBytes }) => sizeBytes);
  const { facts, memory } = joined([first.header, ...rest.map(({ header }) => header)]);
  const digest = /^sha256-([0-9a-f]{64})$/.exec(basename(await realpath(path)))?.[1];
  return {
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    modifiedAt: first.modifiedAt,
    ...(digest !== undefined && { digest }),
    facts,
    memory,
    metadata: first.metadata,
    tensors: [first, ...rest].flatMap(({ tensors }) => tensors),
  };
}

interface Piece extends Parsed {
  header: GgufHeader;
  sizeBytes: number;
  modifiedAt: Date;
}

async function readPiece(path: string): Promise<Piece> {
  const file = await open(path);
  try {
    const { size: sizeBytes, mtime: modifiedAt } = await file.stat();
    const read = async (start: number, end: number) => {
      const { bytesRead, buffer } = await file.read(new Uint8Array(end - start), 0, end - start, start);
      return buffer.subarray(0, bytesRead);
    };
    const header = await readGgufHeader({ path, sizeBytes, read });
    const parsed = await parseGguf({ path, sizeBytes, read });
    return { ...parsed, header, sizeBytes, modifiedAt };
  } finally {
    await file.close();
  }
}
