import { describe, expect, it } from 'vitest';
import type { FileRole } from '../../api/model-status.ts';
import { anArtifact, aServer, commit } from '../testing/objects.ts';
import { entryFile } from './artifact.ts';
import { runtimeSettings } from './settings.ts';

const file = (path: string, role?: FileRole) => ({
  path,
  sizeBytes: 1,
  sha256: 'ab'.repeat(32),
  ...(role && { role }),
});
const holding = (...files: ReturnType<typeof file>[]) => anArtifact({ files });
const settings = (artifact = anArtifact(), spec: object = {}) => runtimeSettings(aServer(spec), artifact);
const at = (path: string) => `/models/hf/owner/name/${commit}/${path}`;

describe('entryFile', () => {
  it('is the first GGUF model, whatever GGUF files stand before it', () => {
    const artifact = holding(
      file('lora.gguf', 'adapter'),
      file('mmproj.gguf', 'projector'),
      file('a-00001-of-00002.gguf', 'model'),
      file('a-00002-of-00002.gguf', 'piece'),
      file('b.gguf', 'model'),
    );
    expect(entryFile(artifact)?.path).toBe('a-00001-of-00002.gguf');
  });

  it('is the first GGUF file where nothing is said of roles', () => {
    const artifact = holding(file('README.md'), file('first.GGUF'), file('second.gguf'));
    expect(entryFile(artifact)?.path).toBe('first.GGUF');
  });

  it('is none when there are only parts of a model', () => {
    expect(entryFile(holding(file('lora.gguf', 'adapter'), file('other.gguf')))).toBeUndefined();
    expect(entryFile(holding(file('README.md')))).toBeUndefined();
  });
});

describe('runtimeSettings', () => {
  it('are no more than they need to be', () => {
    expect(JSON.stringify(settings())).toBe(
      `{"servedName":"chat","modelPath":"${at('model.gguf')}","modelDigest":"${anArtifact().digest}","parallel":1,"gpu":true}`,
    );
  });

  it('have the further names of the model', () => {
    const servedNames = ['llama3.1:8b', 'team/llama'];
    expect(settings(undefined, { servedNames })).toMatchObject({ servedName: 'chat', servedNames });
  });

  it('have the runtime options', () => {
    const runtime = {
      contextSize: 8192,
      parallel: 4,
      gpuLayers: 0,
      kvCacheType: 'q8_0',
      flashAttention: true,
      swaFullCache: false,
      promptLookup: true,
    };
    expect(settings(undefined, { runtime })).toMatchObject(runtime);
  });

  it('name all adapters, in the order of the artifact', () => {
    const artifact = holding(
      file('b.gguf', 'adapter'),
      file('model.gguf', 'model'),
      file('a.gguf', 'adapter'),
    );
    expect(settings(artifact)).toMatchObject({
      modelPath: at('model.gguf'),
      adapterPaths: [at('b.gguf'), at('a.gguf')],
    });
  });

  it('name the files that say how an Ollama model chats, as far as it has them', () => {
    const roles = ['model', 'template', 'params', 'system', 'messages', 'license', 'config'] as const;
    expect(settings(holding(...roles.map((role) => file(role, role)))).ollama).toEqual({
      templatePath: at('template'),
      paramsPath: at('params'),
      systemPath: at('system'),
      messagesPath: at('messages'),
    });
    const some = holding(file('model', 'model'), file('template', 'template'), file('license', 'license'));
    expect(settings(some).ollama).toEqual({ templatePath: at('template') });
  });
});
