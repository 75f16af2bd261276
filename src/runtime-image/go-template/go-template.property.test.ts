import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GoTemplateError } from './error.ts';
import { evaluateTemplate } from './evaluate.ts';
import { builtins } from './functions.ts';
import { parseTemplate } from './parse.ts';
import { flatten, Outside } from './text.ts';
import type { GoValue } from './values.ts';

const names = new Set(builtins.keys());
const written = (source: string, data: GoValue) =>
  evaluateTemplate(parseTemplate(source, names), data, builtins).map(flatten).join('');

/** Text that begins no action, nor does with one behind it. */
const text = fc.string({ unit: 'binary' }).map((string) => string.replaceAll('{', '}'));
const fragments = fc.oneof(
  fc.constantFrom('{{', '}}', '-', ' ', '.', '$', '$x', ':=', '=', '|', '(', ')', ',', '"', '`', "'", '\\'),
  fc.constantFrom(
    '/*',
    '*/',
    '\n',
    'if',
    'else',
    'end',
    'range',
    'with',
    'define',
    'template',
    'block',
    'break',
  ),
  fc.constantFrom(
    'and',
    'eq',
    'printf',
    'nil',
    'true',
    '0',
    '1.5',
    '"a"',
    '.A',
    '.A.B',
    'slice',
    'index',
    'len',
  ),
  fc.constantFrom('{{ end }}', '{{ if .A }}', '{{ range .B }}', '{{ $x := .B }}'),
);

/** What is thrown, if anything. */
function failureOf(source: string, data: GoValue): unknown {
  try {
    return void written(source, data);
  } catch (error) {
    return error;
  }
}

describe('any Go template', () => {
  it('of text only writes it as it stands', () => {
    fc.assert(
      fc.property(text, (source) => {
        expect(written(source, undefined)).toBe(source);
      }),
    );
  });

  it('writes any string literal as what it stands for', () => {
    const string = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(string, (value) => {
        // JSON's escapes are Go's, but for the slash, which JSON.stringify leaves alone.
        expect(written(`{{ ${JSON.stringify(value)} }}`, undefined)).toBe(value);
      }),
    );
  });

  it('writes values from outside untouched and apart, whatever is in them', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(value, text, (content, around) => {
        const template = parseTemplate(
          `{{ "" }}${around}{{ .A }}{{ $x := printf "[%s]" .A }}{{ $x }}`,
          names,
        );
        const pieces = evaluateTemplate(template, new Map([['A', new Outside(content)]]), builtins);
        expect(pieces.filter((piece) => piece instanceof Outside)).toEqual([
          new Outside(content),
          new Outside(content),
        ]);
      }),
    );
  });

  it('is evaluated, or fails with its own error and nothing else', () => {
    const data = new Map<string, GoValue>([
      ['A', new Outside('a')],
      ['B', ['b', 1n]],
    ]);
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 40 }), (parts) => {
        const sources = [parts.join(''), `{{ if .A }}${parts.join(' ')}`];
        const failures = sources
          .map((source) => failureOf(source, data))
          .filter((error) => error !== undefined);
        for (const failure of failures) expect(failure).toBeInstanceOf(GoTemplateError);
      }),
      { numRuns: 2000 },
    );
  });

  it('trims space beside its markers and nowhere else', () => {
    const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '\r', '\u00a0') });
    fc.assert(
      fc.property(space, space, (before, after) => {
        expect(written(`a${before}{{- 1 -}}${after}b`, undefined)).toBe(
          `a${before.replace(/[ \n\t\r]+$/, '')}1${after.replace(/^[ \n\t\r]+/, '')}b`,
        );
      }),
    );
  });
});
