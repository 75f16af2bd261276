import { z } from 'zod';
import type { RequestFields } from '../../protocols/request.ts';
import { requestFields } from '../../protocols/request.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What a schema takes, as JSON Schema. Fields that are ignored or refused are in it too, with the reason. */
export function requestSchema(schema: z.ZodType): JsonSchema {
  return jsonSchema(schema, 'input');
}

/** What an answer of a schema looks like, as JSON Schema. */
export function answerSchema(schema: z.ZodType): JsonSchema {
  return jsonSchema(schema, 'output');
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...written } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    override: ({ zodSchema, jsonSchema: written }) => {
      const fields = requestFields(zodSchema);
      if (!fields || written.type !== 'object') return;
      written.properties = { ...written.properties, ...properties(fields) };
      written.additionalProperties = false;
    },
  });
  return written;
}

/** The fields that do not work. */
function properties({ ignored, refused }: RequestFields): Record<string, JsonSchema> {
  const doNothing = Object.entries(ignored).map(([name, why]): [string, JsonSchema] => [
    name,
    { description: `Ignored. ${why}` },
  ]);
  const fail = Object.entries(refused).map(([name, { neutral, message }]): [string, JsonSchema] => {
    const values = neutral.description;
    const description = `Refused${values === undefined ? '' : `, but for ${values}`}. ${message}`;
    return [name, { ...jsonSchema(neutral, 'input'), description }];
  });
  return Object.fromEntries([...doNothing, ...fail]);
}
