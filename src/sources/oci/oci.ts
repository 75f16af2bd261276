import type { OciSource } from '../../api/source.ts';
import { pieceInName } from '../../gguf/quantization.ts';
import { isPattern, matchesPattern } from '../file-pattern.ts';
import { field, Index, layersOf, Manifest, manifestIn, manifestTypes, unsupported } from './oci-artifact.ts';
import { parseOciReference } from './oci-reference.ts';
import { openRegistry, type Found, type RegistryOptions } from '../registry/registry.ts';
import { isSafePath } from '../repo-path.ts';
import { isGguf, selectFiles } from '../select-files.ts';
import type { Archives, Source, SourceFile } from '../source.ts';

const wording = { registry: 'OCI registry', content: 'artifact', field: `${field}.reference` } as const;

/** An artifact of a registry: a manifest whose layers are files, or archives of files. */
export function ociSource(spec: OciSource, options: RegistryOptions): Source {
  const { endpoint, host, repository, tag, digest } = parseOciReference(spec);
  const registry = openRegistry({ endpoint, repository, wording, manifestTypes }, options);
  const choose = (all: readonly SourceFile[]) =>
    selectFiles(all, { files: spec.files, field }, `the artifact ${spec.reference}`);

  /** An index stands for the one artifact in it. */
  async function manifestOf(found: Found): Promise<Found> {
    const { data: index } = Index.safeParse(found.content);
    return index === undefined ? found : registry.fetchManifest(manifestIn(index, spec.reference));
  }

  return {
    name: `oci://${spec.reference}`,
    async resolve(pinned) {
      const wanted = pinned ?? digest;
      const found =
        wanted === undefined ? await registry.fetchManifest(tag) : await registry.fetchPinned(wanted, tag);
      const { content, digest: revision } = await manifestOf(found);
      const { files, archives } = layersOf(registry.parsed(Manifest, content), spec.reference);
      const folder = `oci/${host.replaceAll(':', '+')}/${repository}/${revision.slice('sha256:'.length)}`;
      if (!isSafePath(folder)) throw unsupported(`${spec.reference} has a name too long to store`);
      // Documents, code and data are unpacked only when a file is looked for that may be among them.
      const unpacked = archives.filter(({ weights }) => weights || spec.files !== undefined);
      if (unpacked.length === 0) return { revision, files: choose(files), folder, records: [] };
      const wants = wantedBy(spec.files);
      const packed: Archives = { archives: unpacked, wants, choose };
      return { revision, files: files.filter(({ path }) => wants(path)), packed, folder, records: [] };
    },
    async isStill(revision) {
      if (digest === undefined && (await registry.digestOf(tag)) === revision) return true;
      // What the tag has may be an index, in which the artifact is.
      return (await manifestOf(await registry.fetchManifest(digest ?? tag))).digest === revision;
    },
    open(_revision, file, range, signal) {
      return registry.openBlob(`sha256:${file.digest.hex}`, file.path, range, signal);
    },
  };
}

/** Whether a file can be among those that are chosen, as far as its own path says. */
function wantedBy(names: readonly string[] | undefined): (path: string) => boolean {
  if (names === undefined) return isGguf;
  // A piece of a split model brings the others.
  const models = new Set(names.flatMap((name) => pieceInName(name)?.model ?? []));
  return (path) =>
    names.some((name) => (isPattern(name) ? matchesPattern(name, path) : path === name)) ||
    models.has(pieceInName(path)?.model ?? '');
}
