import type { GoString, Piece } from './text.ts';
import { concatenate, derived, flatten, isString } from './text.ts';
import type { GoValue } from './values.ts';
import { isList, isMap, kindOf, sortedEntries, Unfit } from './values.ts';

/** How Go's fmt writes values. https://pkg.go.dev/fmt */

/** What an action writes. */
export function textOf(value: GoValue): GoString {
  return value === undefined ? '<no value>' : shown(value);
}

/** Like `fmt.Sprint`: with spaces only between two values that are no strings. */
export function print(values: readonly GoValue[]): GoString {
  return concatenate(
    values.flatMap((value, i) => {
      const apart = i > 0 && !isString(value) && !isString(values[i - 1]);
      return apart ? [' ', shown(value)] : [shown(value)];
    }),
  );
}

/** Like `fmt.Sprintln`. */
export function println(values: readonly GoValue[]): GoString {
  return concatenate([...values.flatMap((value, i) => (i > 0 ? [' ', shown(value)] : [shown(value)])), '\n']);
}

/** Like `fmt.Sprintf`, with the verbs that make sense for text: v, s, q, d, t and %. */
export function printf(format: GoString, values: readonly GoValue[]): GoString {
  const written: GoString[] = [];
  let used = 0;
  for (const piece of piecesOfFormat(flatten(format))) {
    if ('text' in piece) {
      written.push(derived(piece.text, format));
      continue;
    }
    if (piece.verb === '%') {
      written.push('%');
    } else if (used >= values.length) {
      written.push(`%!${piece.verb}(MISSING)`);
    } else {
      written.push(padded(formatted(piece, values[used]), piece));
      used++;
    }
  }
  if (used < values.length) throw new Unfit(`printf has ${values.length - used} values too many`);
  return concatenate(written);
}

interface Verb {
  verb: string;
  width: number;
  left: boolean;
}

function* piecesOfFormat(format: string): Generator<{ text: string } | Verb> {
  for (const [text, flags, width, verb] of format.matchAll(/%([-+# 0]*)(\d*)(.|$)|[^%]+/gsu)) {
    if (verb === undefined) {
      yield { text };
    } else if (!/^-?$/.test(flags ?? '') || !/^[vsqdt%]$/.test(verb) || Number(width) > 1000) {
      throw new Unfit(`printf does not support ${text}`);
    } else {
      yield { verb, width: Number(width), left: flags === '-' };
    }
  }
}

function formatted({ verb, width }: Verb, value: GoValue): GoString {
  const fits: Record<string, boolean> = {
    v: true,
    s: isString(value) || isList(value) || isMap(value),
    q: isString(value),
    d: typeof value === 'bigint',
    t: typeof value === 'boolean',
  };
  // Go pads every element on its own.
  if (width > 0 && (isList(value) || isMap(value))) throw new Unfit(`printf does not pad ${kindOf(value)}`);
  if (!fits[verb]) throw new Unfit(`printf cannot write ${kindOf(value)} as %${verb}`);
  return verb === 'q' && isString(value) ? derived(quoted(flatten(value)), value) : shown(value);
}

function padded(text: GoString, { width, left }: Verb): GoString {
  if (width === 0) return text;
  const space = ' '.repeat(Math.max(0, width - Array.from(flatten(text)).length));
  return concatenate(left ? [text, space] : [space, text]);
}

function shown(value: GoValue): GoString {
  if (value === undefined) return '<nil>';
  if (isString(value)) return value;
  if (isList(value)) return bracketed('[', value.map(shown), ']');
  if (isMap(value)) {
    const entries = sortedEntries(value).map(([key, entry]) => concatenate([`${key}:`, shown(entry)]));
    return bracketed('map[', entries, ']');
  }
  if (typeof value === 'object') throw new Unfit('a struct cannot be written');
  return typeof value === 'number' ? shownFloat(value) : String(value);
}

function bracketed(open: Piece, items: readonly GoString[], close: Piece): GoString {
  return concatenate([open, ...items.flatMap((item, i) => (i > 0 ? [' ', item] : [item])), close]);
}

/** Like %v: an exponent has two digits at least, and small numbers get one sooner than JavaScript's. */
function shownFloat(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN';
  const magnitude = Math.abs(value);
  const text = magnitude !== 0 && magnitude < 1e-4 ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Like %q, for text that can be printed. */
function quoted(text: string): string {
  return JSON.stringify(text)
    .replace(/(?<!\\)((?:\\\\)*)\\b/g, '$1\\b')
    .replace(/\\u00([01][\da-f])/g, '\\x$1');
}
