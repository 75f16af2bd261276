import { expect, it } from 'vitest';
import { differenceOf } from './same.ts';

const there = {
  source: { huggingFace: { repo: 'a/m', revision: 'main', files: ['x.gguf'] } },
  suspend: false,
};

it.for([
  [{}, undefined],
  [{ source: { huggingFace: { repo: 'a/m' } } }, undefined],
  [{ source: { huggingFace: { files: ['x.gguf'] } } }, undefined],
  [{ source: { huggingFace: { repo: 'b/m' } } }, 'source.huggingFace.repo'],
  [{ source: { huggingFace: { files: ['x.gguf', 'y.gguf'] } } }, 'source.huggingFace.files'],
  [{ source: { huggingFace: { files: ['y.gguf'] } } }, 'source.huggingFace.files.0'],
  [{ source: { ollama: { model: 'm' } } }, 'source.ollama'],
  [{ suspend: true }, 'suspend'],
] as const)('of %j the first difference is %s', ([asked, path]) => {
  expect(differenceOf(asked, there)).toBe(path);
});
