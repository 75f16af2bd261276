import { EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';
import { CliError, exitCodes } from './failure.ts';

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface Question {
  url: string;
  model: string;
  messages: Message[];
  apiKey?: string | undefined;
  maxTokens?: number | undefined;
  signal: AbortSignal;
}

export type Piece = { thought: string } | { text: string };

const Chunk = z.object({
  choices: z.array(
    z.object({
      delta: z.object({ content: z.string().nullish(), reasoning_content: z.string().nullish() }),
    }),
  ),
});
const Refusal = z.object({ error: z.object({ message: z.string() }) });

/** The answer of a chat in the pieces in which it comes. */
export async function* ask({
  url,
  model,
  messages,
  apiKey,
  maxTokens,
  signal,
}: Question): AsyncGenerator<Piece> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify({ model, messages, stream: true, max_completion_tokens: maxTokens }),
    signal,
  });
  if (!response.ok || !response.body) throw refusal(model, response.status, await response.text());
  const events = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { data } of events) {
    if (data === '[DONE]') return;
    const told: unknown = JSON.parse(data);
    const failed = Refusal.safeParse(told);
    if (failed.success)
      throw new CliError(exitCodes.failed, `The answer of ${model} broke off: ${failed.data.error.message}`);
    const { delta } = Chunk.parse(told).choices[0] ?? {};
    if (delta?.reasoning_content) yield { thought: delta.reasoning_content };
    if (delta?.content) yield { text: delta.content };
  }
}

function refusal(model: string, status: number, body: string): CliError {
  const { data } = Refusal.safeParse(parsed(body));
  return new CliError(
    exitCodes.failed,
    `Server ${model} does not answer this (HTTP ${status}): ${data?.error.message ?? body.slice(0, 300)}`,
    status === 401 ? 'Give one of its keys with --api-key or LONGSHORE_API_KEY.' : undefined,
  );
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
