import { GoTemplateError } from './error.ts';
import { numberOf, unescape } from './literals.ts';

export type TokenKind =
  'text' | 'open' | 'close' | 'word' | 'field' | 'dot' | 'variable' | 'literal' | 'mark' | 'end of template';

export interface Token {
  readonly kind: TokenKind;
  /** As in the source, of a field without its dot; of a string what it stands for. */
  readonly text: string;
  readonly at: number;
  /** Whether there was space before it: arguments need some between them. */
  readonly spaced: boolean;
  readonly value?: string | bigint | number;
}

const patterns: [kind: TokenKind, RegExp][] = [
  ['literal', /"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`|'(?:[^'\\\n]|\\[^\n]+?)'/y],
  ['literal', /[+-]?\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?/y],
  ['variable', /\$[\p{L}\p{Nd}_]*/uy],
  ['field', /\.[\p{L}\p{Nd}_]+/uy],
  ['dot', /\./y],
  ['word', /[\p{L}\p{Nd}_]+/uy],
  ['mark', /:=|[=|(),]/y],
];

/** What may follow a name or a number without space: https://pkg.go.dev/text/template/parse */
const terminator = /[\s.,|:)(]|\}\}|$/y;

const space = ' \t\r\n';

/** @throws GoTemplateError */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trim = false;
  while (at < source.length) {
    const open = source.indexOf('{{', at);
    const end = open < 0 ? source.length : open;
    const left = /^\{\{(-[ \t\r\n])?(\/\*)?/.exec(source.slice(end, end + 6));
    let text = source.slice(at, end);
    if (trim) text = text.replace(/^[ \t\r\n]+/, '');
    if (left?.[1]) text = trimEnd(text);
    if (text !== '') tokens.push({ kind: 'text', text, at, spaced: false });
    if (!left) break;
    const inside = end + left[0].length;
    ({ at, trim } = left[2] ? skipComment(source, inside) : lexAction(source, end, inside, tokens));
  }
  tokens.push({ kind: 'end of template', text: '', at: source.length, spaced: false });
  return tokens;
}

/** Where the text goes on after an action, and whether that begins with space to leave out. */
interface Rest {
  at: number;
  trim: boolean;
}

function skipComment(source: string, inside: number): Rest {
  const end = source.indexOf('*/', inside);
  if (end < 0) throw new GoTemplateError(source, inside, 'unclosed comment');
  const close = match(/[ \t\r\n]-\}\}|\}\}/y, source, end + 2);
  if (!close) throw new GoTemplateError(source, end, 'a comment ends before its closing delimiter');
  return { at: end + 2 + close[0].length, trim: close[0].length > 2 };
}

function lexAction(source: string, open: number, inside: number, tokens: Token[]): Rest {
  tokens.push({ kind: 'open', text: '{{', at: open, spaced: false });
  let at = inside;
  for (;;) {
    const close = match(/([ \t\r\n]+-|[ \t\r\n]*)\}\}/y, source, at);
    if (close) {
      tokens.push({ kind: 'close', text: '}}', at: at + close[0].length - 2, spaced: false });
      return { at: at + close[0].length, trim: close[1]?.endsWith('-') ?? false };
    }
    const gap = match(/[ \t\r\n]+/y, source, at)?.[0].length ?? 0;
    at += gap;
    if (at >= source.length) throw new GoTemplateError(source, open, 'unclosed action');
    const token = lexOne(source, at, gap > 0);
    tokens.push(token.token);
    at += token.length;
  }
}

function lexOne(source: string, at: number, spaced: boolean): { token: Token; length: number } {
  for (const [kind, pattern] of patterns) {
    const found = match(pattern, source, at)?.[0];
    if (found === undefined) continue;
    const quoted = /^["'`]/.test(found);
    if (kind !== 'mark' && kind !== 'dot' && !quoted && !match(terminator, source, at + found.length))
      throw new GoTemplateError(source, at, `unexpected ${source[at + found.length]} after ${found}`);
    if (kind !== 'literal')
      return {
        token: { kind, text: kind === 'field' ? found.slice(1) : found, at, spaced },
        length: found.length,
      };
    try {
      return {
        token: { kind, text: found, at, spaced, value: literalOf(found) },
        length: found.length,
      };
    } catch (error) {
      if (error instanceof SyntaxError) throw new GoTemplateError(source, at, error.message, error);
      throw error;
    }
  }
  const unclosed = /["'`]/.test(source.charAt(at)) ? 'unclosed string' : `unexpected ${source[at]}`;
  throw new GoTemplateError(source, at, unclosed);
}

function literalOf(text: string): string | bigint | number {
  const inner = text.slice(1, -1);
  // Go drops carriage returns from raw strings.
  if (text.startsWith('`')) return inner.replaceAll('\r', '');
  if (text.startsWith('"')) return unescape(inner);
  if (!text.startsWith("'")) return numberOf(text);
  const characters = Array.from(unescape(inner));
  if (characters.length !== 1) throw new SyntaxError(`${text} is not one character`);
  return BigInt(characters[0]?.codePointAt(0) ?? 0);
}

function match(sticky: RegExp, source: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(source);
}

/** Not by a regular expression, which would take quadratic time on long runs of space. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && space.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
