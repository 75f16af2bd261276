import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Where an unfinished download is on a volume, whoever has it. Rejects where there is none. */
export async function partialFolder(volume: string, hex: string): Promise<string> {
  const partial = join(volume, '.partial', hex);
  const [holder] = await readdir(partial);
  if (holder === undefined) throw new Error(`nobody has begun with ${hex}`);
  return join(partial, holder);
}
