import type { GbnfJsonSchema } from 'node-llama-cpp';
import { SchemaRefused } from '../refusal.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Repetitions make a grammar large; llama.cpp refuses more than some thousands. */
const mostRepetitions = 1000;
const deepest = 32;
const mostNodes = 2000;

/** Said about a value, and not of what it may be. */
const annotations = new Set(
  '$schema $id $comment $anchor title description default examples example deprecated readOnly writeOnly strict contentMediaType contentEncoding'.split(
    ' ',
  ),
);

/** What a grammar cannot hold a value to. */
const notHeld =
  'pattern minimum maximum exclusiveMinimum exclusiveMaximum multipleOf uniqueItems contains minContains maxContains not if then else patternProperties propertyNames dependentRequired dependentSchemas unevaluatedProperties unevaluatedItems'.split(
    ' ',
  );

const heldFormats = new Set(['date', 'time', 'date-time']);

/** A value of any kind. */
const anything: GbnfJsonSchema = {
  oneOf: [
    { type: 'object', additionalProperties: true },
    { type: 'array' },
    { type: ['string', 'number', 'boolean', 'null'] },
  ],
};

/**
 * A JSON Schema in the words that node-llama-cpp makes grammars of. An object gets every property it names, in their
 * order, and others only where the schema says so.
 * @param strict whether a schema is refused that asks for more than a grammar can hold; otherwise that part is left out
 * @throws SchemaRefused
 */
export function gbnfSchema(schema: Schema, strict: boolean): GbnfJsonSchema {
  const reading = { strict, nodes: 0, defs: definitionsOf(schema) };
  const root = read(schema, '', 0, reading);
  const defs = Object.fromEntries(
    Object.entries(reading.defs).map(([name, def]) => [name, read(def, `/$defs/${name}`, 1, reading)]),
  );
  if (Object.keys(defs).length === 0) return root;
  return { oneOf: [root], $defs: defs } as GbnfJsonSchema;
}

interface Reading {
  strict: boolean;
  nodes: number;
  defs: Record<string, Schema>;
}

function definitionsOf(root: Schema): Record<string, Schema> {
  const { $defs = {}, definitions = {} } = root as { $defs?: object; definitions?: object };
  return { ...objectsIn(definitions), ...objectsIn($defs), ...(refersToRoot(root) && { '#': root }) };
}

const refersToRoot = (root: Schema) => JSON.stringify(root).includes('"$ref":"#"');

function objectsIn(value: object): Record<string, Schema> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => isSchema(one)));
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function read(schema: unknown, path: string, depth: number, reading: Reading): GbnfJsonSchema {
  if (schema === true) return anything;
  if (!isSchema(schema)) throw new SchemaRefused(path, 'it is not a schema');
  if (depth > deepest) throw new SchemaRefused(path, `it is nested deeper than ${deepest} levels`);
  if (++reading.nodes > mostNodes) throw new SchemaRefused(path, `it has more than ${mostNodes} parts`);
  const read1 = readKind(schema, path, depth, reading);
  return schema['nullable'] === true ? { oneOf: [read1, { type: 'null' }] } : read1;
}

function readKind(schema: Schema, path: string, depth: number, reading: Reading): GbnfJsonSchema {
  const inside = (value: unknown, key: string) => read(value, `${path}/${key}`, depth + 1, reading);
  const listed = (key: string) => {
    const list = schema[key];
    if (!Array.isArray(list) || list.length === 0)
      throw new SchemaRefused(`${path}/${key}`, 'it is not a list');
    return list.map((one, i) => inside(one, `${key}/${i}`));
  };
  ensureHeld(schema, path, reading.strict);
  if (schema['$ref'] !== undefined) return reference(schema['$ref'], path, reading);
  if (schema['const'] !== undefined) return { const: scalar(schema['const'], `${path}/const`) };
  if (Array.isArray(schema['enum'])) {
    return { enum: schema['enum'].map((value) => scalar(value, `${path}/enum`)) };
  }
  if (schema['anyOf'] !== undefined) return { oneOf: listed('anyOf') };
  if (schema['oneOf'] !== undefined) return { oneOf: listed('oneOf') };
  if (schema['allOf'] !== undefined) {
    const [only, ...others] = listed('allOf');
    if (only && others.length === 0) return only;
    throw new SchemaRefused(`${path}/allOf`, 'only one schema can be followed there');
  }
  return ofTypes(schema, path, inside);
}

function reference(ref: unknown, path: string, { defs }: Reading): GbnfJsonSchema {
  const name = ref === '#' ? '#' : /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(String(ref))?.[1];
  if (name === undefined || !Object.hasOwn(defs, name)) {
    throw new SchemaRefused(
      `${path}/$ref`,
      'only #, #/$defs/... and #/definitions/... that are there can be followed',
    );
  }
  return { $ref: `#/$defs/${name}` } as unknown as GbnfJsonSchema;
}

