import type { HttpSource } from '../../api/source.ts';
import { fileName } from '../repo-path.ts';

type HttpFile = HttpSource['files'][number];

/** A URL as people may see it: a query can be a signature that gives access to the file. */
export function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** The files as one line: the first URL, and how many more there are. */
export function nameOfFiles({ files }: HttpSource): string {
  const [first, ...more] = files.map(({ url }) => withoutQuery(url));
  return more.length === 0 ? (first ?? '') : `${first} and ${more.length} more`;
}

/** The path that a file gets on the volume: the one it is given, or the last part of the path of its URL. */
export function pathOfFile({ url, path }: HttpFile): string {
  if (path !== undefined) return path;
  const last = fileName(new URL(url).pathname);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
