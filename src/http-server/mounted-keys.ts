import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A line of a file in which keys are kept. */
export interface KeyLine {
  /** The name of the file: the key of the Secret. */
  file: string;
  /** From 1. */
  number: number;
  /** Never empty; without blanks at its ends. */
  text: string;
}

/** Milliseconds that keys are used before they are read again; the kubelet takes longer to bring new ones. */
const fresh = 1000;

/**
 * What is made of keys that Kubernetes mounts from a Secret, made again while it is asked for: it follows the Secret.
 * @param read looks at the files as they are
 * @param now milliseconds
 */
export async function followKeys<T>(read: () => Promise<T>, now: () => number): Promise<() => Promise<T>> {
  let readAt = now();
  let known = await read();
  let reading: Promise<void> | undefined;
  const again = async (): Promise<void> => {
    readAt = now();
    known = await read();
  };
  return async () => {
    if (now() - readAt >= fresh) reading ??= again().finally(() => (reading = undefined));
    await reading;
    return known;
  };
}

/** The lines of a file, or of the files of a folder, by name; none where there is nothing to read. */
export async function keyLines(path: string): Promise<KeyLine[]> {
  const all = await Promise.all(
    (await filesOf(path)).map(async (file) =>
      (await textOf(file))
        .split('\n')
        .map((line, i): KeyLine => ({ file: basename(file), number: i + 1, text: line.trim() })),
    ),
  );
  return all.flat().filter(({ text }) => text !== '');
}

/** Of one length, whatever the length of the key. */
export const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** Without those whose names begin with a dot: Kubernetes has the versions of a Secret there. */
async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).toSorted();
    return names.filter((name) => !name.startsWith('.')).map((name) => join(path, name));
  } catch {
    return [];
  }
}

/** Nothing where a file is gone by the time it is read. */
async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
