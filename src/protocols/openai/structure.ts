import { z } from 'zod';

/** Tools that a model may call, and the structure that an answer is held to. */

/** A JSON Schema; what of it can be held is in docs/guides/serving.md. */
export const JsonSchema = z.record(z.string(), z.unknown());
export type JsonSchema = z.infer<typeof JsonSchema>;

const name = z.string().regex(/^[\w-]{1,64}$/, 'Letters, digits, _ and -, at most 64 of them.');

const onlyFunctions = {
  error: 'Only tools of type function are supported: this server runs no tools of its own.',
};

export const FunctionDefinition = z.strictObject({
  name,
  description: z.string().nullish(),
  parameters: JsonSchema.nullish(),
  strict: z.boolean().nullish(),
});

export const ChatTool = z.strictObject({
  type: z.literal('function', onlyFunctions),
  function: FunctionDefinition,
});

export const ChatToolChoice = z.union(
  [
    z.enum(['none', 'auto', 'required']),
    z.strictObject({ type: z.literal('function'), function: z.strictObject({ name }) }),
  ],
  { error: 'One of none, auto, required, and a function by name.' },
);
export type ChatToolChoice = z.infer<typeof ChatToolChoice>;

const jsonSchema = {
  name,
  description: z.string().nullish(),
  schema: JsonSchema,
  strict: z.boolean().nullish(),
};

export const ResponseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({ type: z.literal('json_schema'), json_schema: z.strictObject(jsonSchema) }),
]);
export type ResponseFormat = z.infer<typeof ResponseFormat>;

/** The same in a request for a response, where it is flat. */
export const FlatFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({ type: z.literal('json_schema'), ...jsonSchema }),
]);

export const FlatTool = z.strictObject({
  type: z.literal('function', onlyFunctions),
  ...FunctionDefinition.shape,
});

export const FlatToolChoice = z.union(
  [z.enum(['none', 'auto', 'required']), z.strictObject({ type: z.literal('function'), name })],
  { error: 'One of none, auto, required, and a function by name.' },
);
