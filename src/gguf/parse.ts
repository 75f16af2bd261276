import { Cursor, numberBytes, type ReadRange } from './cursor.ts';
import { TruncatedGgufError } from './errors.ts';
import { bytesOf } from './tensor-types.ts';

export interface TensorInfo {
  readonly name: string;
  /** Of ggml. */
  readonly type: number;
  readonly weights: number;
  /** As the header has it: the dimension whose elements lie side by side comes first. */
  readonly shape: readonly number[];
  /** Undefined for a type that is not known here. */
  readonly bytes: number | undefined;
}

export type Metadata = Readonly<Record<string, Value | null>>;

/** What a header says. Null is what is not kept: long lists, lists of anything but numbers, and very long strings. */
export interface Parsed {
  readonly metadata: Metadata;
  readonly tensors: readonly TensorInfo[];
}

type Scalar = number | bigint | boolean;
type Value = string | Scalar | readonly Scalar[];

/** What a header may have at most; models have some fifty keys and some thousand tensors. */
const mostKeys = 10_000;
const mostTensors = 100_000;
const longestKey = 1024;
const longestName = 1024;
const longestKeptValue = 64 << 10;
/** A number for each layer, of which llama.cpp takes 512 (`LLAMA_MAX_LAYERS`). */
const longestKeptList = 512;
const mostDimensions = 4;
const deepestList = 4;

const stringType = 8;
const listType = 9;
const defaultAlignment = 32;

/**
 * Reads the header of a GGUF file. What comes from outside bounds nothing here: counts are limited, lists are passed
 * over where they are longer than a model has layers, and nothing is read beyond the end of the file.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @throws NotGgufError, TruncatedGgufError, and whatever `read` throws.
 */
export async function parseGguf(file: { path: string; sizeBytes: number; read: ReadRange }): Promise<Parsed> {
  const cursor = new Cursor(file);
  await cursor.have(24);
  if (cursor.text(4) !== 'GGUF') throw cursor.problem('does not begin with GGUF');
  const version = cursor.u32();
  if (version !== 2 && version !== 3) throw cursor.problem(`is of GGUF version ${version}`);
  const tensorCount = limited(cursor, cursor.u64(), mostTensors, 'tensors');
  const keyCount = limited(cursor, cursor.u64(), mostKeys, 'keys');

  const metadata = Object.create(null) as Record<string, Value | null>;
  for (let i = 0; i < keyCount; i++) {
    const key = await readString(cursor, longestKey);
    if (key === undefined) throw cursor.problem('has a key without a name that can be read');
    await cursor.have(4);
    metadata[key] = (await readValue(cursor, cursor.u32())) ?? null;
  }
  const tensors: (TensorInfo & { offset: number })[] = [];
  for (let i = 0; i < tensorCount; i++) tensors.push(await readTensorInfo(cursor));
  checkEnd(file, tensors, cursor.position, metadata['general.alignment']);
  return { metadata, tensors };
}

function limited(cursor: Cursor, count: number, most: number, what: string): number {
  if (count > most) throw cursor.problem(`states ${count} ${what}, and more than ${most} are not believed`);
  return count;
}

/** Undefined for one that is too long to be kept. */
async function readString(cursor: Cursor, longest: number): Promise<string | undefined> {
  // Without waiting where nothing has to be waited for: a vocabulary has hundreds of thousands of strings.
  const length = cursor.have(8);
  if (length !== undefined) await length;
  const bytes = cursor.u64();
  if (bytes > longest) {
    cursor.skip(bytes);
    return undefined;
  }
  const content = cursor.have(bytes);
  if (content !== undefined) await content;
  return cursor.text(bytes);
}

/** Undefined for what is not kept. */
async function readValue(cursor: Cursor, type: number): Promise<Value | undefined> {
  if (type === stringType) return readString(cursor, longestKeptValue);
  if (type === listType) return readList(cursor, 1);
  const bytes = numberBytes[type];
  if (bytes === undefined) throw cursor.problem(`has a value of the unknown type ${type}`);
  await cursor.have(bytes);
  return cursor.number(type);
}

/** A short list of numbers; undefined for one that is passed over. */
async function readList(cursor: Cursor, depth: number): Promise<readonly Scalar[] | undefined> {
  if (depth > deepestList) throw cursor.problem('has lists in lists without end');
  await cursor.have(12);
  const type = cursor.u32();
  const length = cursor.u64();
  const bytes = numberBytes[type];
  if (bytes !== undefined && depth === 1 && length <= longestKeptList) {
    await cursor.have(bytes * length);
    return Array.from({ length }, () => cursor.number(type));
  }
  if (bytes !== undefined) {
    cursor.skip(bytes * length);
  } else if (type === stringType) {
    for (let i = 0; i < length; i++) {
      const waiting = cursor.have(8);
      if (waiting !== undefined) await waiting;
      cursor.skip(cursor.u64());
    }
  } else if (type === listType) {
    for (let i = 0; i < length; i++) await readList(cursor, depth + 1);
  } else throw cursor.problem(`has a list of the unknown type ${type}`);
  return undefined;
}

async function readTensorInfo(cursor: Cursor): Promise<TensorInfo & { offset: number }> {
  const name = await readString(cursor, longestName);
  if (name === undefined) throw cursor.problem('has a tensor without a name that can be read');
  await cursor.have(4);
  const dimensions = limited(cursor, cursor.u32(), mostDimensions, 'dimensions of one tensor');
  await cursor.have(dimensions * 8 + 12);
  const shape = Array.from({ length: dimensions }, () => cursor.u64());
  const weights = shape.reduce((product, length) => product * length, 1);
  if (!Number.isSafeInteger(weights)) throw cursor.problem(`states a tensor of ${weights} weights`);
  const type = cursor.u32();
  return { name, shape, weights, type, bytes: bytesOf(type, weights), offset: cursor.u64() };
}

/** @throws TruncatedGgufError where the weights reach past the end of the file. */
function checkEnd(
  { path, sizeBytes }: { path: string; sizeBytes: number },
  tensors: readonly (TensorInfo & { offset: number })[],
  headerBytes: number,
  stated: Value | null | undefined,
): void {
  const alignment = typeof stated === 'number' && stated > 0 ? stated : defaultAlignment;
  const dataStart = Math.ceil(headerBytes / alignment) * alignment;
  for (const { name, bytes = 0, offset } of tensors) {
    const end = dataStart + offset + bytes;
    if (end > sizeBytes) {
      throw new TruncatedGgufError(
        `${path} has ${sizeBytes} bytes, and by its header the weights ${name} end at byte ${end}.`,
      );
    }
  }
}
