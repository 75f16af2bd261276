/** GGUF files made on the spot. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */

/** `general.file_type`, and how the tensor type it stands for packs elements: llama.h `LLAMA_FTYPE_*`, ggml.h. */
const fileTypes = {
  F32: { fileType: 0, tensorType: 0, blockElements: 1, blockBytes: 4 },
  F16: { fileType: 1, tensorType: 1, blockElements: 1, blockBytes: 2 },
  Q4_0: { fileType: 2, tensorType: 2, blockElements: 32, blockBytes: 18 },
  Q8_0: { fileType: 7, tensorType: 8, blockElements: 32, blockBytes: 34 },
  Q4_K_M: { fileType: 15, tensorType: 12, blockElements: 256, blockBytes: 144 },
  Q6_K: { fileType: 18, tensorType: 14, blockElements: 256, blockBytes: 210 },
} as const;

export type Quantization = keyof typeof fileTypes;

export type TinyGgufOptions = {
  architecture?: string;
  name?: string;
  quantization?: Quantization;
  contextLength?: number;
  blockCount?: number;
  /** Exact length of the file in bytes; a filler tensor takes what the others leave. Default: no filler. */
  size?: number;
  /** Other seeds, other weights. */
  seed?: number;
  /**
   * More keys, or other values for those above: integers become uint32, other numbers float32. A list is one of what its
   * first member is.
   */
  metadata?: Metadata;
  /** F32 tensors, by name, in place of the usual ones: what llama.cpp needs to load a file it has no use for. */
  tensors?: Record<string, number[]>;
};

type Scalar = string | number | boolean;
type Metadata = Record<string, Scalar | Scalar[]>;

const alignment = 32;
const embeddingLength = 256;
const vocabulary = 32;
const type = { uint32: 4, float32: 6, bool: 7, string: 8, list: 9 } as const;
const int8Tensor = { tensorType: 24, blockElements: 1, blockBytes: 1 };
const f32Tensor = fileTypes.F32;

type Tensor = { name: string; shape: number[]; type: typeof int8Tensor | (typeof fileTypes)[Quantization] };

/** A GGUF file with a header that says all a loader plans with, and too few weights to run. */
export function tinyGguf(options: TinyGgufOptions = {}): Buffer {
  const { architecture = 'llama', quantization = 'Q4_K_M', size, seed = 1 } = options;
  const metadata: Metadata = {
    'general.architecture': architecture,
    'general.name': options.name ?? 'tiny',
    'general.file_type': fileTypes[quantization].fileType,
    'general.quantization_version': 2,
    'general.alignment': alignment,
    [`${architecture}.context_length`]: options.contextLength ?? 2048,
    [`${architecture}.block_count`]: options.blockCount ?? 2,
    [`${architecture}.embedding_length`]: embeddingLength,
    [`${architecture}.feed_forward_length`]: 512,
    [`${architecture}.attention.head_count`]: 4,
    [`${architecture}.attention.head_count_kv`]: 2,
    ...options.metadata,
  };
  const usual: Tensor[] = [
    { name: 'token_embd.weight', shape: [embeddingLength, vocabulary], type: fileTypes[quantization] },
    { name: 'output_norm.weight', shape: [embeddingLength], type: f32Tensor },
  ];
  const given = Object.entries(options.tensors ?? {});
  const tensors =
    given.length === 0 ? usual : given.map(([name, shape]): Tensor => ({ name, shape, type: f32Tensor }));
  if (size !== undefined) {
    // The header does not grow with a shape's value, so a filler of any length tells where its bytes begin.
    const filler: Tensor = { name: 'filler.weight', shape: [1], type: int8Tensor };
    const elements = size - (layOut(metadata, [...tensors, filler]).length - 1);
    if (elements < 1) throw new RangeError(`a GGUF file of ${size} bytes has no room for its header`);
    tensors.push({ ...filler, shape: [elements] });
  }
  const { header, length } = layOut(metadata, tensors);
  const file = Buffer.allocUnsafe(length);
  fillWithNoise(file, seed);
  header.copy(file);
  return file;
}

/** Bytes that are no GGUF file, whatever the file's name says. */
export function notGguf(size: number): Buffer {
  const file = Buffer.allocUnsafe(size);
  fillWithNoise(file, 2);
  file.write('This is not a GGUF file.\n');
  return file;
}

function layOut(metadata: Metadata, tensors: Tensor[]): { header: Buffer; length: number } {
  const entries = Object.entries(metadata);
  let offset = 0;
  let end = 0;
  const infos = tensors.map((tensor) => {
    const info = Buffer.concat([
      string(tensor.name),
      uint32(tensor.shape.length),
      ...tensor.shape.map(uint64),
      uint32(tensor.type.tensorType),
      uint64(offset),
    ]);
    const elements = tensor.shape.reduce((product, side) => product * side, 1);
    end = offset + (elements / tensor.type.blockElements) * tensor.type.blockBytes;
    offset = align(end);
    return info;
  });
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    uint32(3),
    uint64(tensors.length),
    uint64(entries.length),
    ...entries.flatMap(([key, value]) => [string(key), metadataValue(value)]),
    ...infos,
  ]);
  const header = Buffer.concat([head, Buffer.alloc(align(head.byteLength) - head.byteLength)]);
  return { header, length: header.byteLength + end };
}

function metadataValue(value: Scalar | Scalar[]): Buffer {
  if (!Array.isArray(value)) {
    const { valueType, bytes } = scalar(value);
    return Buffer.concat([uint32(valueType), bytes]);
  }
  const members = value.map(scalar);
  const memberType = members[0]?.valueType ?? type.uint32;
  const bytes = members.map((member) => member.bytes);
  return Buffer.concat([uint32(type.list), uint32(memberType), uint64(members.length), ...bytes]);
}

function scalar(value: Scalar): { valueType: number; bytes: Buffer } {
  if (typeof value === 'string') return { valueType: type.string, bytes: string(value) };
  if (typeof value === 'boolean') return { valueType: type.bool, bytes: Buffer.from([value ? 1 : 0]) };
  if (Number.isInteger(value)) return { valueType: type.uint32, bytes: uint32(value) };
  const float = Buffer.alloc(4);
  float.writeFloatLE(value);
  return { valueType: type.float32, bytes: float };
}

/** Noise that never repeats within a file, so that bytes put in the wrong place change its hash (xorshift32). */
function fillWithNoise(file: Buffer, seed: number): void {
  let state = seed >>> 0 || 1;
  for (let at = 0; at < file.byteLength; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    if (at + 4 <= file.byteLength) file.writeInt32LE(state | 0, at);
    else file.fill(state & 0xff, at);
  }
}

const align = (length: number): number => Math.ceil(length / alignment) * alignment;

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint64(bytes.byteLength), bytes]);
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function uint64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}
