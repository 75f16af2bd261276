import { z } from 'zod';

/**
 * The subset of OpenAI's HTTP API that servers of this project speak.
 * Source: https://platform.openai.com/docs/api-reference (completions, chat, models), with `top_k` and `min_p` as the
 * other open servers have them. A field that would change the answer and is not supported is refused by name; fields
 * that change nothing here (`user`, `metadata`, `store`...) are accepted and ignored.
 */

/** `code` of the issue that a refused field raises: it becomes `error.code` of the answer. */
export const unsupportedCode = 'unsupported_parameter';

/** What OpenAI takes when a request says nothing. `topK` is llama.cpp's own; 0 is the whole vocabulary. */
export const samplingDefaults = { temperature: 1, topP: 1, topK: 40, minP: 0 } as const;

const absent = (value: unknown) => value === undefined || value === null;
const absentOr = (neutral: unknown) => (value: unknown) => absent(value) || value === neutral;
const absentOrEmpty = (value: unknown) => absent(value) || Object.keys(value ?? {}).length === 0;

interface Refusal {
  /** Whether a value asks for nothing more than what is done anyway. */
  readonly neutral: (value: unknown) => boolean;
  readonly message: string;
}

const refusedByBoth: Record<string, Refusal> = {
  n: {
    neutral: absentOr(1),
    message: 'Only one choice is generated for a request: send it n times instead.',
  },
  logit_bias: { neutral: absentOrEmpty, message: 'logit_bias is not supported.' },
};

const refusedByCompletions: Record<string, Refusal> = {
  ...refusedByBoth,
  best_of: { neutral: absentOr(1), message: 'best_of is not supported.' },
  echo: { neutral: absentOr(false), message: 'echo is not supported: the prompt is not repeated.' },
  logprobs: { neutral: absent, message: 'logprobs is not supported.' },
  suffix: { neutral: absentOr(''), message: 'suffix is not supported: text is only continued.' },
};

const refusedByChat: Record<string, Refusal> = {
  ...refusedByBoth,
  logprobs: { neutral: absentOr(false), message: 'logprobs is not supported.' },
  top_logprobs: { neutral: absentOr(0), message: 'top_logprobs is not supported.' },
  tools: { neutral: absentOrEmpty, message: 'Tools are not supported.' },
  tool_choice: {
    neutral: (value) => absent(value) || value === 'none' || value === 'auto',
    message: 'Tools are not supported.',
  },
  functions: { neutral: absentOrEmpty, message: 'Functions are not supported.' },
  function_call: {
    neutral: (value) => absent(value) || value === 'none' || value === 'auto',
    message: 'Functions are not supported.',
  },
  response_format: {
    neutral: (value) => absent(value) || (value as { type?: unknown }).type === 'text',
    message: 'Only the response format "text" is supported.',
  },
  modalities: {
    neutral: (value) => absent(value) || (Array.isArray(value) && value.every((one) => one === 'text')),
    message: 'Only text is generated.',
  },
  audio: { neutral: absent, message: 'Only text is generated.' },
  web_search_options: { neutral: absent, message: 'Searching the web is not supported.' },
};

/** The part of a zod refinement context that is written to. */
interface Issues {
  addIssue(issue: {
    code: 'custom';
    path: (string | number)[];
    message: string;
    params: { code: string };
  }): void;
}

function refuse(refusals: Record<string, Refusal>) {
  return (body: Record<string, unknown>, issues: Issues) => {
    for (const [param, { neutral, message }] of Object.entries(refusals)) {
      if (!neutral(body[param])) {
        issues.addIssue({ code: 'custom', path: [param], message, params: { code: unsupportedCode } });
      }
    }
  };
}

const shared = {
  /** Absent: the model that is served. */
  model: z.string().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  /** Text before which generation ends; OpenAI takes 4, more does no harm. */
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  /** Tokens; absent: until the model ends or the context is full. */
  max_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  /** 0 and -1: the whole vocabulary. */
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
};

