import { z } from 'zod';
import { CalledTool, ChatMessage } from './chat-message.ts';
import { absent, absentOr, absentOrEmpty, requestOf } from '../request.ts';
import { alwaysIgnored } from './ignored.ts';
import { mostLogprobs, samplingFields } from './sampling.ts';
import { ChatTool, ChatToolChoice, ResponseFormat } from './structure.ts';
import { Usage } from './usage.ts';

/** POST /v1/chat/completions: https://platform.openai.com/docs/api-reference/chat */

export const chatFields = {
  works: {
    ...samplingFields,
    messages: z.array(ChatMessage).min(1),
    /** The newer name of max_tokens; wins over it. */
    max_completion_tokens: z.int().min(1).nullish(),
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().min(0).max(mostLogprobs).nullish(),
    response_format: ResponseFormat.nullish(),
    tools: z.array(ChatTool).max(128).nullish(),
    tool_choice: ChatToolChoice.nullish(),
    /** false: at most one call in an answer. */
    parallel_tool_calls: z.boolean().nullish(),
  },
  ignored: alwaysIgnored,
  refused: {
    functions: { neutral: absentOrEmpty, message: 'Superseded: describe functions in tools.' },
    function_call: { neutral: absentOr('none', 'auto'), message: 'Superseded: use tool_choice.' },
    modalities: {
      neutral: (value: unknown) =>
        absent(value) || (Array.isArray(value) && value.every((one) => one === 'text')),
      message: 'Only text is generated.',
    },
    audio: { neutral: absent, message: 'Only text is generated.' },
    prediction: { neutral: absent, message: 'Predicted outputs are not supported.' },
    reasoning_effort: {
      neutral: absent,
      message: 'How long a model thinks cannot be chosen: it thinks as its template has it.',
    },
    verbosity: { neutral: absentOr('medium'), message: 'verbosity is not supported: say it in a message.' },
    web_search_options: { neutral: absentOrEmpty, message: 'Searching the web is not supported.' },
  },
} as const;

export const ChatCompletionRequest = requestOf(chatFields).superRefine((body, issues) => {
  const wrong = (path: string, message: string) => issues.addIssue({ code: 'custom', path: [path], message });
  const { tool_choice: choice, tools } = body;
  if (body.top_logprobs && !body.logprobs) wrong('top_logprobs', 'Only together with logprobs: true.');
  if (choice === 'required' && absentOrEmpty(tools)) wrong('tool_choice', 'There are no tools to call.');
  if (typeof choice === 'object' && choice !== null) {
    const named = choice.function.name;
    if (!tools?.some((tool) => tool.function.name === named)) {
      wrong('tool_choice', `There is no tool of the name ${named}.`);
    }
  }
});
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

export const ChatCompletion = z.object({
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
});
export type ChatCompletion = z.infer<typeof ChatCompletion>;

export const ChatCompletionChunk = z.object({
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
});
export type ChatCompletionChunk = z.infer<typeof ChatCompletionChunk>;
