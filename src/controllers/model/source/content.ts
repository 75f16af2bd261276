import type { Model } from '../../../api/model.ts';
import type { ModelSource } from '../../../api/source.ts';
import { withoutSlash } from '../../../sources/ask.ts';
import { withoutQuery } from '../../../sources/files/file-urls.ts';
import { parseOciReference } from '../../../sources/oci/oci-reference.ts';
import { parseOllamaName, repositoryOf } from '../../../sources/ollama/ollama-name.ts';
import { fingerprint } from '../view.ts';

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
 * Names who is asked for the content: the hub, the registry, or where the files are. What a Model has left is taken over by
 * one that asks the same, since anybody can make a hub that claims to have a repository.
 */
export function originOf({ huggingFace, ollama, oci, http, volume }: ModelSource): string {
  const asked = huggingFace
    ? [withoutSlash(huggingFace.endpoint)]
    : ollama
      ? [parseOllamaName(ollama.model).host, ollama.endpoint && withoutSlash(ollama.endpoint)]
      : oci
        ? [parseOciReference(oci).endpoint]
        : (http?.files.map(({ url }) => withoutQuery(url)) ?? [volume]);
  return fingerprint(asked);
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
