import { NotGgufError } from './errors.ts';

/** Reads the bytes from `start` up to but not including `end`; fewer where the file ends before. */
export type ReadRange = (start: number, end: number) => Promise<Uint8Array<ArrayBuffer>>;

/** What is read at once: most headers are shorter, but for their vocabulary. */
const pieceBytes = 2_000_000;
/** Far more than the largest vocabulary takes. What a header that is longer describes is no model. */
const mostHeaderBytes = 256 << 20;

/**
 * Reads numbers and strings of a GGUF file one after the other, and never beyond its end. `have` is to be awaited before
 * anything is taken; it answers at once where the bytes are here already, as they mostly are.
 */
export class Cursor {
  readonly #path: string;
  readonly #sizeBytes: number;
  readonly #read: ReadRange;
  #piece = new DataView(new ArrayBuffer(0));
  #pieceStart = 0;
  #position = 0;

  constructor({ path, sizeBytes, read }: { path: string; sizeBytes: number; read: ReadRange }) {
    this.#path = path;
    this.#sizeBytes = sizeBytes;
    this.#read = read;
  }

  get position(): number {
    return this.#position;
  }

  /** @throws NotGgufError when the file does not have so many bytes from here on. */
  have(bytes: number): Promise<void> | undefined {
    if (this.#at + bytes <= this.#piece.byteLength) return undefined;
    return this.#load(bytes);
  }

  u32(): number {
    const value = this.#piece.getUint32(this.#at, true);
    this.#position += 4;
    return value;
  }

  /** @throws NotGgufError for a number that counts nothing a file could hold. */
  u64(): number {
    const value = Number(this.#piece.getBigUint64(this.#at, true));
    if (!Number.isSafeInteger(value)) throw this.problem(`has a length of ${value}`);
    this.#position += 8;
    return value;
  }

  /** A number of one of GGUF's types, for which `have` was asked for 8 bytes or its own. */
  number(type: number): number | bigint | boolean {
    const at = this.#at;
    this.#position += numberBytes[type]!;
    switch (type) {
      case 0:
        return this.#piece.getUint8(at);
      case 1:
        return this.#piece.getInt8(at);
      case 2:
        return this.#piece.getUint16(at, true);
      case 3:
        return this.#piece.getInt16(at, true);
      case 4:
        return this.#piece.getUint32(at, true);
      case 5:
        return this.#piece.getInt32(at, true);
      case 6:
        return this.#piece.getFloat32(at, true);
      case 7:
        return this.#piece.getUint8(at) !== 0;
      case 10:
        return this.#piece.getBigUint64(at, true);
      case 11:
        return this.#piece.getBigInt64(at, true);
      default:
        return this.#piece.getFloat64(at, true);
    }
  }

  text(bytes: number): string {
    const { buffer, byteOffset } = this.#piece;
    const text = Buffer.from(buffer, byteOffset + this.#at, bytes).toString();
    this.#position += bytes;
    return text;
  }

  /** @throws NotGgufError when the file, or what a header may have, ends before. */
  skip(bytes: number): void {
    this.#checkEnd(bytes);
    this.#position += bytes;
  }

  problem(what: string): NotGgufError {
    return new NotGgufError(
      `${this.#path} is no GGUF file that can be read: at byte ${this.#position} it ${what}.`,
    );
  }

  get #at(): number {
    return this.#position - this.#pieceStart;
  }

  #checkEnd(bytes: number): void {
    const end = this.#position + bytes;
    if (end > this.#sizeBytes) {
      throw new NotGgufError(`${this.#path} ends within its GGUF header, after ${this.#sizeBytes} bytes.`);
    }
    if (end > mostHeaderBytes)
      throw this.problem(`goes on with a header of more than ${mostHeaderBytes} bytes`);
  }

  async #load(bytes: number): Promise<void> {
    this.#checkEnd(bytes);
    const start = this.#position;
    const end = Math.min(this.#sizeBytes, start + Math.max(bytes, pieceBytes));
    const piece = await this.#read(start, end);
    if (piece.byteLength < bytes) {
      throw new NotGgufError(
        `${this.#path} ends within its GGUF header, after ${start + piece.byteLength} bytes.`,
      );
    }
    this.#piece = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    this.#pieceStart = start;
  }
}

/** Sizes of GGUF's number types: `gguf_metadata_value_type`. */
export const numberBytes: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
