import type { GoString } from './text.ts';
import { flatten, isString } from './text.ts';

/** A value with a fixed set of fields: asking for another one is an error, where a map just has none. */
export class GoStruct {
  readonly fields: Readonly<Record<string, GoValue>>;
  constructor(fields: Readonly<Record<string, GoValue>>) {
    this.fields = fields;
  }
}

export type GoMap = ReadonlyMap<string, GoValue>;

/** What a template works on: `bigint` is Go's int, `number` its float64, undefined its nil. */
export type GoValue =
  undefined | boolean | bigint | number | GoString | readonly GoValue[] | GoMap | GoStruct;

/** What can be done to a value; a template asked for something else. */
export class Unfit extends Error {
  override readonly name = 'Unfit';
}

// ReadonlyMap and readonly arrays are not narrowed by instanceof and Array.isArray.
export const isMap = (value: GoValue): value is GoMap => value instanceof Map;
export const isList = (value: GoValue): value is readonly GoValue[] => Array.isArray(value);

/** What `if`, `and` and their like take for true: what is not empty. */
export function isTrue(value: GoValue): boolean {
  if (isString(value)) return flatten(value) !== '';
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return value.size > 0;
  return value instanceof GoStruct || Boolean(value);
}

/** The name of the value's kind, for messages. */
export function kindOf(value: GoValue): string {
  if (value === undefined) return 'nil';
  if (isString(value)) return 'string';
  if (isList(value)) return 'list';
  if (isMap(value)) return 'map';
  if (value instanceof GoStruct) return 'struct';
  return { boolean: 'bool', bigint: 'int', number: 'float' }[typeof value as 'boolean' | 'bigint' | 'number'];
}

/**
 * The value at the end of `path`. Nothing has no fields and gives nothing, but a path that ends on its way is an error:
 * so it is in Go with the options that Ollama sets.
 */
export function fieldOf(value: GoValue, path: readonly string[]): GoValue {
  let at = value;
  for (const [depth, name] of path.entries()) {
    if (at === undefined) {
      if (depth > 0 && value !== undefined) throw new Unfit(`nothing has no field ${name}`);
      return undefined;
    }
    if (isMap(at)) at = at.get(name);
    else if (at instanceof GoStruct && Object.hasOwn(at.fields, name)) at = at.fields[name];
    else throw new Unfit(`there is no field ${name} in ${kindOf(at)}`);
  }
  return at;
}

/** Entries in the order in which Go ranges over a map. */
export function sortedEntries(map: GoMap): [string, GoValue][] {
  return [...map].sort(([a], [b]) => compareText(a, b));
}

/** Negative, zero or positive; by bytes, as Go compares, not by UTF-16 units. */
export function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
