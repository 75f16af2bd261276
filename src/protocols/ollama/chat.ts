import { z } from 'zod';
import { JsonSchema } from '../openai/structure.ts';
import { emptyOnly, requestOf } from '../request.ts';
import { answerFields, endFields, generationFields } from './generation.ts';

/** POST /api/chat: https://docs.ollama.com/api/chat */

/** Arguments are an object here, and text in OpenAI's API. */
export const OllamaToolCall = z.object({
  id: z.string().optional(),
  function: z.object({
    /** Of the call among those of the answer. */
    index: z.int().optional(),
    name: z.string(),
    arguments: z.record(z.string(), z.unknown()),
  }),
});
export type OllamaToolCall = z.infer<typeof OllamaToolCall>;

export const imagesRefused = 'Images are not supported: this server reads only text.';

export const OllamaMessage = z.looseObject({
  role: z.enum(['system', 'user', 'assistant', 'tool'], {
    error: 'One of system, user, assistant and tool.',
  }),
  content: z.string().nullish(),
  /** Of the assistant: what it thought. */
  thinking: z.string().nullish(),
  tool_calls: z.array(OllamaToolCall).nullish(),
  /** Of a tool: its name, or the call that it answers; absent: the calls are answered in their order. */
  tool_name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
  images: emptyOnly(imagesRefused),
});
export type OllamaMessage = z.infer<typeof OllamaMessage>;

const OllamaTool = z.object({
  type: z.literal('function', { error: 'Only tools of type function are supported.' }).optional(),
  function: z.object({
    name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'Letters, digits, _ and -, at most 64 of them.'),
    description: z.string().nullish(),
    parameters: JsonSchema.nullish(),
  }),
});

export const ollamaChatFields = {
  ...generationFields,
  works: {
    messages: z
      .array(OllamaMessage)
      .nullish()
      .describe(
        'Of system, user, assistant and tool; text only. A result is of the call that `tool_call_id` or `tool_name` says, else of the first open one. Empty and absent: nothing is said.',
      ),
    tools: z.array(OllamaTool).max(128).nullish().describe('Functions; the model decides whether it calls.'),
    ...generationFields.works,
  },
} as const;

export const OllamaChatRequest = requestOf(ollamaChatFields).meta({ title: 'OllamaChatRequest' });
export type OllamaChatRequest = z.infer<typeof OllamaChatRequest>;

const chatAnswer = {
  ...answerFields,
  message: z.object({
    role: z.literal('assistant'),
    content: z.string(),
    thinking: z.string().optional(),
    tool_calls: z.array(OllamaToolCall).optional(),
  }),
};

/** An answer as a whole, or the last line of a stream. */
export const OllamaChatEnd = z.object({ ...chatAnswer, ...endFields }).meta({ title: 'OllamaChatAnswer' });
export type OllamaChatEnd = z.infer<typeof OllamaChatEnd>;

/** A line of a stream. */
export const OllamaChatLine = z
  .discriminatedUnion('done', [z.object({ ...chatAnswer, done: z.literal(false) }), OllamaChatEnd])
  .meta({ title: 'OllamaChatLine' });
export type OllamaChatLine = z.infer<typeof OllamaChatLine>;