type Inside = (value: unknown, key: string) => GbnfJsonSchema;

function ofTypes(schema: Schema, path: string, inside: Inside): GbnfJsonSchema {
  const { type, properties, items, prefixItems } = schema;
  const guessed =
    properties === undefined ? ((items ?? prefixItems) === undefined ? [] : ['array']) : ['object'];
  const types: unknown[] = type === undefined ? guessed : Array.isArray(type) ? type : [type];
  const kinds = types.map((one) => ofType(one, schema, path, inside));
  const [only] = kinds;
  if (!only) return anything;
  return kinds.length === 1 ? only : { oneOf: kinds };
}

function ofType(type: unknown, schema: Schema, path: string, inside: Inside): GbnfJsonSchema {
  const described = typeof schema['description'] === 'string' ? { description: schema['description'] } : {};
  switch (type) {
    case 'object':
      return { ...objectOf(schema, path, inside), ...described };
    case 'array':
      return { ...arrayOf(schema, path, inside), ...described };
    case 'string': {
      const { format } = schema;
      if (typeof format === 'string' && heldFormats.has(format)) {
        return { type, format, ...described } as GbnfJsonSchema;
      }
      return { type, ...counts(schema, path, ['minLength', 'maxLength']), ...described };
    }
    case 'number':
    case 'integer':
    case 'boolean':
    case 'null':
      return { type, ...described };
    default:
      throw new SchemaRefused(`${path}/type`, 'it is not a type of JSON');
  }
}

function objectOf(schema: Schema, path: string, inside: Inside): GbnfJsonSchema {
  const { properties = {}, additionalProperties: others } = schema;
  if (!isSchema(properties)) throw new SchemaRefused(`${path}/properties`, 'it is not an object');
  const named = Object.entries(properties).map(([name, one]) => [name, inside(one, `properties/${name}`)]);
  const open = others ?? named.length === 0;
  return {
    type: 'object',
    properties: Object.fromEntries(named) as Record<string, GbnfJsonSchema>,
    additionalProperties: typeof open === 'boolean' ? open : inside(open, 'additionalProperties'),
    ...counts(schema, path, ['minProperties', 'maxProperties']),
  } as GbnfJsonSchema;
}

function arrayOf(schema: Schema, path: string, inside: Inside): GbnfJsonSchema {
  const { items, prefixItems } = schema;
  return {
    type: 'array',
    ...(items !== undefined && { items: inside(items, 'items') }),
    ...(Array.isArray(prefixItems) && {
      prefixItems: prefixItems.map((one, i) => inside(one, `prefixItems/${i}`)),
    }),
    ...counts(schema, path, ['minItems', 'maxItems']),
  };
}

function counts(schema: Schema, path: string, names: readonly string[]): Record<string, number> {
  const given = names.flatMap((name) => (schema[name] === undefined ? [] : [[name, schema[name]] as const]));
  for (const [name, value] of given) {
    if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > mostRepetitions) {
      throw new SchemaRefused(
        `${path}/${name}`,
        `only whole numbers up to ${mostRepetitions} can be followed`,
      );
    }
  }
  return Object.fromEntries(given) as Record<string, number>;
}

function scalar(value: unknown, path: string): string | number | boolean | null {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) {
    return value as string | number | boolean | null;
  }
  throw new SchemaRefused(path, 'only strings, numbers, true, false and null can be followed');
}

function ensureHeld(schema: Schema, path: string, strict: boolean): void {
  if (!strict) return;
  const asksMore = notHeld.find((name) => schema[name] !== undefined && !isNoLimit(schema[name]));
  const { format } = schema;
  const why =
    asksMore ?? (typeof format === 'string' && !heldFormats.has(format) ? `format ${format}` : undefined);
  if (why !== undefined) {
    throw new SchemaRefused(
      path,
      `an answer cannot be held to ${why}; without strict, that part is left out`,
    );
  }
  const unknown = Object.keys(schema).find((name) => !known.has(name));
  if (unknown !== undefined) throw new SchemaRefused(path, `${unknown} is not known`);
}

/** Libraries write the range of exact integers where nobody asked for one. */
const isNoLimit = (value: unknown) =>
  typeof value === 'number' && Math.abs(value) === Number.MAX_SAFE_INTEGER;

const known = new Set([
  ...annotations,
  ...notHeld,
  ...'$ref $defs definitions const enum anyOf oneOf allOf type nullable properties required additionalProperties minProperties maxProperties items prefixItems minItems maxItems minLength maxLength format'.split(
    ' ',
  ),
]);
