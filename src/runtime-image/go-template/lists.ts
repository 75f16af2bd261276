import type { GoString } from './text.ts';
import { derived, flatten, isString } from './text.ts';
import type { GoValue } from './values.ts';
import { isList, isMap, kindOf, Unfit } from './values.ts';

/** len, index and slice. Strings have bytes in Go, so that is what these count. */

export function lengthOf(value: GoValue): bigint {
  if (isString(value)) return BigInt(Buffer.byteLength(flatten(value)));
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(value.size);
  throw new Unfit(`${kindOf(value)} has no len`);
}

export function elementOf(value: GoValue, keys: readonly GoValue[]): GoValue {
  if (value === undefined) throw new Unfit('nil has no index');
  return keys.reduce((at, key) => element(at, key), value);
}

function element(value: GoValue, key: GoValue): GoValue {
  if (isMap(value)) {
    if (!isString(key)) throw new Unfit(`${kindOf(key)} is no key of a map`);
    return value.get(flatten(key));
  }
  if (isString(value)) {
    const bytes = Buffer.from(flatten(value));
    return BigInt(bytes.readUInt8(position(key, bytes.length - 1)));
  }
  if (isList(value)) return value[position(key, value.length - 1)];
  throw new Unfit(`${kindOf(value)} has no index`);
}

export function sliceOf(value: GoValue, bounds: readonly GoValue[]): GoValue {
  if (bounds.length > (isString(value) ? 2 : 3)) throw new Unfit('slice has too many bounds');
  if (isString(value)) return sliceOfText(value, bounds);
  if (!isList(value)) throw new Unfit(`${kindOf(value)} has no slice`);
  return value.slice(...range(bounds, value.length));
}

function sliceOfText(value: GoString, bounds: readonly GoValue[]): GoString {
  const bytes = Buffer.from(flatten(value));
  return derived(bytes.subarray(...range(bounds, bytes.length)).toString(), value);
}

function range(bounds: readonly GoValue[], length: number): [number, number] {
  const [from = 0, to = length, capacity = length] = bounds.map((bound) => position(bound, length));
  if (from > to || to > capacity) throw new Unfit(`there is no slice from ${from} to ${to}`);
  return [from, to];
}

function position(value: GoValue, last: number): number {
  if (typeof value !== 'bigint') throw new Unfit(`${kindOf(value)} is no index`);
  if (value < 0n || value > BigInt(last)) throw new Unfit(`the index ${value} is out of range`);
  return Number(value);
}
