import { z } from 'zod';
import { CalledTool, ChatMessage } from './chat-message.ts';
import { requestOf, unasked, unaskedOr, unaskedOrEmpty } from '../request.ts';
import { alwaysIgnored } from './ignored.ts';
import { mostLogprobs, samplingFields } from './sampling.ts';
import { ChatTool, ChatToolChoice, problemOfChoice, ResponseFormat } from './structure.ts';
import { Usage } from './usage.ts';

/** POST /v1/chat/completions: https://platform.openai.com/docs/api-reference/chat */

export const chatFields = {
  works: {
    messages: z
      .array(ChatMessage)
      .min(1, 'At least one message.')
      .describe('Of system, developer, user, assistant and tool; text only.'),
    ...samplingFields,
    max_completion_tokens: z
      .int()
      .min(1)
      .nullish()
      .describe('The newer name of `max_tokens`, and wins over it.'),
    logprobs: z
      .boolean()
      .nullish()
      .describe(
        'Of the distribution that is drawn from, after temperature and the like; slow with large vocabularies.',
      ),
    top_logprobs: z
      .int()
      .min(0)
      .max(mostLogprobs)
      .nullish()
      .describe(`Up to ${mostLogprobs}; only with \`logprobs\`.`),
    response_format: ResponseFormat.nullish().describe(
      '`text`, `json_object` and `json_schema`; the guide says which schemas.',
    ),
    tools: z.array(ChatTool).max(128).nullish().describe('Functions.'),
    tool_choice: ChatToolChoice.nullish().describe('With `none`, the model is not told of the tools.'),
    parallel_tool_calls: z.boolean().nullish().describe('`false`: at most one call in an answer.'),
  },
  ignored: alwaysIgnored,
  refused: {
    functions: { neutral: unaskedOrEmpty, message: 'Superseded: describe functions in tools.' },
    function_call: { neutral: unaskedOr('none', 'auto'), message: 'Superseded: use tool_choice.' },
    modalities: {
      neutral: z.array(z.literal('text')).nullable().describe('`["text"]`'),
      message: 'Only text is generated.',
    },
    audio: { neutral: unasked, message: 'Only text is generated.' },
    prediction: { neutral: unasked, message: 'Predicted outputs are not supported.' },
    reasoning_effort: {
      neutral: unasked,
      message: 'How long a model thinks cannot be chosen: it thinks as its template has it.',
    },
    verbosity: { neutral: unaskedOr('medium'), message: 'verbosity is not supported: say it in a message.' },
    web_search_options: { neutral: unaskedOrEmpty, message: 'Searching the web is not supported.' },
    moderation: { neutral: unasked, message: 'Nothing is moderated here.' },
  },
} as const;

const checked = requestOf(chatFields).superRefine((body, issues) => {
  const wrong = (path: string, message: string) => issues.addIssue({ code: 'custom', path: [path], message });
  if (body.top_logprobs && !body.logprobs) wrong('top_logprobs', 'Only together with logprobs: true.');
  const names = (body.tools ?? []).map((tool) => tool.function.name);
  const problem = problemOfChoice(body.tool_choice, names);
  if (problem !== undefined) wrong('tool_choice', problem);
});
export const ChatCompletionRequest = checked.meta({ title: 'ChatCompletionRequest' });
export type ChatCompletionRequest = z.infer<typeof ChatCompletionRequest>;

const likelyToken = {
  token: z.string(),
  logprob: z.number(),
  /** UTF-8; null where the token is a part of a character. */
  bytes: z.array(z.int()).nullable(),
};

export const ChatLogprobs = z.object({
  content: z.array(z.object({ ...likelyToken, top_logprobs: z.array(z.object(likelyToken)) })),
  refusal: z.null(),
});
export type ChatLogprobs = z.infer<typeof ChatLogprobs>;

export const chatFinishReason = z.enum(['stop', 'length', 'tool_calls']);

const heading = {
  id: z.string(),
  /** Seconds since 1970. */
  created: z.int(),
  model: z.string(),
};

export const ChatCompletion = z
  .object({
    ...heading,
    object: z.literal('chat.completion'),
    choices: z.array(
      z.object({
        index: z.int(),
        message: z.object({
          role: z.literal('assistant'),
          /** null where the answer is calls alone. */
          content: z.string().nullable(),
          refusal: z.null(),
          /** What the model thought; absent where it thought nothing. */
          reasoning_content: z.string().optional(),
          tool_calls: z.array(CalledTool).optional(),
        }),
        logprobs: ChatLogprobs.nullable(),
        finish_reason: chatFinishReason,
      }),
    ),
    usage: Usage,
  })
  .meta({ title: 'ChatCompletion' });
export type ChatCompletion = z.infer<typeof ChatCompletion>;

export const ChatCompletionChunk = z
  .object({
    ...heading,
    object: z.literal('chat.completion.chunk'),
    choices: z.array(
      z.object({
        index: z.int(),
        delta: z.object({
          role: z.literal('assistant').optional(),
          content: z.string().optional(),
          reasoning_content: z.string().optional(),
          tool_calls: z
            .array(
              z.object({
                /** Of the call among those of the answer; id, type and name come with its first piece. */
                index: z.int(),
                id: z.string().optional(),
                type: z.literal('function').optional(),
                function: z.object({ name: z.string().optional(), arguments: z.string() }),
              }),
            )
            .optional(),
        }),
        logprobs: ChatLogprobs.nullable(),
        finish_reason: chatFinishReason.nullable(),
      }),
    ),
    usage: Usage.nullish(),
  })
  .meta({ title: 'ChatCompletionChunk' });
export type ChatCompletionChunk = z.infer<typeof ChatCompletionChunk>;
