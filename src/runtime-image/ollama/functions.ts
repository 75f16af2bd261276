import { builtins } from '../go-template/functions.ts';
import type { GoFunction, GoFunctions } from '../go-template/functions.ts';
import type { GoString } from '../go-template/text.ts';
import { flatten, isString, Outside } from '../go-template/text.ts';
import type { GoValue } from '../go-template/values.ts';
import { GoStruct, isList, isMap, sortedEntries } from '../go-template/values.ts';

/**
 * What templates of Ollama can call beside Go's own functions.
 * Source: https://github.com/ollama/ollama/blob/main/template/template.go (funcs)
 */
export function ollamaFunctions(now: () => Date): GoFunctions {
  return new Map<string, GoFunction>([
    ...builtins,
    ['json', ([value]) => json(value)],
    // Ollama takes a format and does not look at it.
    ['currentDate', () => dateOf(now(), 0)],
    ['yesterdayDate', () => dateOf(now(), -1)],
    ['toTypeScriptType', ([value]) => typeScriptType(value)],
  ]);
}

/** YYYY-MM-DD, local time. */
function dateOf(now: Date, days: number): string {
  const date = new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Like Go's json.Marshal, which escapes what HTML would take for markup. */
function json(value: GoValue): GoString {
  const text = JSON.stringify(plain(value)).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return isAuthored(value) ? text : new Outside(text);
}

function plain(value: GoValue): unknown {
  if (value === undefined) return null;
  if (isString(value)) return flatten(value);
  if (isList(value)) return value.map(plain);
  if (isMap(value))
    return Object.fromEntries(sortedEntries(value).map(([key, entry]) => [key, plain(entry)]));
  if (value instanceof GoStruct) {
    return Object.fromEntries(Object.entries(value.fields).map(([name, field]) => [name, plain(field)]));
  }
  return typeof value === 'bigint' ? Number(value) : value;
}

/** Whether all of it was written by the template. */
const isAuthored = (value: GoValue) => typeof value !== 'object' || value === undefined;

const typeScriptTypes: Record<string, string> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  array: 'any[]',
  object: 'Record<string, any>',
  null: 'null',
};

/** The TypeScript type of a JSON schema: a map with `type` and `anyOf`. */
function typeScriptType(schema: GoValue): string {
  if (!isMap(schema)) return 'any';
  const anyOf = schema.get('anyOf');
  if (isList(anyOf) && anyOf.length > 0) return anyOf.map(typeScriptType).join(' | ');
  const type = schema.get('type');
  const types = isList(type) ? type : [type];
  return types.map((one) => (isString(one) && typeScriptTypes[flatten(one)]) || 'any').join(' | ') || 'any';
}
