import type { z } from 'zod';
import { Refusal } from './refusal.ts';

/** Fastify's validator: what does not fit a schema is thrown as the error of zod. */
export const validatorCompiler =
  ({ schema }: { schema: z.ZodType }) =>
  (data: unknown) => {
    const { data: value, error } = schema.safeParse(data, { error: inWords });
    return error ? { error } : { value };
  };

type Issue = z.core.$ZodIssue;

/** What a client is told of a request that does not fit: the first problem, and the field that it is in. */
export function invalidRequest(error: z.ZodError): Refusal {
  const [first] = error.issues;
  return first ? refusalOf(first, first.path) : new Refusal(400, 'The request is not valid.');
}

function refusalOf(issue: Issue, path: readonly PropertyKey[]): Refusal {
  if (issue.code === 'invalid_union') {
    const within = issue.errors.map(([first]) => first).find((first) => first && isWithin(first));
    if (within) return refusalOf(within, [...path, ...within.path]);
  }
  if (issue.code === 'unrecognized_keys') {
    return at([...path, ...issue.keys.slice(0, 1)], 'This server does not know the field.');
  }
  if (issue.code === 'invalid_key') {
    return at(path, issue.issues[0]?.message ?? issue.message);
  }
  const code: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined;
  return at(path, issue.message, typeof code === 'string' ? code : undefined);
}

/** Of a field that may be several things: whether it is this one, with a flaw. */
const isWithin = ({ code, path }: Issue) =>
  path.length > 0 || (code !== 'invalid_type' && code !== 'invalid_value');

function at(path: readonly PropertyKey[], message: string, code?: string): Refusal {
  const param = path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`))
    .join('');
  return new Refusal(400, param === '' ? message : `${param}: ${message}`, {
    ...(param !== '' && { param }),
    ...(code !== undefined && { code }),
  });
}

/** The words of types; zod's own are those of a programmer. */
const names: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const nameOf = (type: string) => names[type] ?? type;

/** What was sent: its type, and never what it says. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return nameOf(typeof value);
}

/** What is wrong with a field, for people; undefined: zod's own words. */
export function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  if (issue.code === 'invalid_type') {
    const isBody = (issue.path ?? []).length === 0;
    if (isBody && (input === null || input === undefined))
      return 'The body is missing: send an object of JSON.';
    const expected = nameOf(issue.expected);
    return input === undefined
      ? `Required: ${expected}.`
      : `It has to be ${expected}, and is ${kindOf(input)}.`;
  }
  if (issue.code === 'invalid_value') return oneOf(issue.values);
  if (issue.code === 'too_big') return `At most ${issue.maximum}${itemsOf(issue.origin, issue.maximum)}.`;
  if (issue.code === 'too_small') return `At least ${issue.minimum}${itemsOf(issue.origin, issue.minimum)}.`;
  if (issue.code === 'invalid_union') {
    if (Array.isArray(issue.options)) return oneOf(issue.options);
    const types = issue.errors.flat().flatMap((one) => (one.code === 'invalid_type' ? [one.expected] : []));
    if (types.length === 0) return undefined;
    const expected = [...new Set(types.map(nameOf))].join(' or ');
    return input === undefined
      ? `Required: ${expected}.`
      : `It has to be ${expected}, and is ${kindOf(input)}.`;
  }
  return undefined;
}

function oneOf(values: readonly unknown[]): string {
  const written = values.map((value) => JSON.stringify(value)).join(', ');
  return `${values.length === 1 ? 'It has to be' : 'One of'} ${written}.`;
}

function itemsOf(origin: string, count: number | bigint): string {
  const item = { string: ' character', array: ' item' }[origin];
  return item === undefined ? '' : `${item}${Number(count) === 1 ? '' : 's'}`;
}
