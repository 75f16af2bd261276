import { EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';
import { setTimeout as pause } from 'node:timers/promises';
import type { Way } from './door.ts';
import { CliError, exitCodes } from './failure.ts';

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface Question {
  way: Omit<Way, keyof Disposable>;
  /** As people know it. */
  server: string;
  messages: Message[];
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
export async function* ask({ way, server, messages, maxTokens, signal }: Question): AsyncGenerator<Piece> {
  const { url, model, apiKey, send } = way;
  const body = JSON.stringify({ model, messages, stream: true, max_completion_tokens: maxTokens });
  const headers = {
    'content-type': 'application/json',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  };
  const post = () => send(`${url}/v1/chat/completions`, { method: 'POST', headers, body, signal });
  const response = await whenReady(post, signal);
  if (!response.ok || !response.body) throw refusal(server, response.status, await response.text());
  const events = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { data } of events) {
    if (data === '[DONE]') return;
    const told: unknown = JSON.parse(data);
    const failed = Refusal.safeParse(told);
    if (failed.success)
      throw new CliError(exitCodes.failed, `The answer of ${server} broke off: ${failed.data.error.message}`);
    const { delta } = Chunk.parse(told).choices[0] ?? {};
    if (delta?.reasoning_content) yield { thought: delta.reasoning_content };
    if (delta?.content) yield { text: delta.content };
  }
}

const tries = 4;

/** Asks again, a few times, where it is said that this will soon be worth it: what has just become ready may not be known yet. */
async function whenReady(post: () => Promise<Response>, signal: AbortSignal): Promise<Response> {
  for (let tried = 1; ; tried += 1) {
    const response = await post();
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    if (response.status !== 503 || !(seconds <= 5) || tried === tries) return response;
    await response.body?.cancel();
    await pause(seconds * 1000, undefined, { signal });
  }
}

function refusal(server: string, status: number, body: string): CliError {
  const { data } = Refusal.safeParse(parsed(body));
  return new CliError(
    exitCodes.failed,
    `Server ${server} does not answer this (HTTP ${status}): ${data?.error.message ?? body.slice(0, 300)}`,
    status === 401 ? 'Give a key with --api-key or LONGSHORE_API_KEY.' : undefined,
  );
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
