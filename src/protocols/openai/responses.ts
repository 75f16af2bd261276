import { z } from 'zod';
import { Content } from './chat-message.ts';
import { absent, absentOr, absentOrEmpty, requestOf } from '../request.ts';
import { alwaysIgnored } from './ignored.ts';
import { samplingFields } from './sampling.ts';
import { FlatFormat, FlatTool, FlatToolChoice } from './structure.ts';

/** POST /v1/responses, as far as text goes: https://platform.openai.com/docs/api-reference/responses */

const message = z.looseObject({
  type: z.literal('message').nullish(),
  role: z.enum(['system', 'developer', 'user', 'assistant']),
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

export const InputItem = z.union([calledTool, toolOutput, reasoning, message]);
export type InputItem = z.infer<typeof InputItem>;

const { model, stream, temperature, top_p, truncation } = samplingFields;

export const responseFields = {
  works: {
    model,
    stream,
    temperature,
    top_p,
    truncation,
    input: z.union([z.string(), z.array(InputItem).min(1)]),
    /** A system message before the input. */
    instructions: z.string().nullish(),
    /** Tokens; absent: until the model ends or the context is full. */
    max_output_tokens: z.int().min(1).nullish(),
    text: z.strictObject({ format: FlatFormat.nullish() }).nullish(),
    tools: z.array(FlatTool).max(128).nullish(),
    tool_choice: FlatToolChoice.nullish(),
    parallel_tool_calls: z.boolean().nullish(),
  },
  ignored: alwaysIgnored,
  refused: {
    background: { neutral: absentOr(false), message: 'Responses are made while the client waits.' },
    conversation: { neutral: absent, message: 'Nothing is stored here: send the conversation as input.' },
    previous_response_id: {
      neutral: absent,
      message: 'Nothing is stored here: send the conversation as input.',
    },
    include: { neutral: absentOrEmpty, message: 'There is nothing to include.' },
    max_tool_calls: { neutral: absent, message: 'This server runs no tools of its own.' },
    prompt: { neutral: absent, message: 'No prompts are stored here: send the text as input.' },
    reasoning: {
      neutral: (value: unknown) => Object.values(value ?? {}).every(absent),
      message: 'How long a model thinks cannot be chosen: it thinks as its template has it.',
    },
    stream_options: { neutral: absentOrEmpty, message: 'stream_options is not supported.' },
    top_logprobs: { neutral: absentOr(0), message: 'Use /v1/chat/completions for logprobs.' },
  },
} as const;

export const ResponseRequest = requestOf(responseFields);
export type ResponseRequest = z.infer<typeof ResponseRequest>;

const itemStatus = z.enum(['in_progress', 'completed', 'incomplete']);

export const OutputText = z.object({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.never()),
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

/** What a response says beside its request's own settings, which it repeats. */
export const ResponseObject = z.looseObject({
  id: z.string(),
  object: z.literal('response'),
  /** Seconds since 1970. */
  created_at: z.int(),
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
      total_tokens: z.int(),
    })
    .nullable(),
});
export type ResponseObject = z.infer<typeof ResponseObject>;
