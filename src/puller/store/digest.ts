import { createHash } from 'node:crypto';
import type { ModelFile } from '../../api/model-status.ts';

/** Of one file its own; of several the sha256 of what `sha256sum` prints for them, sorted by path. */
export function digestOf(files: readonly ModelFile[]): string {
  const [only] = files;
  if (only !== undefined && files.length === 1) return `sha256:${only.sha256}`;
  const lines = [...files]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ sha256, path }) => `${sha256}  ${path}\n`);
  return `sha256:${createHash('sha256').update(lines.join('')).digest('hex')}`;
}
