import { equalsOne, order } from './compare.ts';
import { print, printf, println } from './format.ts';
import { elementOf, lengthOf, sliceOf } from './lists.ts';
import { isString } from './text.ts';
import type { GoValue } from './values.ts';
import { isTrue, Unfit } from './values.ts';

/** @throws Unfit */
export type GoFunction = (values: readonly GoValue[]) => GoValue;
export type GoFunctions = ReadonlyMap<string, GoFunction>;

/**
 * What every template can call, but for those that escape for HTML and URLs and `call`: nothing here needs them.
 * https://pkg.go.dev/text/template#hdr-Functions
 */
export const builtins: GoFunctions = new Map<string, GoFunction>([
  ['and', decided],
  ['or', decided],
  ['not', (values) => !isTrue(exactly(1, 'not', values)[0])],
  ['eq', equalsOne],
  ['ne', (values) => !equalsOne(exactly(2, 'ne', values))],
  ['lt', (values) => ordered('lt', values) < 0],
  ['le', (values) => ordered('le', values) <= 0],
  ['gt', (values) => ordered('gt', values) > 0],
  ['ge', (values) => ordered('ge', values) >= 0],
  ['len', (values) => lengthOf(exactly(1, 'len', values)[0])],
  ['index', ([value, ...keys]) => elementOf(value, keys)],
  ['slice', ([value, ...bounds]) => sliceOf(value, bounds)],
  ['print', print],
  ['println', println],
  [
    'printf',
    ([format, ...values]) => {
      if (!isString(format)) throw new Unfit('printf needs a format');
      return printf(format, values);
    },
  ],
]);

function exactly(count: number, name: string, values: readonly GoValue[]): readonly GoValue[] {
  if (values.length !== count) throw new Unfit(`${name} takes ${count} values, not ${values.length}`);
  return values;
}

function ordered(name: string, values: readonly GoValue[]): number {
  const [a, b] = exactly(2, name, values);
  return order(a, b);
}

/** The evaluator does these two itself: what decides keeps the rest from being evaluated. */
function decided(): never {
  throw new Error('and, or are no functions');
}
