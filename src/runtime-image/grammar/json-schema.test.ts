import { describe, expect, it } from 'vitest';
import { gbnfSchema } from './json-schema.ts';

const loose = (schema: Record<string, unknown>) => gbnfSchema(schema, false);
const strict = (schema: Record<string, unknown>) => gbnfSchema(schema, true);

describe('gbnfSchema', () => {
  it('keeps what a grammar can hold', () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string', description: 'Of a person', maxLength: 9 },
        tags: { type: 'array', items: { enum: ['a', 'b'] }, minItems: 1 },
        born: { type: 'string', format: 'date' },
      },
      required: ['name'],
      additionalProperties: false,
    };
    expect(strict({ $schema: 'x', title: 'Person', ...schema })).toEqual({
      type: 'object',
      properties: schema.properties,
      additionalProperties: false,
    });
  });

  it('takes an object without properties for any object, and an empty schema for any value', () => {
    expect(loose({ type: 'object' })).toMatchObject({ additionalProperties: true });
    expect(loose({})).toHaveProperty('oneOf');
    expect(loose({ type: 'array', items: true })).toHaveProperty('items.oneOf');
  });

  it('reads alternatives, lists of types and nullable', () => {
    expect(loose({ anyOf: [{ type: 'string' }, { type: 'null' }] })).toEqual({
      oneOf: [{ type: 'string' }, { type: 'null' }],
    });
    expect(loose({ type: ['string', 'null'] })).toEqual({ oneOf: [{ type: 'string' }, { type: 'null' }] });
    expect(loose({ type: 'integer', nullable: true })).toEqual({
      oneOf: [{ type: 'integer' }, { type: 'null' }],
    });
    expect(loose({ allOf: [{ const: 1 }] })).toEqual({ const: 1 });
  });

  it('follows references to definitions of both kinds, and to the root', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/definitions/node' } } };
    expect(loose({ definitions: { node }, $ref: '#/definitions/node' })).toMatchObject({
      oneOf: [{ $ref: '#/$defs/node' }],
      $defs: { node: { properties: { next: { $ref: '#/$defs/node' } } } },
    });
    expect(loose({ type: 'array', items: { $ref: '#' } })).toMatchObject({
      oneOf: [{ items: { $ref: '#/$defs/#' } }],
      $defs: { '#': { items: { $ref: '#/$defs/#' } } },
    });
  });

  it('leaves out what cannot be held, and refuses it where it is strict', () => {
    const schema = { type: 'object', properties: { age: { type: 'integer', minimum: 18 } } };
    expect(loose(schema)).toMatchObject({ properties: { age: { type: 'integer' } } });
    expect(() => strict(schema)).toThrow('at /properties/age: an answer cannot be held to minimum');
    expect(() => strict({ type: 'string', format: 'email' })).toThrow('held to format email');
    expect(() => strict({ type: 'string', colour: 'red' })).toThrow('colour is not known');
  });

  it('knows that the range of exact integers is no limit', () => {
    const range = { minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
    expect(strict({ type: 'integer', ...range })).toEqual({ type: 'integer' });
  });

  it.each([
    [{ type: 'text' }, '/type'],
    [{ anyOf: [] }, '/anyOf'],
    [{ $ref: '#/$defs/gone' }, '/$ref'],
    [{ $ref: 'https://example.com/schema.json' }, '/$ref'],
    [{ enum: [{}] }, '/enum'],
    [{ type: 'string', maxLength: 1e9 }, '/maxLength'],
    [{ type: 'object', properties: { a: 5 } }, '/properties/a'],
    [{ allOf: [{ type: 'string' }, { maxLength: 3 }] }, '/allOf'],
  ])('refuses %j at its place', (schema, path) => {
    expect(() => loose(schema)).toThrow(`at ${path}: `);
  });

  it('refuses what is nested too deep or has too many parts', () => {
    let deep: Record<string, unknown> = { type: 'string' };
    for (let i = 0; i < 40; i++) deep = { type: 'array', items: deep };
    expect(() => loose(deep)).toThrow('nested deeper');
    const names = Array.from({ length: 3000 }, (_, i) => [`a${i}`, { type: 'string' }]);
    expect(() => loose({ properties: Object.fromEntries(names) })).toThrow('more than 2000 parts');
  });
});
