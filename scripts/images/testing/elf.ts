import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ElfFile } from '../elf.ts';

/** Where the file is in memory: not where it is in itself. */
const start = 0x10000;
const tags = { needed: 1n, strings: 5n, stringsSize: 10n, runpath: 29n };

/** Writes a library that asks for these. It has what a loader reads first, and no code. */
export async function writeElf(path: string, { needed = [], runpath = [] }: Partial<ElfFile>): Promise<void> {
  const texts = [...needed, ...(runpath.length > 0 ? [runpath.join(':')] : [])];
  const strings = Buffer.from(`\0${texts.map((text) => `${text}\0`).join('')}`);
  const offsetOf = (text: string) => BigInt(strings.indexOf(`\0${text}\0`) + 1);
  const count = texts.length + 3;
  const dynamicAt = 64 + 2 * 56;
  const stringsAt = dynamicAt + count * 16;
  const entries = [
    ...needed.map((name) => [tags.needed, offsetOf(name)] as const),
    ...(runpath.length > 0 ? [[tags.runpath, offsetOf(runpath.join(':'))] as const] : []),
    [tags.strings, BigInt(start + stringsAt)] as const,
    [tags.stringsSize, BigInt(strings.length)] as const,
  ];
  const file = Buffer.alloc(stringsAt + strings.length);
  file.write('\x7fELF\x02\x01', 0, 'latin1');
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  const segment = (at: number, type: number, offset: number, size: number) => {
    file.writeUInt32LE(type, at);
    file.writeBigUInt64LE(BigInt(offset), at + 8);
    file.writeBigUInt64LE(BigInt(start + offset), at + 16);
    file.writeBigUInt64LE(BigInt(size), at + 32);
  };
  segment(64, 1, 0, file.length);
  segment(64 + 56, 2, dynamicAt, count * 16);
  for (const [i, [tag, value]] of entries.entries()) {
    file.writeBigInt64LE(tag, dynamicAt + i * 16);
    file.writeBigUInt64LE(value, dynamicAt + i * 16 + 8);
  }
  strings.copy(file, stringsAt);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, file);
}
