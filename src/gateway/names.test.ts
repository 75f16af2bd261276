import { describe, expect, it } from 'vitest';
import { find, namesOf, type Names } from './names.ts';
import { aModel, aServer, cachesOf } from './testing/objects.ts';

function found(names: Names, asked: string): string[] | undefined {
  const it = find(names, asked);
  if (it?.model) return [`Model ${it.model.metadata.namespace}/${it.model.metadata.name}`];
  return it?.servers?.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

describe('a name', () => {
  const names: Names = {
    home: undefined,
    caches: cachesOf({
      models: [
        aModel('weights', { source: { huggingFace: { repo: 'Owner/Weights-GGUF', quantization: 'Q8_0' } } }),
        aModel('idle', { source: { ollama: { model: 'phi3:mini' } } }),
        aModel('usual', { source: { ollama: { model: 'library/mistral' } } }),
        aModel('chosen', { source: { huggingFace: { repo: 'owner/chosen', bits: 4 } } }),
      ],
      servers: [
        aServer('chat', { servedNames: ['llama3.1:8b', 'phi4', 'other'], modelRef: { name: 'weights' } }),
        aServer('other', { modelRef: { name: 'weights' } }),
        aServer('going', { deletionTimestamp: '2026-01-02T00:00:00Z' }),
      ],
    }),
  };

  it.each([
    ['chat', ['team/chat'], 'that of a ModelServer'],
    ['chat:latest', ['team/chat'], "that of a ModelServer, with Ollama's usual tag"],
    ['team/chat', ['team/chat'], 'that of a ModelServer, with its namespace'],
    ['llama3.1:8b', ['team/chat'], 'one of servedNames'],
    ['phi4:latest', ['team/chat'], "one of servedNames, with Ollama's usual tag"],
    ['other', ['team/other'], 'that of a ModelServer before one of servedNames'],
    ['weights', ['team/chat', 'team/other'], 'that of a Model, for all of its servers'],
    ['team/weights', ['team/chat', 'team/other'], 'that of a Model, with its namespace'],
    ['idle', ['Model team/idle'], 'that of a Model which none serves'],
    ['team/idle', ['Model team/idle'], 'that of a Model which none serves, with its namespace'],
    ['Owner/Weights-GGUF:Q8_0', ['team/chat', 'team/other'], 'that of the source of a Model'],
    ['hf.co/owner/weights-gguf:q8_0', ['team/chat', 'team/other'], 'that of a source with its host'],
    ['phi3:mini', ['Model team/idle'], 'that of the source of a Model which none serves'],
    ['mistral:latest', ['Model team/usual'], "that of a source, with Ollama's usual tag and namespace"],
    ['phi3', undefined, 'no other tag of a source'],
    ['Owner/Weights-GGUF', undefined, 'nothing when more than the name was chosen'],
    ['owner/chosen', undefined, 'nothing when files were chosen otherwise'],
    ['llama3.1', undefined, 'no other tag of one'],
    ['elsewhere/chat', undefined, 'none of another namespace'],
    ['going', undefined, 'none of a ModelServer that is being deleted'],
    ['team/chat/more', undefined, 'nothing with more in it'],
    ['', undefined, 'nothing when it is empty'],
  ] as const)('%s means %j: %s', (...[asked, servers]) => {
    expect(found(names, asked)).toEqual(servers);
  });
});

describe('a name that several namespaces have', () => {
  const servers = [
    aServer('chat', { namespace: 'late', creationTimestamp: '2026-03-01T00:00:00Z', servedNames: ['own'] }),
    aServer('chat', { namespace: 'early', creationTimestamp: '2026-02-01T00:00:00Z' }),
  ];
  const caches = cachesOf({ servers });

  it('is that of the oldest, whoever comes later', () => {
    expect(found({ caches, home: undefined }, 'chat')).toEqual(['early/chat']);
  });

  it('is that of the home namespace first', () => {
    expect(found({ caches, home: 'late' }, 'chat')).toEqual(['late/chat']);
    expect(found({ caches, home: 'neither' }, 'chat')).toEqual(['early/chat']);
  });

  it('is listed with the namespace where another one has it alone', () => {
    const names = { caches, home: undefined };
    expect(servers.map((server) => namesOf(names, server))).toEqual([['late/chat', 'own'], ['chat']]);
  });
});
