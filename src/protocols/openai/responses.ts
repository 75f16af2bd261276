import { z } from 'zod';
import { requestOf, unasked, unaskedOr, unaskedOrEmpty } from '../request.ts';
import { Content } from './chat-message.ts';
import { alwaysIgnored } from './ignored.ts';
import { mostLogprobs, samplingFields } from './sampling.ts';
import { FlatFormat, FlatTool, FlatToolChoice, problemOfChoice } from './structure.ts';

/** POST /v1/responses, as far as text goes: https://platform.openai.com/docs/api-reference/responses */

const message = z.looseObject({
  type: z.literal('message').nullish(),
  role: z.enum(['system', 'developer', 'user', 'assistant'], {
    error: 'One of system, developer, user and assistant.',
  }),
  content: Content,
});

const calledTool = z.looseObject({
  type: z.literal('function_call'),
  call_id: z.string(),
  name: z.string(),
  /** JSON as text. */
  arguments: z.string(),
});

const toolOutput = z.looseObject({
  type: z.literal('function_call_output'),
  call_id: z.string(),
  output: Content,
});

/** What a model thought, as an answer had it. */
const reasoning = z.looseObject({
  type: z.literal('reasoning'),
  content: z.array(z.looseObject({ text: z.string() })).nullish(),
});

export const InputItem = z.discriminatedUnion('type', [message, calledTool, toolOutput, reasoning], {
  error: ({ code }) =>
    code === 'invalid_union'
      ? 'One of message, function_call, function_call_output and reasoning: nothing is stored here, and this server runs no tools of its own.'
      : undefined,
});
export type InputItem = z.infer<typeof InputItem>;

const { model, stream, temperature, top_p, truncation } = samplingFields;

/** What is told beside the text where it is asked for. */
export const textLogprobs = 'message.output_text.logprobs';

export const responseFields = {
  works: {
    input: z
      .union([z.string(), z.array(InputItem).min(1, 'At least one item.')])
      .describe('A text, or messages, calls, results and thoughts; text only.'),
    instructions: z.string().nullish().describe('A system message before the input.'),
    model,
    stream,
    max_output_tokens: z
      .int()
      .min(1)
      .nullish()
      .describe('Tokens; absent: until the model ends or the context is full.'),
    temperature,
    top_p,
    top_logprobs: z
      .int()
      .min(0)
      .max(mostLogprobs)
      .nullish()
      .describe(`Up to ${mostLogprobs}; only with \`include\` of \`${textLogprobs}\`.`),
    include: z
      .array(
        z.enum([textLogprobs, 'reasoning.encrypted_content'], {
          error: `Only ${textLogprobs} can be included.`,
        }),
      )
      .nullish()
      .describe(
        `\`${textLogprobs}\`; \`reasoning.encrypted_content\` is taken and adds nothing, since thoughts come as text.`,
      ),
    truncation,
    text: z
      .strictObject({
        format: FlatFormat.nullish(),
        verbosity: z
          .literal('medium', 'Only medium: say in a message how long the answer should be.')
          .nullish(),
      })
      .nullish()
      .describe('`format`: `text`, `json_object` and `json_schema`; `verbosity` may be `medium`.'),
    tools: z.array(FlatTool).max(128).nullish().describe('Functions.'),
    tool_choice: FlatToolChoice.nullish().describe('With `none`, the model is not told of the tools.'),
    parallel_tool_calls: z.boolean().nullish().describe('`false`: at most one call in an answer.'),
    stream_options: z
      .strictObject({
        include_obfuscation: z.literal(false, 'Only false: streams are not padded.').nullish(),
      })
      .nullish()
      .describe('`include_obfuscation` may be `false`; usage comes with the last event anyway.'),
  },
  ignored: alwaysIgnored,
  refused: {
    background: { neutral: unaskedOr(false), message: 'Responses are made while the client waits.' },
    conversation: {
      neutral: unasked,
      message: 'Nothing is stored here: send the conversation as input.',
    },
    previous_response_id: {
      neutral: unasked,
      message: 'Nothing is stored here: send the conversation as input.',
    },
    context_management: {
      neutral: unaskedOrEmpty,
      message: 'Conversations are not shortened here, but by truncation.',
    },
    max_tool_calls: { neutral: unasked, message: 'This server runs no tools of its own.' },
    prompt: { neutral: unasked, message: 'No prompts are stored here: send the text as input.' },
    reasoning: {
      neutral: z.record(z.string(), z.null()).nullable().describe('one of nulls'),
      message: 'How long a model thinks cannot be chosen: it thinks as its template has it.',
    },
    moderation: { neutral: unasked, message: 'Nothing is moderated here.' },
    image: { neutral: unasked, message: 'Only text is generated.' },
    access_programs: { neutral: unasked, message: 'There are no such programs here.' },
  },
} as const;

