import { open, type FileHandle } from 'node:fs/promises';

/** What the dynamic loader reads of a program or library. */
export interface ElfFile {
  /** Libraries that it asks for by name. */
  needed: string[];
  /** Folders that it wants them looked for in; `$ORIGIN` is its own. */
  runpath: string[];
}

const segmentTypes = { load: 1, dynamic: 2 };
const tags = { needed: 1n, strings: 5n, stringsSize: 10n, rpath: 15n, runpath: 29n };

/**
 * The dynamic section of a 64-bit little-endian ELF file; undefined for any other file. What is not linked dynamically
 * asks for nothing. Format: https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.dynamic.html
 */
export async function readElf(path: string): Promise<ElfFile | undefined> {
  await using file = await open(path);
  const header = await bytes(file, 0, 64);
  if (header.length < 64 || header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return undefined;
  const segments = await segmentsOf(file, header);
  const dynamic = segments.find(({ type }) => type === segmentTypes.dynamic);
  if (!dynamic) return { needed: [], runpath: [] };

  const section = await bytes(file, dynamic.offset, dynamic.size);
  const entries = Array.from({ length: Math.floor(section.length / 16) }, (_, i) => ({
    tag: section.readBigInt64LE(i * 16),
    value: Number(section.readBigUInt64LE(i * 16 + 8)),
  }));
  const valueOf = (wanted: bigint) => entries.find(({ tag }) => tag === wanted)?.value ?? 0;
  const address = valueOf(tags.strings);
  const holder = segments.find(
    ({ type, start, size }) => type === segmentTypes.load && address >= start && address < start + size,
  );
  if (!holder) throw new Error(`${path}: the names of its libraries are in no segment`);
  const at = holder.offset + address - holder.start;
  const strings = await bytes(file, at, valueOf(tags.stringsSize));
  const named = (...wanted: bigint[]) =>
    entries.filter(({ tag }) => wanted.includes(tag)).map(({ value }) => textAt(strings, value));
  return {
    needed: named(tags.needed),
    runpath: named(tags.rpath, tags.runpath).flatMap((folders) => folders.split(':').filter(Boolean)),
  };
}

interface Segment {
  type: number;
  /** In the file. */
  offset: number;
  size: number;
  /** In memory. */
  start: number;
}

async function segmentsOf(file: FileHandle, header: Buffer): Promise<Segment[]> {
  const [offset, size, count] = [
    Number(header.readBigUInt64LE(32)),
    header.readUInt16LE(54),
    header.readUInt16LE(56),
  ];
  const table = await bytes(file, offset, size * count);
  return Array.from({ length: count }, (_, i) => ({
    type: table.readUInt32LE(i * size),
    offset: Number(table.readBigUInt64LE(i * size + 8)),
    start: Number(table.readBigUInt64LE(i * size + 16)),
    size: Number(table.readBigUInt64LE(i * size + 32)),
  }));
}

async function bytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

const textAt = (strings: Buffer, offset: number) =>
  strings.toString('latin1', offset, strings.indexOf(0, offset));
