import { describe, expect, it } from 'vitest';
import { isSafePath } from './repo-path.ts';
import { selectFiles } from './select-files.ts';
import { SourceError, type SourceFile } from './source.ts';

const files = (...paths: string[]): SourceFile[] =>
  paths.map((path) => ({ path, sizeBytes: 1, digest: { algorithm: 'sha256', hex: 'a'.repeat(64) } }));
const select = (paths: string[], choice: Parameters<typeof selectFiles>[1] = {}): string[] =>
  selectFiles(files(...paths), choice, 'acme/m@main').map(({ path }) => path);

/** The reason and the message that a choice fails with. */
function refusal(...args: Parameters<typeof select>): string {
  try {
    return select(...args).join();
  } catch (error) {
    return error instanceof SourceError ? `${error.reason}: ${error.message}` : String(error);
  }
}

describe('without a choice', () => {
  it('the only GGUF file is taken', () => {
    expect(select(['README.md', 'm.gguf', 'mmproj-m-f16.gguf', 'imatrix.gguf'])).toEqual(['m.gguf']);
  });
  it('several are too many, and the message lists the quantizations', () => {
    expect(refusal(['m-Q8_0.gguf', 'm-Q4_K_M.gguf'])).toMatch(/^AmbiguousFiles: .*Q4_K_M, Q8_0/);
  });
  it('a repository without GGUF files is refused', () => {
    expect(refusal(['model.safetensors'])).toMatch(/^NoModelFile: /);
  });
});

describe('by quantization', () => {
  it('the case does not matter, the rest does', () => {
    const all = ['m-Q4_K_M.gguf', 'm-Q4_K_S.gguf', 'm-IQ4_XS.gguf'];
    expect(select(all, { quantization: 'q4_k_m' })).toEqual(['m-Q4_K_M.gguf']);
    expect(refusal(all, { quantization: 'Q4_K' })).toMatch(/^QuantizationNotFound: .*IQ4_XS, Q4_K_M, Q4_K_S/);
  });
  it('two files of one quantization are listed', () => {
    expect(refusal(['a-Q8_0.gguf', 'b-Q8_0.gguf'], { quantization: 'Q8_0' })).toMatch(
      /^AmbiguousFiles: .*a-Q8_0.gguf, b-Q8_0.gguf/,
    );
  });
  it('a split model says that its files have to be named', () => {
    const pieces = ['m-Q8_0-00001-of-00002.gguf', 'm-Q8_0-00002-of-00002.gguf'];
    expect(refusal(pieces, { quantization: 'Q8_0' })).toMatch(
      /^AmbiguousFiles: .*split over 2 files.*spec.source.huggingFace.files/,
    );
    expect(select(pieces, { files: pieces })).toEqual(pieces);
  });
});

describe('by name', () => {
  it('the files come in the order of the spec', () => {
    expect(select(['a.gguf', 'b.gguf', 'c.json'], { files: ['c.json', 'b.gguf'] })).toEqual([
      'c.json',
      'b.gguf',
    ]);
  });
  it('a missing one is named, with those close to it', () => {
    expect(refusal(['model-Q8_0.gguf', 'README.md'], { files: ['model-Q4_0.gguf'] })).toMatch(
      /^FileNotFound: .*model-Q4_0.gguf.*Close to it: model-Q8_0.gguf/,
    );
  });
  it('there must be a GGUF file among them', () => {
    expect(refusal(['config.json'], { files: ['config.json'] })).toMatch(/^NoModelFile: /);
  });
});

it.each([
  '../x.gguf',
  'a/../../x.gguf',
  '/etc/x.gguf',
  'a//x.gguf',
  './x.gguf',
  'a\\x.gguf',
  '.hidden/x.gguf',
])('a hub cannot place a file at %s', (path) => {
  expect(isSafePath(path)).toBe(false);
  expect(refusal([path])).toMatch(/^NoModelFile: /);
});