export const CompletionRequest = z
  .looseObject({
    ...shared,
    /** A list of one is what some clients send for a single prompt. */
    prompt: z.union([z.string(), z.array(z.string()).length(1)]),
  })
  .superRefine(refuse(refusedByCompletions));
export type CompletionRequest = z.infer<typeof CompletionRequest>;

const contentPart = z
  .looseObject({ type: z.string(), text: z.string().optional() })
  .superRefine((part, issues) => {
    if (part.type !== 'text') {
      issues.addIssue({
        code: 'custom',
        path: ['type'],
        message: `Content of type ${part.type} is not supported: only text is read.`,
        params: { code: unsupportedCode },
      });
    } else if (part.text === undefined) {
      issues.addIssue({ code: 'custom', path: ['text'], message: 'Required for a part of type text.' });
    }
  });

const content = z.union([z.string(), z.array(contentPart)]);

export const ChatMessage = z
  .looseObject({
    role: z.enum(['system', 'developer', 'user', 'assistant'], {
      error: 'One of system, developer, user and assistant; messages of tools are not supported.',
    }),
    content: content.nullish(),
  })
  .superRefine((message, issues) => {
    if (!absentOrEmpty(message['tool_calls'])) {
      issues.addIssue({
        code: 'custom',
        path: ['tool_calls'],
        message: 'Tools are not supported.',
        params: { code: unsupportedCode },
      });
    }
    if (absent(message.content) && message.role !== 'assistant') {
      issues.addIssue({
        code: 'custom',
        path: ['content'],
        message: 'Required: a string or a list of text parts.',
      });
    }
  });
export type ChatMessage = z.infer<typeof ChatMessage>;

export const ChatCompletionRequest = z
  .looseObject({
    ...shared,
    messages: z.array(ChatMessage).min(1),
    /** The newer name of max_tokens; wins over it. */
    max_completion_tokens: z.int().min(1).nullish(),
  })
  .superRefine(refuse(refusedByChat));
export type ChatCompletionRequest = z.infer<typeof ChatCompletionRequest>;

/** The text of a message, its parts joined as they stand. */
export function textOf(message: ChatMessage): string {
  if (typeof message.content === 'string') return message.content;
  return (message.content ?? []).map((part) => part.text ?? '').join('');
}

/** Counts of tokens. */
export const Usage = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
});
export type Usage = z.infer<typeof Usage>;

const finishReason = z.enum(['stop', 'length']);

/** An answer to POST /v1/completions, and a chunk of its stream: `choices` is empty in the chunk that carries usage. */
export const Completion = z.object({
  id: z.string(),
  object: z.literal('text_completion'),
  /** Seconds since 1970. */
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      text: z.string(),
      logprobs: z.null(),
      finish_reason: finishReason.nullable(),
    }),
  ),
  usage: Usage.nullish(),
});
export type Completion = z.infer<typeof Completion>;

export const ChatCompletion = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  /** Seconds since 1970. */
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
      logprobs: z.null(),
      finish_reason: finishReason,
    }),
  ),
  usage: Usage,
});
export type ChatCompletion = z.infer<typeof ChatCompletion>;

export const ChatCompletionChunk = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  /** Seconds since 1970. */
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      delta: z.object({ role: z.literal('assistant').optional(), content: z.string().optional() }),
      logprobs: z.null(),
      finish_reason: finishReason.nullable(),
    }),
  ),
  usage: Usage.nullish(),
});
export type ChatCompletionChunk = z.infer<typeof ChatCompletionChunk>;

export const ListedModel = z.object({
  id: z.string(),
  object: z.literal('model'),
  /** Seconds since 1970. */
  created: z.int(),
  owned_by: z.string(),
});
export type ListedModel = z.infer<typeof ListedModel>;

export const ModelList = z.object({ object: z.literal('list'), data: z.array(ListedModel) });
export type ModelList = z.infer<typeof ModelList>;

export const ErrorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    /** The field of the request that is at fault. */
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
