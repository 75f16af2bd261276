import type { Model } from '../../api/model.ts';
import type { ModelSource } from '../../api/source.ts';
import { parseOciReference } from '../../sources/oci/oci-reference.ts';
import { repositoryOf } from '../../sources/ollama/ollama-name.ts';
import { fingerprint } from './view.ts';

/**
 * Names what a claim is filled with, by what identifies it: a commit or the digest of a manifest in a repository, which
 * files of it, or the sha256s and paths of files by URL. Where it is fetched from, by which branch or tag and with which
 * signature, is no part of it, and neither is the Model, so that a claim can be taken over.
 */
export function contentOf({ spec }: Pick<Model, 'spec'>, { revision }: { revision: string }): string {
  return fingerprint([...chosen(spec.source), revision]);
}

/** The kind of the source, and what chooses the files where the revision alone does not. */
function chosen({ huggingFace, ollama, oci, http, volume }: ModelSource): unknown[] {
  if (huggingFace) {
    const { repo, files, quantization, bits } = huggingFace;
    return ['huggingFace', { repo, files, quantization, bits }];
  }
  if (ollama) return ['ollama', repositoryOf(ollama)];
  if (oci) return ['oci', { repository: parseOciReference(oci).repository, files: oci.files }];
  // The revision is the sha256 of the list of sha256s and paths.
  if (http) return ['http'];
  return ['volume', volume];
}

/**
 * Whether what the source names can be another tomorrow. A commit, a digest and files with their sha256 say what they are;
 * files on a volume do when their digest is asked for.
 */
export function canMove({ huggingFace, ollama, oci, volume }: ModelSource): boolean {
  if (huggingFace) return !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(huggingFace.revision);
  const reference = ollama?.model ?? oci?.reference;
  if (reference !== undefined) return !reference.includes('@');
  return volume !== undefined && volume.digest === undefined;
}
