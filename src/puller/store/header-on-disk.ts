import { open } from 'node:fs/promises';
import type { FileRole } from '../../api/model-status.ts';
import { readGgufHeader, type GgufHeader } from '../../gguf/header.ts';
import { isGguf } from '../../sources/select-files.ts';

/** What a file is to errors: its name and its size. */
interface Named {
  readonly path: string;
  readonly sizeBytes: number;
}

/** What a GGUF file is; undefined for any other. @throws NotGgufError, TruncatedGgufError. */
export async function roleInHeader(file: Named, at: string): Promise<FileRole | undefined> {
  return isGguf(file.path) ? (await readHeaderAt(file, at)).role : undefined;
}

/** @param at Where the file is. @throws NotGgufError, TruncatedGgufError. */
export async function readHeaderAt({ path, sizeBytes }: Named, at: string): Promise<GgufHeader> {
  await using file = await open(at, 'r');
  return await readGgufHeader({
    path,
    sizeBytes,
    async read(start, end) {
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, start);
      return bytes.subarray(0, bytesRead);
    },
  });
}
