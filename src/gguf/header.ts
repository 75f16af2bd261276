import {
  GGMLFileQuantizationType,
  GGMLQuantizationType,
  gguf,
  type GGUFParseOutput,
} from '@huggingface/gguf';
import type { GgufFacts } from '../api/model.ts';
import { quantizationInName } from './quantization.ts';

/** Reads the bytes from `start` up to but not including `end`; fewer where the file ends before. */
export type ReadRange = (start: number, end: number) => Promise<Uint8Array<ArrayBuffer>>;

export interface GgufFile {
  /** For the quantization, where the header does not say it. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly read: ReadRange;
}

/** The file is not GGUF, or its header is cut off or makes no sense. */
export class NotGgufError extends Error {
  override readonly name = 'NotGgufError';
}

/** From this value on, numbers in `general.file_type` are not llama.cpp's `llama_ftype`. */
const firstUnofficialFileType = 1000;

export interface GgufHeader {
  readonly facts: GgufFacts;
  /**
   * What the file is to a server. A piece is one that comes after the first of a split model. Absent for what no server
   * loads, such as the statistics of a quantizer.
   */
  readonly role?: 'model' | 'piece' | 'adapter' | 'projector';
  /** The number of weights in this very file. */
  readonly weights: number;
  /** The names of the tensors that they are in. */
  readonly tensors: readonly string[];
}

/**
 * Reads a GGUF header, in pieces of 2 MB and as many as it is long: the vocabulary is part of it.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @throws NotGgufError, and whatever `read` throws.
 */
export async function readGgufHeader(file: GgufFile): Promise<GgufHeader> {
  const { metadata, tensorInfos, parameterCount } = await parse(file);
  const architecture = text(metadata['general.architecture'], 64);
  const role = roleOf(metadata, architecture);
  if (architecture === undefined && role !== undefined && role !== 'piece') {
    throw new NotGgufError(`${file.path} has a GGUF header that names no architecture.`);
  }
  const isSplit = (count(metadata['split.count']) ?? 1) > 1;
  const facts = {
    architecture,
    quantization:
      fileType(metadata['general.file_type']) ?? quantizationInName(file.path) ?? dominantType(tensorInfos),
    contextLength: count(metadata[`${architecture}.context_length`]),
    layers: count(metadata[`${architecture}.block_count`]),
    license: text(metadata['general.license'], 128),
  };
  return {
    facts: isSplit ? facts : withWeights(facts, parameterCount),
    ...(role !== undefined && { role }),
    weights: parameterCount,
    tensors: tensorInfos.map(({ name }) => name),
  };
}

/** The facts of a model that is split over files, from the headers of all of them, the first piece first. */
export function factsOfPieces(headers: readonly [GgufHeader, ...GgufHeader[]]): GgufFacts {
  return withWeights(
    headers[0].facts,
    headers.reduce((sum, { weights }) => sum + weights, 0),
  );
}

function withWeights(facts: GgufFacts, weights: number): GgufFacts {
  return weights === 0 ? facts : { ...facts, parameterCount: weights, parameters: parametersText(weights) };
}

/** `general.type` is absent in older files; pieces after the first have the keys of the split only (`gguf-split`). */
function roleOf(metadata: Parsed['metadata'], architecture: string | undefined): GgufHeader['role'] {
  const type = metadata['general.type'] ?? 'model';
  if (type === 'mmproj' || architecture === 'clip') return 'projector';
  if (type === 'adapter') return 'adapter';
  if (type !== 'model') return undefined;
  return (count(metadata['split.no']) ?? 0) > 0 ? 'piece' : 'model';
}

interface Parsed {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tensorInfos: GGUFParseOutput['tensorInfos'];
  readonly tensorInfoByteRange: readonly [start: number, end: number];
  readonly parameterCount: number;
}

async function parse({ path, sizeBytes, read }: GgufFile): Promise<Parsed> {
  let failedRead: { error: unknown } | undefined;
  // The parser asks for ranges through `fetch`; whatever holds the file answers.
  const readAsFetch: typeof fetch = async (_url, init) => {
    const [start, last] = requestedRange(new Headers(init?.headers).get('range'));
    try {
      const bytes = start < sizeBytes ? await read(start, Math.min(last + 1, sizeBytes)) : new Uint8Array();
      return new Response(bytes, { headers: { 'content-range': `bytes ${start}-${last}/${sizeBytes}` } });
    } catch (error) {
      failedRead = { error };
      throw error;
    }
  };
  let parsed: Parsed;
  try {
    const { metadata, ...rest } = await gguf('http://file/', {
      fetch: readAsFetch,
      computeParametersCount: true,
    });
    // The library's type knows some architectures; a file may be of any.
    parsed = { metadata: { ...metadata }, ...rest };
  } catch (error) {
    if (failedRead !== undefined) throw failedRead.error;
    const problem = error instanceof Error ? error.message : String(error);
    throw new NotGgufError(`${path} is no GGUF file that can be read: ${problem}.`, { cause: error });
  }
  // The parser reads zeros past the end of a file.
  if (parsed.tensorInfoByteRange[1] > sizeBytes) {
    throw new NotGgufError(`${path} ends within its GGUF header, after ${sizeBytes} bytes.`);
  }
  return parsed;
}

function requestedRange(range: string | null): [start: number, last: number] {
  const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '');
  if (match === null) throw new Error(`the GGUF parser asked for an unexpected range: ${range}`);
  return [Number(match[1]), Number(match[2])];
}

/** A number of weights as people write it: 268M, 8.0B, 1.0T. */
export function parametersText(weights: number): string {
  if (weights < 999_500) return `${Math.round(weights / 1e3)}K`;
  if (weights < 999_500_000) return `${Math.round(weights / 1e6)}M`;
  if (weights < 999_950_000_000) return `${(weights / 1e9).toFixed(1)}B`;
  return `${(weights / 1e12).toFixed(1)}T`;
}

function fileType(value: unknown): string | undefined {
  const type = count(value);
  return type === undefined || type >= firstUnofficialFileType ? undefined : GGMLFileQuantizationType[type];
}

/** The type that holds most of the weights. */
function dominantType(tensors: GGUFParseOutput['tensorInfos']): string | undefined {
  const weights = new Map<GGMLQuantizationType, number>();
  for (const { dtype, shape } of tensors) {
    const size = shape.reduce((product, length) => product * Number(length), 1);
    weights.set(dtype, (weights.get(dtype) ?? 0) + size);
  }
  const [most] = [...weights].sort(([, a], [, b]) => b - a);
  return most === undefined ? undefined : GGMLQuantizationType[most[0]];
}

/** A whole number that JSON can carry; GGUF has 64-bit ones. */
function count(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function text(value: unknown, longest: number): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, longest) : undefined;
}