const checked = requestOf(responseFields).superRefine(({ include, top_logprobs, ...body }, issues) => {
  const wrong = (path: string, message: string) => issues.addIssue({ code: 'custom', path: [path], message });
  if (top_logprobs && !include?.includes(textLogprobs)) {
    wrong('top_logprobs', `Only together with include: ["${textLogprobs}"].`);
  }
  const problem = problemOfChoice(
    body.tool_choice,
    (body.tools ?? []).map(({ name }) => name),
  );
  if (problem !== undefined) wrong('tool_choice', problem);
});
export const ResponseRequest = checked.meta({ title: 'ResponseRequest' });
export type ResponseRequest = z.infer<typeof ResponseRequest>;

const itemStatus = z.enum(['in_progress', 'completed', 'incomplete']);

const likelyToken = { token: z.string(), logprob: z.number(), bytes: z.array(z.int()) };

export const ResponseLogprob = z.object({
  ...likelyToken,
  top_logprobs: z.array(z.object(likelyToken)),
});
export type ResponseLogprob = z.infer<typeof ResponseLogprob>;

export const OutputText = z.object({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.never()),
  logprobs: z.array(ResponseLogprob),
});

export const OutputItem = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message'),
    id: z.string(),
    status: itemStatus,
    role: z.literal('assistant'),
    content: z.array(OutputText),
  }),
  z.object({
    type: z.literal('function_call'),
    id: z.string(),
    call_id: z.string(),
    status: itemStatus,
    name: z.string(),
    arguments: z.string(),
  }),
  z.object({
    type: z.literal('reasoning'),
    id: z.string(),
    status: itemStatus,
    summary: z.array(z.never()),
    content: z.array(z.object({ type: z.literal('reasoning_text'), text: z.string() })),
  }),
]);
export type OutputItem = z.infer<typeof OutputItem>;

/** A response, which repeats the settings of its request. */
export const ResponseObject = z
  .object({
    id: z.string(),
    object: z.literal('response'),
    /** Seconds since 1970. */
    created_at: z.int(),
    /** Likewise; null until then. */
    completed_at: z.int().nullable(),
    model: z.string(),
    status: z.enum(['in_progress', 'completed', 'incomplete']),
    incomplete_details: z.object({ reason: z.literal('max_output_tokens') }).nullable(),
    error: z.null(),
    output: z.array(OutputItem),
    usage: z
      .object({
        input_tokens: z.int(),
        input_tokens_details: z.object({ cached_tokens: z.int() }),
        output_tokens: z.int(),
        output_tokens_details: z.object({ reasoning_tokens: z.int() }),
        total_tokens: z.int(),
      })
      .nullable(),
    background: z.literal(false),
    instructions: z.string().nullable(),
    max_output_tokens: z.int().nullable(),
    max_tool_calls: z.null(),
    metadata: z.object({}),
    parallel_tool_calls: z.boolean(),
    previous_response_id: z.null(),
    reasoning: z.object({ effort: z.null(), summary: z.null() }),
    service_tier: z.literal('default'),
    store: z.literal(false),
    temperature: z.number(),
    text: z.object({ format: FlatFormat }),
    tool_choice: FlatToolChoice,
    tools: z.array(FlatTool),
    top_logprobs: z.int(),
    top_p: z.number(),
    truncation: z.enum(['auto', 'disabled']),
  })
  .meta({ title: 'Response' });
export type ResponseObject = z.infer<typeof ResponseObject>;

/** An event of a stream; its fields are those of its kind. */
export const ResponseEvent = z
  .looseObject({
    type: z.string(),
    sequence_number: z.int(),
    /** The response as it stands; of events about the whole of it. */
    response: ResponseObject.optional(),
  })
  .meta({ title: 'ResponseEvent' });
export type ResponseEvent = z.infer<typeof ResponseEvent>;
