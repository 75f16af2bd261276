import { describe, expect, it } from 'vitest';
import { OciSource } from '../../api/source.ts';
import { parseOciReference } from './oci-reference.ts';

const parsed = (spec: object) => parseOciReference(OciSource.parse(spec));

describe('a reference', () => {
  it.each([
    ['registry.internal/models/qwen3:8b-q4', 'https://registry.internal', 'models/qwen3', '8b-q4'],
    ['registry.internal:5000/qwen3', 'https://registry.internal:5000', 'qwen3', 'latest'],
    ['localhost/a/b/c', 'https://localhost', 'a/b/c', 'latest'],
    ['registry:5000/a__b/c-d.e', 'https://registry:5000', 'a__b/c-d.e', 'latest'],
    ['docker.io/ai/smollm2:360M', 'https://registry-1.docker.io', 'ai/smollm2', '360M'],
    ['docker.io/smollm2', 'https://registry-1.docker.io', 'library/smollm2', 'latest'],
  ])('%s names a registry, a repository and a tag', (reference, endpoint, repository, tag) => {
    expect(parsed({ reference })).toMatchObject({ endpoint, repository, tag, digest: undefined });
  });

  it('may pin a digest, beside a tag or not, and may be asked for over plain http', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(parsed({ reference: `r.io/m@${digest}`, plainHTTP: true })).toMatchObject({
      endpoint: 'http://r.io',
      tag: 'latest',
      digest,
    });
    expect(parsed({ reference: `r.io/m:v1@${digest}` })).toMatchObject({ tag: 'v1', digest });
  });

  it.each([
    'oci://r.io/m',
    'm',
    'team/m',
    'r.io/',
    'r.io/M',
    'r.io/a//b',
    'r.io/../m',
    'r.io/m:',
    'r.io/m@sha256:abc',
    'r.io/m@latest',
    'user@r.io/m',
    'r.io:port/m',
  ])('%s is none', (reference) => {
    expect(OciSource.safeParse({ reference }).success).toBe(false);
  });
});
