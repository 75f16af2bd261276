import { createHash } from 'node:crypto';
import type { Digest, SourceFile } from '../../sources/source.ts';

/** In hex. */
export interface Hashes {
  readonly sha256: string;
  /** By the algorithm that the source states. */
  readonly stated: string;
}

/** Hashes a file's bytes in order: always sha256, which names the blob, and git's id where the source states that. */
export interface FileHash {
  update(bytes: Uint8Array): void;
  /** Ends the hash; call once. */
  finish(): Hashes;
}

/** @param digest What the source states; `finish().stated` is to be compared with it. */
export function hashFile({ digest, sizeBytes }: Pick<SourceFile, 'digest' | 'sizeBytes'>): FileHash {
  const sha256 = createHash('sha256');
  const git = digest.algorithm === 'git-sha1' ? createHash('sha1') : undefined;
  // Git hashes a blob with its type and size in front: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
  git?.update(`blob ${sizeBytes}\0`);
  return {
    update(bytes) {
      sha256.update(bytes);
      git?.update(bytes);
    },
    finish() {
      const hex = sha256.digest('hex');
      return { sha256: hex, stated: git === undefined ? hex : git.digest('hex') };
    },
  };
}

/** Whether the bytes are those that the source states. */
export function matches({ stated }: Hashes, digest: Digest): boolean {
  return stated === digest.hex;
}
