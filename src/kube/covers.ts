import { parseQuantity } from './quantity.ts';

/** Quantities are rewritten by the server (`1024Mi` comes back as `1Gi`); they live under these members only. */
const quantityMaps = new Set(['requests', 'limits', 'capacity']);
const quantityMembers = new Set(['sizeLimit', 'divisor']);

/**
 * Whether `live` has every value of `desired`. A zero value (`''`, `0`, `false`, null, an empty list or object) also counts as present
 * when absent, since the server leaves those out. An item of a list of objects is looked for in the whole list; lists
 * of plain values are compared whole and in order.
 */
export function covers(live: unknown, desired: unknown, path: readonly string[] = []): boolean {
  if (desired === undefined) return true;
  if (live === undefined || live === null) return isZero(desired);
  if (Array.isArray(desired)) return Array.isArray(live) && coversList(live, desired, path);
  if (isRecord(desired)) {
    if (!isRecord(live)) return false;
    return Object.entries(desired).every(([name, value]) => covers(live[name], value, [...path, name]));
  }
  return live === desired || (isQuantityAt(path) && sameQuantity(live, desired));
}

function coversList(live: unknown[], desired: unknown[], path: readonly string[]): boolean {
  if (!desired.every(isRecord)) {
    return live.length === desired.length && desired.every((item, i) => covers(live[i], item, path));
  }
  return desired.every((item) => live.some((candidate) => covers(candidate, item, path)));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isZero(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.values(value).every((member) => member === undefined);
}

function isQuantityAt(path: readonly string[]): boolean {
  return quantityMembers.has(path.at(-1) ?? '') || quantityMaps.has(path.at(-2) ?? '');
}

function sameQuantity(a: unknown, b: unknown): boolean {
  const [left, right] = [parseQuantity(String(a)), parseQuantity(String(b))];
  // Both were read from decimal text, so that equal quantities may differ in the last bit.
  return Math.abs(left - right) <= 1e-12 * Math.abs(left);
}

/** JSON with the members of objects in one order, so that equal values have equal text. */
export function stableJson(value: unknown): string {
  return textOf(value) ?? 'undefined';
}

/** Undefined for what JSON has no text for. */
function textOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item) ?? 'null').join(',')}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const members: string[] = [];
  for (const name of Object.keys(value).sort()) {
    const text = textOf(value[name]);
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${members.join(',')}}`;
}
