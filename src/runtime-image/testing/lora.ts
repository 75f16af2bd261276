/** Tiny LoRA adapters as GGUF files. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */

const alignment = 32;
const rank = 4;
const type = { uint32: 4, float32: 6, string: 8 } as const;

export interface LoraOptions {
  architecture: string;
  /** A tensor of the base model, and its two sides. */
  tensor: string;
  shape: readonly [input: number, output: number];
  /** How much it adds to the weights; 0 changes nothing. */
  strength: number;
}

/** An adapter of rank 4 for one tensor, with the same numbers whenever it is made. */
export function loraGguf({ architecture, tensor, shape, strength }: LoraOptions): Buffer {
  const [input, output] = shape;
  const metadata = [
    entry('general.architecture', string(architecture), type.string),
    entry('general.type', string('adapter'), type.string),
    entry('general.alignment', uint32(alignment), type.uint32),
    entry('adapter.type', string('lora'), type.string),
    entry('adapter.lora.alpha', float32(rank), type.float32),
  ];
  const tensors = [
    { name: `${tensor}.lora_a`, sides: [input, rank], scale: strength },
    { name: `${tensor}.lora_b`, sides: [rank, output], scale: 1 },
  ].map((one) => ({ ...one, data: waves(one.sides, one.scale) }));
  let offset = 0;
  const infos = tensors.map(({ name, sides, data }) => {
    const info = Buffer.concat([
      string(name),
      uint32(sides.length),
      ...sides.map(uint64),
      uint32(0),
      uint64(offset),
    ]);
    offset += aligned(data.length);
    return info;
  });
  const head = [Buffer.from('GGUF'), uint32(3), uint64(tensors.length), uint64(metadata.length)];
  const header = Buffer.concat([...head, ...metadata, ...infos]);
  return Buffer.concat([padded(header), ...tensors.map(({ data }) => padded(data))]);
}

/** F32, little-endian. */
function waves(sides: readonly number[], scale: number): Buffer {
  const count = sides.reduce((product, side) => product * side, 1);
  const data = Buffer.alloc(count * 4);
  for (let i = 0; i < count; i++) data.writeFloatLE(Math.sin(i + 1) * scale, i * 4);
  return data;
}

function entry(key: string, value: Buffer, valueType: number): Buffer {
  return Buffer.concat([string(key), uint32(valueType), value]);
}

const aligned = (length: number) => Math.ceil(length / alignment) * alignment;

const padded = (data: Buffer) => Buffer.concat([data, Buffer.alloc(aligned(data.length) - data.length)]);

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint64(bytes.length), bytes]);
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

function float32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeFloatLE(value);
  return buffer;
}
