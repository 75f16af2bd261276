import type { ModelSource } from '../../../api/source.ts';
import { nameOfFiles } from '../../../sources/files/file-urls.ts';

/**
 * The source as one line, for people: `hf:owner/name@revision`, `ollama:` and the model as `ollama pull` takes it,
 * `volume:claim/path`, the first URL, or `oci://` and the reference.
 */
export function sourceLine({ huggingFace, ollama, volume, http, oci }: ModelSource): string {
  if (ollama) return `ollama:${ollama.model}`;
  if (http) return nameOfFiles(http);
  if (oci) return `oci://${oci.reference}`;
  if (volume) return `volume:${volume.claimName}/${volume.path ?? ''}`;
  return huggingFace ? `hf:${huggingFace.repo}@${huggingFace.revision}` : '';
}
