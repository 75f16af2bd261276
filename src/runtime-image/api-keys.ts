import { createHash, timingSafeEqual } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Who may ask: whoever has one of these keys. */
export interface ApiKeys {
  accepts(given: string): Promise<boolean>;
}

/** There is no key to be found, so nobody could ask. */
export class NoApiKeys extends Error {
  override readonly name = 'NoApiKeys';
}

/** Milliseconds that keys are used before they are read again; the kubelet takes longer to bring new ones. */
const fresh = 1000;

/**
 * Keys in a file, or in the files of a folder as Kubernetes mounts a Secret: one in each line. They are read again while
 * they are asked for. Where that finds none, those that were known are valid no more.
 * @param now milliseconds
 * @throws NoApiKeys
 */
export async function openApiKeys(path: string, now: () => number): Promise<ApiKeys> {
  let known = await digestsIn(path);
  let readAt = now();
  if (known.length === 0) throw new NoApiKeys(`${path} holds no API key.`);
  let reading: Promise<void> | undefined;
  const read = async () => {
    readAt = now();
    known = await digestsIn(path);
    reading = undefined;
  };
  return {
    async accepts(given) {
      if (now() - readAt >= fresh) reading ??= read();
      await reading;
      return isOneOf(known, digestOf(given));
    },
  };
}

/** Takes the same time whichever it is, and whether it is one. */
function isOneOf(digests: readonly Buffer[], digest: Buffer): boolean {
  return digests.reduce((found, one) => timingSafeEqual(one, digest) || found, false);
}

/** Of one length, whatever the length of the key. */
const digestOf = (key: string) => createHash('sha256').update(key).digest();

async function digestsIn(path: string): Promise<Buffer[]> {
  const texts = await Promise.all((await filesOf(path)).map(textOf));
  const keys = texts.flatMap((text) => text.split('\n')).map((line) => line.trim());
  return keys.filter((key) => key !== '').map(digestOf);
}

/** Without those whose names begin with a dot: Kubernetes has the versions of a Secret there. */
async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path);
    return names.filter((name) => !name.startsWith('.')).map((name) => join(path, name));
  } catch {
    return [];
  }
}

/** Nothing where a file is gone by the time it is read. */
async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
