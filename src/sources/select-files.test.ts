import { describe, expect, it } from 'vitest';
import type { BitsPerWeight } from '../api/choices.ts';
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

const pieces = [1, 2, 3].map((number) => `m-Q8_0-0000${number}-of-00003.gguf`);

describe('without a choice', () => {
  it('the only GGUF file is taken', () => {
    expect(select(['README.md', 'm.gguf', 'mmproj-m-f16.gguf', 'imatrix.gguf'])).toEqual(['m.gguf']);
  });
  it('the only model is taken, also beside a LoRA adapter', () => {
    expect(select(['a-lora-f16.gguf', 'm-Q8_0.gguf'])).toEqual(['m-Q8_0.gguf']);
    expect(select(['a-lora-f16.gguf', 'README.md'])).toEqual(['a-lora-f16.gguf']);
  });
  it('the only model is taken whole where it is split', () => {
    expect(select([...pieces.toReversed(), 'README.md'])).toEqual(pieces);
  });
  it('several are too many, and the message lists the quantizations', () => {
    expect(refusal(['m-Q8_0.gguf', 'm-Q4_K_M.gguf'])).toMatch(/^AmbiguousFiles: .*Q4_K_M, Q8_0/);
    expect(refusal(['a-Q8_0.gguf', 'b-Q8_0.gguf', 'm-F16.gguf'])).toMatch(/F16, a-Q8_0.gguf, b-Q8_0.gguf/);
    expect(refusal([...pieces, 'm-Q4_0.gguf'])).toMatch(/^AmbiguousFiles: .* 2 GGUF models.*Q4_0, Q8_0/);
  });
  it('a repository without GGUF files is refused, and one that has projectors only', () => {
    expect(refusal(['model.safetensors'])).toMatch(/^NoModelFile: .*among its 1 files/);
    expect(refusal(['mmproj-f16.gguf', 'a.json'])).toMatch(
      /^NoModelFile: .*only of projectors.*: mmproj-f16.gguf/,
    );
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
  it('a split model comes whole, sorted by piece', () => {
    const all = ['m-Q4_0.gguf', ...pieces.toReversed()];
    expect(select(all, { quantization: 'Q8_0' })).toEqual(pieces);
  });
  it('a split model that lacks a piece is refused, and the piece is named', () => {
    expect(refusal([pieces[0]!, pieces[2]!], { quantization: 'Q8_0' })).toMatch(
      /^FileNotFound: .*2 of the 3 pieces.*lacks m-Q8_0-00002-of-00003.gguf/,
    );
  });
  it('two split models of one quantization are listed', () => {
    const others = pieces.map((path) => `other/${path}`);
    expect(refusal([...pieces, ...others], { quantization: 'Q8_0' })).toMatch(
      /^AmbiguousFiles: .*2 GGUF models.*: m-Q8_0-00001-of-00003.gguf, other\/m/,
    );
  });
});

describe('by bits', () => {
  it.each<[BitsPerWeight, string[], string]>([
    [4, ['m-Q4_0.gguf', 'm-IQ4_XS.gguf', 'm-Q4_K_S.gguf', 'm-Q4_K_M.gguf', 'm-Q8_0.gguf'], 'm-Q4_K_M.gguf'],
    [4, ['m-Q4_0.gguf', 'm-IQ4_XS.gguf', 'm-UD-Q4_K_XL.gguf'], 'm-UD-Q4_K_XL.gguf'],
    [4, ['m-Q4_0.gguf', 'm-IQ4_NL.gguf', 'm-IQ4_XS.gguf'], 'm-IQ4_XS.gguf'],
    [4, ['gpt-oss-20b-mxfp4.gguf', 'gpt-oss-20b-Q4_0.gguf'], 'gpt-oss-20b-mxfp4.gguf'],
    [4, ['gemma-it-q4_0.gguf', 'mmproj-model-Q4_K_M.gguf'], 'gemma-it-q4_0.gguf'],
    [3, ['m-Q3_K_L.gguf', 'm-IQ3_M.gguf', 'm-Q3_K_M.gguf'], 'm-Q3_K_M.gguf'],
    [2, ['m-IQ2_XXS.gguf', 'm-Q2_K_L.gguf', 'm-Q2_K.gguf'], 'm-Q2_K.gguf'],
    [1, ['m-IQ1_S.gguf', 'm-IQ1_M.gguf', 'm-Q4_0.gguf'], 'm-IQ1_M.gguf'],
    [8, ['m-UD-Q8_K_XL.gguf', 'm-Q8_0.gguf'], 'm-Q8_0.gguf'],
    [16, ['m-BF16.gguf', 'm-F16.gguf', 'm-F32.gguf'], 'm-F16.gguf'],
    [16, ['m-BF16.gguf', 'm-F32.gguf'], 'm-BF16.gguf'],
  ])('of %i bits %j have %s as the best-known', (bits, all, best) => {
    expect(select(all, { bits })).toEqual([best]);
    expect(select(all.toReversed(), { bits })).toEqual([best]);
  });

  it('a split model comes whole', () => {
    expect(select(['m-Q4_0.gguf', ...pieces.toReversed()], { bits: 8 })).toEqual(pieces);
  });

  it('none of so many is said, with what there is', () => {
    expect(refusal(['m-Q8_0.gguf', 'm-Q5_K_M.gguf', 'plain.gguf'], { bits: 4 })).toMatch(
      /^QuantizationNotFound: acme\/m@main .* of 4 bits\. It has Q5_K_M, Q8_0, plain\.gguf\. /,
    );
  });

  it('two models of the best-known quantization are listed', () => {
    expect(refusal(['a-Q4_K_M.gguf', 'b-Q4_K_M.gguf', 'a-Q4_0.gguf'], { bits: 4 })).toMatch(
      /^AmbiguousFiles: .*quantization Q4_K_M: a-Q4_K_M.gguf, b-Q4_K_M.gguf/,
    );
  });
});

describe('a projector', () => {
  const all = ['m-Q8_0.gguf', 'mmproj-m-Q8_0.gguf', 'a.json'];

  it('is refused by its own message where nothing else is named', () => {
    const refused = /^UnsupportedModel: mmproj-m-Q8_0\.gguf of acme\/m@main is a projector .*Remove %/;
    for (const name of ['mmproj-m-Q8_0.gguf', '*mmproj*']) {
      const message = refusal(all, { files: ['m-Q8_0.gguf', name] });
      expect(message).toMatch(new RegExp(refused.source.replace('%', name.replaceAll('*', '\\*'))));
    }
  });

  it('is left out where a pattern matches more than that', () => {
    expect(select(all, { files: ['*Q8_0*'] })).toEqual(['m-Q8_0.gguf']);
    expect(select(all, { files: ['*'] })).toEqual(['m-Q8_0.gguf', 'a.json']);
  });
});

describe('by pattern', () => {
  const all = ['README.md', 'Q4/m-Q4_0.gguf', 'm-Q8_0.gguf', 'mmproj-f16.gguf', 'm-lora-f16.gguf', 'a.json'];

  it('all files that match come, each once', () => {
    expect(select(all, { files: ['*Q4*', 'Q4/*', '*.json'] })).toEqual(['Q4/m-Q4_0.gguf', 'a.json']);
    expect(select(all, { files: ['*8_0*', '*lora*', '???*f16.gguf'] })).toEqual([
      'm-Q8_0.gguf',
      'm-lora-f16.gguf',
    ]);
  });
  it('a split model comes whole, also when only some pieces match', () => {
    expect(select(pieces, { files: ['*Q8_0*'] })).toEqual(pieces);
    expect(select(pieces, { files: ['*-00001-of-*'] })).toEqual(pieces);
  });
  it('several models are too many for one pattern, and not for several', () => {
    expect(refusal(all, { files: ['*.gguf'] })).toMatch(
      /^AmbiguousFiles: \*\.gguf in .* matches 2 GGUF models.*: Q4\/m-Q4_0.gguf, m-Q8_0.gguf/,
    );
    expect(select(all, { files: ['*Q8*', '*Q4*'] })).toEqual(['m-Q8_0.gguf', 'Q4/m-Q4_0.gguf']);
  });
  it('one that matches nothing is named, with what is close to it', () => {
    expect(refusal(['m-Q4_K_M.gguf', 'README.md'], { files: ['*Q5_K_M*'] })).toMatch(
      /^FileNotFound: .*no file that matches \*Q5_K_M\*\. Close to it: m-Q4_K_M.gguf/,
    );
    expect(refusal(['README.md', '.hidden.gguf'], { files: ['*.gguf'] })).toMatch(/^FileNotFound: /);
  });
});

describe('by name', () => {
  it('the files come in the order of the spec, but for the model, which is first', () => {
    const all = ['a.gguf', 'b.gguf', 'c.json', 'lora.gguf'];
    const files = ['c.json', 'lora.gguf', 'b.gguf', 'a.gguf'];
    expect(select(all, { files })).toEqual(['b.gguf', 'c.json', 'lora.gguf', 'a.gguf']);
  });
  it('one piece brings the others', () => {
    const all = [...pieces.toReversed(), 'a.json'];
    expect(select(all, { files: ['a.json', pieces[1]!] })).toEqual([...pieces, 'a.json']);
    expect(refusal(pieces.slice(1), { files: [pieces[1]!] })).toMatch(
      /^FileNotFound: .*lacks m-Q8_0-00001-of-00003.gguf/,
    );
  });
  it('an adapter may come alone', () => {
    expect(select(['m.gguf', 'lora.gguf'], { files: ['lora.gguf'] })).toEqual(['lora.gguf']);
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
