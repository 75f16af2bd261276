import { Agent, request } from 'undici';
import { z } from 'zod';
import { sseData } from '../stack/sse.ts';

/** One text to be continued. */
export interface Ask {
  prompt: string;
  /** Tokens. */
  most: number;
  /** Drawn by the probabilities of all tokens; otherwise always the likeliest is taken. */
  drawn?: boolean;
}

/** What became of it. Milliseconds of one clock for all that were asked together. */
export interface Told {
  text: string;
  askedAt: number;
  firstAt: number;
  lastAt: number;
  /** Tokens of the answer. */
  tokens: number;
  promptTokens: number;
  /** Of these, how many were there already. */
  cachedTokens: number;
}

const Chunk = z.object({
  choices: z.array(z.object({ text: z.string() })),
  usage: z
    .object({
      prompt_tokens: z.number(),
      completion_tokens: z.number(),
      prompt_tokens_details: z.object({ cached_tokens: z.number() }),
    })
    .nullish(),
});

const drawn = { temperature: 1, top_p: 1, top_k: 0, min_p: 0 };

/** No request waits for the connection of another. */
const agent = new Agent({ connections: null, headersTimeout: 600_000, bodyTimeout: 600_000 });

/** Streams the answer of a server with OpenAI's API. What is read is looked at when all is over: the cores are shared. */
export async function streamed(url: string, ask: Ask): Promise<Told> {
  const askedAt = performance.now();
  const { statusCode, body } = await request(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      prompt: ask.prompt,
      max_tokens: ask.most,
      ...(ask.drawn ? drawn : { temperature: 0 }),
      stream: true,
      stream_options: { include_usage: true },
    }),
    dispatcher: agent,
  });
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${await body.text()}`);
  const read: { at: number; data: string }[] = [];
  for await (const data of sseData(body)) read.push({ at: performance.now(), data });
  const chunks = read.map(({ at, data }) => ({ at, ...Chunk.parse(JSON.parse(data)) }));
  const texts = chunks.filter(({ choices }) => choices[0] && choices[0].text !== '');
  const usage = chunks.findLast((chunk) => chunk.usage)?.usage;
  const [first, last] = [texts[0], texts.at(-1)];
  if (!usage || !first || !last) throw new Error(`${url} ended a stream without text or usage`);
  return {
    text: texts.map(({ choices }) => choices[0]?.text ?? '').join(''),
    askedAt,
    firstAt: first.at,
    lastAt: last.at,
    tokens: usage.completion_tokens,
    promptTokens: usage.prompt_tokens,
    cachedTokens: usage.prompt_tokens_details.cached_tokens,
  };
}
