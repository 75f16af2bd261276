import { describe, expect, it } from 'vitest';
import { aModel, commit, meta } from '../../testing/objects.ts';
import { canMove, contentOf, originOf } from './content.ts';

const of = (source: object, revision = commit) => contentOf(aModel({ source }), { revision });
const hash = '0'.repeat(64);
const digest = `sha256:${hash}`;
const file = (url: string, more: object = {}) => ({ http: { files: [{ url, sha256: hash, ...more }] } });
const hub = (more: object = {}) => ({ huggingFace: { repo: 'owner/name', ...more } });

describe('contentOf', () => {
  it.for([
    ['another commit', of(hub(), 'f'.repeat(40))],
    ['another repository', of({ huggingFace: { repo: 'owner/other' } })],
    ['other files', of(hub({ files: ['other.gguf'] }))],
    ['another quantization', of(hub({ quantization: 'Q4_K_M' }))],
    ['other bits', of(hub({ bits: 4 }))],
    ['another kind of source', of({ ollama: { model: 'owner/name' } })],
  ] as const)('is another for %s', ([, other]) => {
    expect(other).not.toBe(of(hub()));
  });

  it.for([
    ['of another mirror', hub(), hub({ endpoint: 'https://mirror.internal' })],
    ['by another branch', hub(), hub({ revision: 'v2' })],
    ['by another tag', { ollama: { model: 'llama3.1:8b' } }, { ollama: { model: 'llama3.1' } }],
    [
      'of another registry',
      { oci: { reference: 'registry.internal/models/qwen3:8b' } },
      { oci: { reference: `mirror.internal/models/qwen3@${digest}`, plainHTTP: true } },
    ],
    [
      'at a URL that was signed anew',
      file('https://files.example/m.gguf?Signature=1'),
      file('https://files.example/m.gguf?Signature=2'),
    ],
  ] as const)('is the same of a source %s', ([, one, other]) => {
    expect(of(one)).toBe(of(other));
  });

  it('is another for another folder of a volume', () => {
    const volume = (path: string) => of({ volume: { claimName: 'staged', path } });
    expect(volume('a')).not.toBe(volume('b'));
  });

  it('is the same for another Model', () => {
    const again = { ...aModel(), metadata: meta('qwen', { uid: 'made-again' }) };
    expect(contentOf(again, { revision: commit })).toBe(of(hub()));
  });
});

describe('originOf', () => {
  const asks = (source: object) => originOf(aModel({ source }).spec.source);

  it.for([
    ['another hub', hub(), hub({ endpoint: 'https://mirror.internal' })],
    ['another registry', { ollama: { model: 'a' } }, { ollama: { model: 'registry.internal/library/a' } }],
    ['another mirror', { ollama: { model: 'a' } }, { ollama: { model: 'a', endpoint: 'https://mirror' } }],
    ['no TLS', { oci: { reference: 'a.b/c' } }, { oci: { reference: 'a.b/c', plainHTTP: true } }],
    ['another path', file('https://files.example/m.gguf'), file('https://files.example/public/m.gguf')],
  ] as const)('is another for %s', ([, one, other]) => {
    expect(asks(one)).not.toBe(asks(other));
  });

  it('is the same for another repository, and for a URL that was signed anew', () => {
    expect(asks(hub({ endpoint: 'https://huggingface.co/' }))).toBe(asks({ huggingFace: { repo: 'a/b' } }));
    expect(asks(file('https://files.example/m.gguf?s=1'))).toBe(
      asks(file('https://files.example/m.gguf?s=2')),
    );
  });
});

describe('a source', () => {
  it.for([
    ['a branch', hub(), true],
    ['a commit', hub({ revision: commit }), false],
    ['a tag of Ollama', { ollama: { model: 'llama3.1:8b' } }, true],
    ['a digest of Ollama', { ollama: { model: `llama3.1@${digest}` } }, false],
    ['a tag of a registry', { oci: { reference: 'registry.internal/models/qwen3:8b' } }, true],
    ['a digest of a registry', { oci: { reference: `registry.internal/models/qwen3@${digest}` } }, false],
    ['files by URL', file('https://files.example/m.gguf'), false],
    ['files on a volume', { volume: { claimName: 'staged' } }, true],
    ['files on a volume with their digest', { volume: { claimName: 'staged', digest } }, false],
  ] as const)('of %s can move: %3$s', ([, source, can]) => {
    expect(canMove(aModel({ source }).spec.source)).toBe(can);
  });
});
