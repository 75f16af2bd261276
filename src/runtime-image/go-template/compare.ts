import { flatten, isString } from './text.ts';
import type { GoValue } from './values.ts';
import { compareText, isList, isMap, kindOf, Unfit } from './values.ts';

/** How templates compare. https://pkg.go.dev/text/template#hdr-Functions */

/** Whether the first value equals one of the others. */
export function equalsOne([first, ...others]: readonly GoValue[]): boolean {
  if (others.length === 0) throw new Unfit('eq needs two values at least');
  return others.some((other) => equal(first, other));
}

function equal(a: GoValue, b: GoValue): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (kindOf(a) !== kindOf(b)) throw new Unfit(`${kindOf(a)} is not compared with ${kindOf(b)}`);
  if (isString(a) && isString(b)) return flatten(a) === flatten(b);
  if (isList(a) || isMap(a)) throw new Unfit(`one ${kindOf(a)} is not compared with another`);
  return a === b;
}

/** Negative, zero or positive. */
export function order(a: GoValue, b: GoValue): number {
  if (isString(a) && isString(b)) return compareText(flatten(a), flatten(b));
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : Number(a > b);
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : Number(a > b);
  throw new Unfit(`${kindOf(a)} has no order with ${kindOf(b)}`);
}
