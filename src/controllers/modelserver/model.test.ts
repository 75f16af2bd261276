import { describe, expect, it } from 'vitest';
import { aModel, anArtifact, aServer, aServerView, secondsAgo } from '../testing/objects.ts';
import { resolveModel } from './model.ts';

describe('resolveModel', () => {
  it('is blocked without a Model', () => {
    expect(resolveModel(aServerView({ model: undefined }))).toMatchObject({
      at: 'blocked',
      reason: 'ModelNotFound',
      message: 'There is no Model "qwen" in namespace "ns". Create it, or correct spec.modelRef.name.',
    });
  });

  /** A Model that has published nothing and says this. */
  function standing(reason: string, message: string, stalled: 'True' | 'False' = 'False') {
    const said = { reason, message, lastTransitionTime: secondsAgo(0) };
    const conditions = [
      { type: 'Ready', status: 'False' as const, ...said },
      { type: 'Stalled', status: stalled, ...said },
    ];
    return resolveModel(aServerView({ model: aModel({}, { conditions }) }));
  }

  it('waits for what the Model publishes', () => {
    expect(resolveModel(aServerView({ model: aModel() }))).toMatchObject({
      at: 'waiting',
      reason: 'ModelNotReady',
      message: 'Model "qwen": it has not been looked at yet',
    });
  });

  it('tells where the Model stands, and nothing that changes while it pulls', () => {
    const [early, late] = ['1GB of 4.7GB.', '2GB of 4.7GB.'].map((message) => standing('Pulling', message));
    expect(early?.message).toBe('Model "qwen": Pulling: The files are being downloaded onto the volume.');
    expect(late).toEqual(early);
  });

  it('tells in the words of the Model what a person is needed for, and reasons of other releases', () => {
    expect(standing('GatedRepo', 'Ask for access at hf.co/x.', 'True').message).toBe(
      'Model "qwen": GatedRepo: Ask for access at hf.co/x.',
    );
    expect(standing('Dreaming', 'Of sheep.').message).toBe('Model "qwen": Dreaming: Of sheep.');
  });

  it('begins with no Model that is being deleted, and goes on with one that it has', () => {
    const model = aModel({}, { artifact: anArtifact() });
    const ending = { ...model, metadata: { ...model.metadata, deletionTimestamp: secondsAgo(1) } };
    expect(resolveModel(aServerView({ model: ending }))).toMatchObject({
      at: 'blocked',
      reason: 'ModelTerminating',
      message: expect.stringContaining('Model "qwen" is being deleted') as string,
    });
    const { revision, digest, claimName } = anArtifact();
    const loaded = aServer({}, { model: { name: 'qwen', revision, digest, claimName } });
    expect(resolveModel(aServerView({ model: ending, server: loaded })).at).toBe('done');
  });

  it('uses what is published even while the Model is on its way to something else', () => {
    const ready = { type: 'Ready', status: 'False' as const, reason: 'Pulling', message: '' };
    const conditions = [{ ...ready, lastTransitionTime: secondsAgo(0) }];
    expect(resolveModel(aServerView({ model: aModel({}, { conditions, artifact: anArtifact() }) })).at).toBe(
      'done',
    );
  });
});

describe('a Model from an Ollama registry', () => {
  it('has its manifest named by the first digits of the digest', () => {
    const artifact = anArtifact({ revision: `sha256:${'fedcba98'.repeat(8)}` });
    expect(resolveModel(aServerView({ model: aModel({}, { artifact }) })).message).toBe(
      'Model "qwen" has published revision fedcba98fedc.',
    );
  });
});

describe('a Model without weights to load', () => {
  it('cannot be served, and the files that there are are named', () => {
    const files = ['lora.gguf', 'README.md'].map((path) => ({ path, sizeBytes: 1, sha256: '' }));
    const adapter = { ...files[0]!, role: 'adapter' as const };
    const artifact = anArtifact({ files: [adapter, files[1]!] });
    expect(resolveModel(aServerView({ model: aModel({}, { artifact }) }))).toEqual({
      at: 'blocked',
      reason: 'NotServable',
      message:
        'Model "qwen" holds no GGUF model, only lora.gguf, README.md. Serve a Model with a GGUF model; name one with a single LoRA adapter in spec.runtime.adapters of its server.',
    });
  });
});
