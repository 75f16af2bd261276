import { GGMLFileQuantizationType, GGMLQuantizationType } from '@huggingface/gguf';
import type { GgufFacts, MemoryFacts } from '../api/model-status.ts';
import type { ReadRange } from './cursor.ts';
import { NotGgufError } from './errors.ts';
import { contextMemory } from './memory.ts';
import { parseGguf, type Metadata, type TensorInfo } from './parse.ts';
import { quantizationInName } from './quantization.ts';

export interface GgufFile {
  /** For the quantization, where the header does not say it. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly read: ReadRange;
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
  /** What a model takes of a server's memory; empty for anything else. */
  readonly memory: MemoryFacts;
  /** The number of weights in this very file, and the bytes that they take; undefined where a type is not known. */
  readonly weights: number;
  readonly weightsBytes: number | undefined;
  /** The names of the tensors that they are in. */
  readonly tensors: readonly string[];
}

/**
 * Reads a GGUF header, in pieces of 2 MB and as many as it is long: the vocabulary is part of it.
 * @throws NotGgufError, TruncatedGgufError, and whatever `read` throws.
 */
export async function readGgufHeader(file: GgufFile): Promise<GgufHeader> {
  const { metadata, tensors } = await parseGguf(file);
  const weights = tensors.reduce((sum, tensor) => sum + tensor.weights, 0);
  const weightsBytes = sumOfKnown(tensors.map(({ bytes }) => bytes));
  const architecture = text(metadata['general.architecture'], 64);
  const role = roleOf(metadata, architecture);
  if (architecture === undefined && role !== undefined && role !== 'piece') {
    throw new NotGgufError(`${file.path} has a GGUF header that names no architecture.`);
  }
  const own = (key: string) => metadata[`${architecture}.${key}`];
  const pieces = count(metadata['split.count']) ?? 1;
  const facts: GgufFacts = {
    architecture,
    quantization:
      fileType(metadata['general.file_type']) ?? quantizationInName(file.path) ?? dominantType(tensors),
    contextLength: count(own('context_length')),
    layers: count(own('block_count')),
    heads: largest(own('attention.head_count')),
    kvHeads: largest(own('attention.head_count_kv')),
    tokenizer: text(metadata['tokenizer.ggml.model'], 64),
    chatTemplate: role === 'model' ? 'tokenizer.chat_template' in metadata : undefined,
    pieces: pieces > 1 ? pieces : undefined,
    license: text(metadata['general.license'], 128),
  };
  const memory = role === 'model' && architecture !== undefined ? contextMemory(metadata, architecture) : {};
  const header: GgufHeader = {
    facts,
    memory,
    ...(role !== undefined && { role }),
    weights,
    weightsBytes,
    tensors: tensors.map(({ name }) => name),
  };
  return pieces > 1 ? header : { ...header, ...joined([header]) };
}

/**
 * The facts of a model that is split over files, and what it takes of memory, from the headers of all of them, the first
 * piece first.
 */
export function joined(
  headers: readonly [GgufHeader, ...GgufHeader[]],
): Pick<GgufHeader, 'facts' | 'memory'> {
  const [{ facts, memory, role }] = headers;
  const weights = headers.reduce((sum, header) => sum + header.weights, 0);
  const weightsBytes = sumOfKnown(headers.map((header) => header.weightsBytes));
  return {
    facts: withWeights(facts, weights),
    memory: role === 'model' && weightsBytes !== undefined ? { weightsBytes, ...memory } : memory,
  };
}

/** Undefined where one of them is not known. */
function sumOfKnown(numbers: readonly (number | undefined)[]): number | undefined {
  return numbers.reduce<number | undefined>(
    (sum, number) => (sum === undefined || number === undefined ? undefined : sum + number),
    0,
  );
}

function withWeights(facts: GgufFacts, weights: number): GgufFacts {
  return weights === 0 ? facts : { ...facts, parameterCount: weights, parameters: parametersText(weights) };
}

/** `general.type` is absent in older files; pieces after the first have the keys of the split only (`gguf-split`). */
function roleOf(metadata: Metadata, architecture: string | undefined): GgufHeader['role'] {
  const type = metadata['general.type'] ?? 'model';
  if (type === 'mmproj' || architecture === 'clip') return 'projector';
  if (type === 'adapter') return 'adapter';
  if (type !== 'model') return undefined;
  return (count(metadata['split.no']) ?? 0) > 0 ? 'piece' : 'model';
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
function dominantType(tensors: readonly TensorInfo[]): string | undefined {
  const sums = new Map<number, number>();
  for (const { type, weights } of tensors) sums.set(type, (sums.get(type) ?? 0) + weights);
  const [most] = [...sums].sort(([, a], [, b]) => b - a);
  return most === undefined ? undefined : tensorTypeName(most[0]);
}

/** What ggml calls a type of weights, such as `Q4_K`; undefined for one that is not known here. */
export const tensorTypeName = (type: number): string | undefined => GGMLQuantizationType[type];

/** A whole number that JSON can carry; GGUF has 64-bit ones. */
function count(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** The largest of a number for each layer, or the one for all of them. */
function largest(value: unknown): number | undefined {
  const counts = [value]
    .flat()
    .map(count)
    .filter((one) => one !== undefined);
  return counts.length === 0 ? undefined : Math.max(...counts);
}

function text(value: unknown, longest: number): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, longest) : undefined;
}
