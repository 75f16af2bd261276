import { describe, expect, it } from 'vitest';
import { checkConfig, checkLayers, filesOf, type Manifest } from './ollama-manifest.ts';
import { isSafePath } from '../repo-path.ts';
import { told } from '../testing/said.ts';

const hex = (i: number): string => i.toString(16).padStart(64, '0');

/** A manifest with layers of these kinds, the n-th with the digest n. */
function manifest(...kinds: string[]): Manifest {
  const mediaType = (kind: string) => (kind.includes('/') ? kind : `application/vnd.ollama.image.${kind}`);
  return {
    schemaVersion: 2,
    config: { mediaType: 'application/json', digest: `sha256:${'c'.repeat(64)}`, size: 9 },
    layers: kinds.map((kind, i) => ({ mediaType: mediaType(kind), digest: `sha256:${hex(i)}`, size: i })),
  };
}

const pathsOf = (...kinds: string[]) => filesOf(manifest(...kinds)).map(({ path }) => path);

function refusal(check: () => void): string {
  try {
    check();
    return 'none';
  } catch (error) {
    return told(error);
  }
}

describe('the files of a manifest', () => {
  it('have the size and sha256 of their layers, and a role', () => {
    expect(filesOf(manifest('model', 'params'))).toEqual([
      { path: 'model.gguf', sizeBytes: 0, digest: { algorithm: 'sha256', hex: hex(0) }, role: 'model' },
      { path: 'params.json', sizeBytes: 1, digest: { algorithm: 'sha256', hex: hex(1) }, role: 'params' },
      {
        path: 'config.json',
        sizeBytes: 9,
        digest: { algorithm: 'sha256', hex: 'c'.repeat(64) },
        role: 'config',
      },
    ]);
  });

  it('begin with the model, in whatever order the layers are', () => {
    const kinds = [
      'license',
      'messages',
      'system',
      'params',
      'template',
      'draft',
      'projector',
      'adapter',
      'model',
    ];
    expect(pathsOf(...kinds)).toEqual([
      'model.gguf',
      'adapter.gguf',
      'projector.gguf',
      'draft.gguf',
      'template',
      'params.json',
      'system',
      'messages.json',
      'license',
      'config.json',
    ]);
  });

  it('are numbered where there may be several', () => {
    expect(pathsOf('model', 'license', 'adapter', 'license', 'adapter')).toEqual([
      'model.gguf',
      'adapter-1.gguf',
      'adapter-2.gguf',
      'license-1',
      'license-2',
      'config.json',
    ]);
  });

  it('are the last layer where Ollama heeds that one only, and the others have no role', () => {
    const files = filesOf(manifest('template', 'model', 'prompt'));
    expect(files.map(({ path, digest, role }) => [path, Number(digest.hex), role])).toEqual([
      ['model.gguf', 1, 'model'],
      ['template', 2, 'template'],
      ['config.json', expect.any(Number), 'config'],
      ['layer-1', 0, undefined],
    ]);
  });

  it('hold layers of kinds to come, without a role', () => {
    expect(pathsOf('model', 'embed', '../../evil', 'application/x-other')).toEqual([
      'model.gguf',
      'config.json',
      'layer-1',
      'layer-2',
      'layer-3',
    ]);
    expect(pathsOf('model', '../x').every(isSafePath)).toBe(true);
  });

  it('hold a layer once that is listed twice', () => {
    const { layers, ...rest } = manifest('model', 'license');
    expect(filesOf({ ...rest, layers: [...layers, ...layers] })).toHaveLength(3);
  });
});

describe('a manifest is refused', () => {
  it.each([
    ['of tensors', ['tensor', 'tensor', 'json'], /UnsupportedModel: acme\/m .*2 single tensors/],
    ['with several models', ['model', 'model'], /UnsupportedModel: .*2 layers with a model/],
  ])('%s', (_what, kinds, message) => {
    expect(refusal(() => checkLayers(manifest(...kinds), 'acme/m'))).toMatch(message);
  });

  it.each([
    [
      'in the cloud',
      [],
      { remote_host: 'https://ollama.com', remote_model: 'x' },
      /cloud model.*https:\/\/ollama.com/,
    ],
    ['of another format', ['model'], { model_format: 'safetensors' }, /published as safetensors/],
    [
      'of an image of a container',
      ['application/x.tar'],
      {},
      /no layer with a model, only application\/x.tar/,
    ],
    ['without anything', [], {}, /only none at all/],
  ])('%s', (_what, kinds, config, message) => {
    const refused = refusal(() => checkConfig(manifest(...kinds), config, 'acme/m'));
    expect(refused).toMatch(message);
    expect(refused).toMatch(/^UnsupportedModel: acme\/m .*spec.source.ollama.model/);
  });

  it('unless it is a GGUF model', () => {
    const given = manifest('model', 'license');
    checkLayers(given, 'm');
    checkConfig(given, { model_format: 'gguf' }, 'm');
    expect(refusal(() => checkConfig(given, {}, 'm'))).toBe('none');
  });
});
