import { describe, expect, it } from 'vitest';
import { layersOf, Manifest, manifestIn } from './oci-artifact.ts';
import { told } from '../testing/said.ts';

const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;
const title = (path: string) => ({ 'org.opencontainers.image.title': path });
const filepath = (path: string) => ({ 'org.cncf.model.filepath': path });

/** What layers of these types and annotations become: paths of files, and archives with how they are packed. */
function found(
  ...layers: [mediaType: string, annotations?: Record<string, string> | undefined][]
): string[] | string {
  const manifest = Manifest.parse({
    schemaVersion: 2,
    layers: layers.map(([mediaType, annotations], i) => ({
      mediaType,
      digest: digest(i),
      size: i,
      annotations,
    })),
  });
  try {
    const { files, archives } = layersOf(manifest, 'r.io/m');
    return [
      ...files.map(({ path }) => path),
      ...archives.map(({ path, compression, weights }) => `${path} ${compression} ${weights}`),
    ];
  } catch (error) {
    return told(error);
  }
}

describe('the layers of an artifact', () => {
  it.each([
    ['application/vnd.cncf.model.weight.v1.raw', filepath('a/m.gguf'), 'a/m.gguf'],
    ['application/vnd.cncf.model.weight.v1.gguf', filepath('m.gguf'), 'm.gguf'],
    ['application/vnd.cncf.model.weight.config.v1.raw', filepath('./config.json'), 'config.json'],
    ['application/vnd.cncf.model.doc.v1.raw', title('README.md'), 'README.md'],
    ['application/vnd.cncf.model.weight.v1.tar', filepath('m.gguf'), 'layer 1 (m.gguf) none true'],
    ['application/vnd.cncf.model.weight.v1.tar+zstd', undefined, 'layer 1 zstd true'],
    ['application/vnd.cncf.model.weight.config.v1.tar+gzip', undefined, 'layer 1 gzip false'],
    ['application/vnd.kitops.modelkit.model.v1.tar+gzip', undefined, 'layer 1 gzip true'],
    ['application/vnd.kitops.modelkit.modelpart.v1.tar', undefined, 'layer 1 none true'],
    ['application/vnd.kitops.modelkit.docs.v1.tar+gzip', undefined, 'layer 1 gzip false'],
    ['application/vnd.docker.ai.gguf.v3', undefined, 'model.gguf'],
    ['application/vnd.docker.ai.gguf.v3', filepath('m-Q4_0.gguf'), 'm-Q4_0.gguf'],
    ['application/vnd.docker.ai.license', undefined, 'LICENSE'],
    ['application/vnd.oci.image.layer.v1.tar', title('m.gguf'), 'm.gguf'],
    ['application/octet-stream', title('m.gguf'), 'm.gguf'],
    [
      'application/vnd.oci.image.layer.v1.tar+gzip',
      { ...title('folder'), 'io.deis.oras.content.unpack': 'true' },
      'layer 1 (folder) gzip true',
    ],
    ['application/vnd.oci.image.layer.v1.tar', undefined, 'layer 1 none true'],
  ])('of type %s with %j are %s', (mediaType, annotations, expected) => {
    expect(found([mediaType, annotations])).toEqual([expected]);
  });

  it('without names of their own have some by which pieces are found', () => {
    const gguf = 'application/vnd.docker.ai.gguf.v3';
    expect(found([gguf], [gguf])).toEqual(['model-00001-of-00002.gguf', 'model-00002-of-00002.gguf']);
    const lora = 'application/vnd.docker.ai.gguf.v3.lora';
    expect(found([gguf], [lora], [lora])).toEqual(['model.gguf', 'adapter-1.gguf', 'adapter-2.gguf']);
  });

  it('that hold weights come first, and an empty one is none', () => {
    const kit = 'application/vnd.kitops.modelkit';
    expect(found([`${kit}.docs.v1.tar`], [`${kit}.model.v1.tar`])).toEqual([
      'layer 2 none true',
      'layer 1 none false',
    ]);
    expect(found(['application/vnd.oci.empty.v1+json'])).toEqual([]);
  });

  it('that are one archive twice are unpacked once', () => {
    const layer = { mediaType: 'application/vnd.kitops.modelkit.model.v1.tar', digest: digest(1), size: 1 };
    const { archives } = layersOf({ schemaVersion: 2, layers: [layer, layer] }, 'r.io/m');
    expect(archives).toHaveLength(1);
  });

  it('with a hidden name, or without any, are left out', () => {
    const raw = 'application/vnd.cncf.model.weight.config.v1.raw';
    expect(found([raw, filepath('.gitattributes')], [raw, filepath('a/.cache/x')], [raw])).toEqual([]);
  });

  it.each(['../m.gguf', '/m.gguf', 'a/../../m.gguf', 'a//m.gguf', '', '.', 'a\\m.gguf', 'x'.repeat(300)])(
    'with the path %j are refused',
    (path) => {
      expect(found(['application/vnd.cncf.model.weight.v1.raw', filepath(path)])).toMatch(
        /^UnsupportedModel: r\.io\/m has a layer with the path "/,
      );
    },
  );

  it('of one name are refused', () => {
    const type = 'application/vnd.cncf.model.weight.v1.raw';
    expect(found([type, filepath('m.gguf')], [type, title('m.gguf')])).toMatch(
      /^UnsupportedModel: .*two layers that are both the file m\.gguf/,
    );
  });

  it('of a type that is not known are refused, with those that are', () => {
    expect(found(['application/vnd.docker.ai.gguf.v3'], ['application/x-mine'])).toMatch(
      /^UnsupportedModel: r\.io\/m has layers of a form that is not known: application\/x-mine\. Known are ModelPack .*KitOps.*Docker.*ORAS/,
    );
    expect(found(['application/vnd.ollama.image.model'])).toMatch(
      /^UnsupportedModel: .*model of an Ollama registry.* spec\.source\.ollama\.model/,
    );
  });
});

describe('an index', () => {
  const manifest = 'application/vnd.oci.image.manifest.v1+json';
  const one = { mediaType: manifest, digest: digest(1), size: 1 };
  const two = { mediaType: manifest, digest: digest(2), size: 1 };
  const attestation = { ...two, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } };
  const unknown = { ...two, platform: { os: 'unknown', architecture: 'unknown' } };

  it.each([
    [[one]],
    [[one, attestation]],
    [[unknown, one]],
    [[{ ...one, platform: { os: 'linux', architecture: 'arm64' } }]],
  ])('of one artifact stands for it: %j', (manifests) => {
    expect(manifestIn({ manifests }, 'r.io/m')).toBe(digest(1));
  });

  it('of several is AmbiguousFiles, and says which', () => {
    const manifests = [
      { ...one, annotations: { 'org.opencontainers.image.ref.name': 'q4' } },
      { ...two, platform: { os: 'linux', architecture: 'amd64' } },
    ];
    const choose = () => manifestIn({ manifests }, 'r.io/m');
    expect(choose).toThrow(`${digest(1)} (q4), ${digest(2)} (linux/amd64)`);
    expect(choose).toThrow('is an index of 2 manifests. Name one by its digest in spec.source.oci.reference');
  });

  it.each([[[]], [[attestation]], [[{ ...one, mediaType: 'application/vnd.oci.image.index.v1+json' }]]])(
    'of none is refused: %j',
    (manifests) => {
      expect(() => manifestIn({ manifests }, 'r.io/m')).toThrow('none of them is an artifact');
    },
  );
});
