import { z } from 'zod';

const Schema = z.looseObject({
  $ref: z.string().optional(),
  properties: z.record(z.string(), z.looseObject({ description: z.string().optional() })).optional(),
  additionalProperties: z.unknown().optional(),
});
const Contents = z.record(z.string(), z.looseObject({ schema: Schema }));
const Operation = z.looseObject({
  operationId: z.string(),
  security: z.array(z.unknown()).optional(),
  parameters: z
    .array(z.looseObject({ name: z.string(), in: z.enum(['path', 'query']), required: z.boolean() }))
    .default([]),
  requestBody: z.looseObject({ content: Contents }).optional(),
  responses: z.record(z.string(), z.looseObject({ description: z.string(), content: Contents })),
});

/** As much of an OpenAPI document as tests look at. */
export const OpenApiDocument = z.looseObject({
  openapi: z.literal('3.1.1'),
  security: z.array(z.unknown()).optional(),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.looseObject({ schemas: z.record(z.string(), Schema) }),
});

/** All of them, with what they are asked by. */
export function operationsOf({ paths }: z.infer<typeof OpenApiDocument>) {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, ...operation })),
  );
}
