import { constantFrom, integer, nat, option, record, type Arbitrary } from 'fast-check';
import { z } from 'zod';
import { sseData } from '../stack/sse.ts';

/** What one client asks for, and how long it stays. */
export interface Visit {
  route: '/v1/completions' | '/v1/chat/completions' | '/api/generate';
  prompt: string;
  /** Tokens. */
  most: number;
  /** Pieces of the answer after which the client goes away, with 0 before there are headers; null: it stays to the end. */
  leaves: number | null;
}

/** @param most tokens that are asked for at most */
export function visits(most: number): Arbitrary<Visit> {
  return record({
    route: constantFrom(...(['/v1/completions', '/v1/chat/completions', '/api/generate'] as const)),
    prompt: constantFrom('1, 2, 3, 4,', '1, 2, 3, 4, 5, 6, 7, 8,', 'Once upon a time', 'word '.repeat(30)),
    most: integer({ min: 1, max: most }),
    leaves: option(nat(4), { freq: 2 }),
  });
}

/** Asks a server, and answers whether the stream came to its end or the client went away before. @throws Error where the end is not a proper one */
export async function visit(url: string, asked: Visit): Promise<'finished' | 'left'> {
  const gone = new AbortController();
  try {
    const answer = fetch(`${url}${asked.route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf(asked)),
      signal: gone.signal,
    });
    if (asked.leaves === 0) gone.abort();
    const { status, body } = await answer;
    if (status !== 200 || !body) throw new Error(`${asked.route} answered ${status}`);
    const pieces: string[] = [];
    for await (const piece of asked.route === '/api/generate' ? lines(body) : sseData(body)) {
      pieces.push(piece);
      if (pieces.length === asked.leaves) gone.abort();
    }
    if (!gone.signal.aborted) ensureEnded(asked, pieces);
    return gone.signal.aborted ? 'left' : 'finished';
  } catch (error) {
    if (gone.signal.aborted) return 'left';
    throw error;
  }
}

function bodyOf({ route, prompt, most }: Visit): object {
  if (route === '/api/generate') return { prompt, raw: true, options: { num_predict: most } };
  const common = { max_tokens: most, stream: true, stream_options: { include_usage: true } };
  return route === '/v1/completions'
    ? { ...common, prompt }
    : { ...common, messages: [{ role: 'user', content: prompt }] };
}

/** Each of them is a JSON object: NDJSON. */
async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of body) {
    const parts = (pending + decoder.decode(chunk, { stream: true })).split('\n');
    pending = parts.pop() ?? '';
    yield* parts;
  }
  if (pending !== '') yield pending;
}

const FinishedChunk = z.object({
  choices: z.tuple([z.object({ finish_reason: z.enum(['stop', 'length']) })]),
});
const UsageChunk = z.object({ choices: z.tuple([]), usage: z.object({ completion_tokens: z.int() }) });
const LastLine = z.object({
  done: z.literal(true),
  done_reason: z.enum(['stop', 'length']),
  eval_count: z.int(),
});

/** The last pieces say why it ended and how many tokens there are: no stream just stops. */
function ensureEnded({ route, most }: Visit, pieces: readonly string[]): void {
  const last = pieces.slice(-2).map((piece): unknown => JSON.parse(piece));
  if (route === '/api/generate') {
    ensureAtMost(LastLine.parse(last.at(-1)).eval_count, most);
    return;
  }
  FinishedChunk.parse(last[0]);
  ensureAtMost(UsageChunk.parse(last[1]).usage.completion_tokens, most);
}

function ensureAtMost(tokens: number, most: number): void {
  if (tokens > most) throw new Error(`${tokens} tokens came of ${most}`);
}
