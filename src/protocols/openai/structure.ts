import { z } from 'zod';

/** Tools that a model may call, and the structure that an answer is held to. */

/** A JSON Schema; what of it can be held is in docs/guides/serving.md. */
export const JsonSchema = z.record(z.string(), z.unknown());
export type JsonSchema = z.infer<typeof JsonSchema>;

const name = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'Letters, digits, _ and -, at most 64 of them.');

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

const choices = z.enum(['none', 'auto', 'required']);
const mode = z.enum(['auto', 'required']);
const whichTool = { error: 'One of none, auto, required, a function by name, and allowed_tools.' };

export const ChatToolChoice = z.union(
  [
    choices,
    z.strictObject({ type: z.literal('function'), function: z.strictObject({ name }) }),
    z.strictObject({
      type: z.literal('allowed_tools'),
      allowed_tools: z.strictObject({
        mode,
        tools: z.array(
          z.strictObject({ type: z.literal('function', onlyFunctions), function: z.strictObject({ name }) }),
        ),
      }),
    }),
  ],
  whichTool,
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
  [
    choices,
    z.strictObject({ type: z.literal('function'), name }),
    z.strictObject({
      type: z.literal('allowed_tools'),
      mode,
      tools: z.array(z.strictObject({ type: z.literal('function', onlyFunctions), name })),
    }),
  ],
  whichTool,
);
export type FlatToolChoice = z.infer<typeof FlatToolChoice>;

/** What a request says of calling tools: what it may call, and whether it has to. */
export interface Calling {
  choice: 'none' | 'auto' | 'required' | { name: string };
  /** The names of the tools that may be called; absent: all. */
  allowed?: readonly string[];
}

/** The choice of a request, in either of its forms, as one. */
export function callingOf(choice: ChatToolChoice | FlatToolChoice | null | undefined): Calling {
  if (choice === null || choice === undefined) return { choice: 'auto' };
  if (typeof choice === 'string') return { choice };
  if (choice.type === 'function') return { choice: { name: nameOf(choice) } };
  const { mode, tools } = 'allowed_tools' in choice ? choice.allowed_tools : choice;
  return { choice: mode, allowed: tools.map(nameOf) };
}

const nameOf = (tool: { name: string } | { function: { name: string } }) =>
  'function' in tool ? tool.function.name : tool.name;

/** Why a choice cannot be followed, with the tools of these names; undefined where it can. */
export function problemOfChoice(
  given: ChatToolChoice | FlatToolChoice | null | undefined,
  tools: readonly string[],
): string | undefined {
  const { choice, allowed } = callingOf(given);
  const named = [...(typeof choice === 'object' ? [choice.name] : []), ...(allowed ?? [])];
  const unknown = named.find((name) => !tools.includes(name));
  if (unknown !== undefined) return `There is no tool of the name ${unknown}.`;
  if (choice === 'required' && (allowed ?? tools).length === 0) return 'There are no tools to call.';
  return undefined;
}
