import { array, asyncProperty, assert, boolean, constantFrom, integer, nat, record } from 'fast-check';
import type { Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import type { GenerationEvent, GenerationRequest } from './engine.ts';
import type { Vocabulary } from './generate.ts';
import { reuse, startGeneration } from './generate.ts';
import type { Pool } from './pool.ts';
import { createPool } from './pool.ts';
import type { Prompt } from './prompt.ts';
import type { Sequence } from './sequence.ts';
import { fakeSequence } from './testing/fake-sequence.ts';

/** A token is a character. */
const vocabulary: Vocabulary = {
  tokenize: (text) => Array.from(text, (character) => (character.codePointAt(0) ?? 0) as Token),
  detokenize: (tokens) => String.fromCodePoint(...tokens),
};

const promptOf = (text: string, more: Partial<Prompt> = {}): Prompt => ({
  tokens: vocabulary.tokenize(text, true),
  stopTokens: new Set(),
  stopStrings: [],
  answer: {},
  ...more,
});

const settings = { temperature: 0, topP: 1, topK: 0, minP: 0, presencePenalty: 0, frequencyPenalty: 0 };

function start(
  pool: Pool<Sequence>,
  prompt: Prompt,
  { signal = new AbortController().signal, ...request }: Partial<GenerationRequest> = {},
) {
  return startGeneration({
    vocabulary,
    pool,
    contextSize: 32,
    prompt,
    request: {
      prompt: { kind: 'text', text: '' },
      sampling: settings,
      stop: [],
      client: 'somebody',
      signal,
      ...request,
    },
    optionsFor: () => ({}),
    parallelCalls: true,
    now: () => 0,
  });
}

async function all(events: AsyncIterable<GenerationEvent>) {
  let text = '';
  for await (const event of events) {
    if (event.type === 'text') text += event.text;
    if (event.type === 'end') return { text, end: event };
  }
  throw new Error('no end');
}

const forever = new AbortController().signal;

describe('startGeneration', () => {
  it('continues the prompt, and says how much', async () => {
    const pool = createPool<Sequence>([fakeSequence()], 1);
    const { text, end } = await all(start(pool, promptOf('ab'), { maxTokens: 3 }).events);
    expect(text).toBe('cde');
    expect(end).toMatchObject({
      finishReason: 'length',
      promptTokens: 2,
      completionTokens: 3,
      cachedTokens: 0,
    });
  });

  it('tells how much of it was thought', async () => {
    const pool = createPool<Sequence>([fakeSequence()], 1);
    const answer = { thought: { begin: 'd', end: 'g', open: false } };
    const { text, end } = await all(start(pool, promptOf('ab', { answer }), { maxTokens: 7 }).events);
    expect(text).toBe('chi');
    // e, f, and g, which ends it.
    expect(end).toMatchObject({ completionTokens: 7, thoughtTokens: 3 });
  });

  it('ends with the context, at a stop token, and before a stop string', async () => {
    const pool = createPool<Sequence>([fakeSequence()], 3);
    const ends = await Promise.all([
      all(start(pool, promptOf('a'.repeat(28))).events),
      all(start(pool, promptOf('a', { stopTokens: new Set([101 as Token]) })).events),
      all(start(pool, promptOf('a'), { stop: ['ef'] }).events),
    ]);
    expect(ends.map(({ text, end }) => [text, end.finishReason])).toEqual([
      ['bcde', 'length'],
      ['bcd', 'stop'],
      ['bcd', 'stop'],
    ]);
  });

  it('computes only what the second turn of a conversation adds', async () => {
    const sequence = fakeSequence();
    const pool = createPool<Sequence>([fakeSequence(), sequence, fakeSequence()], 1);
    // Takes the first one, so that the conversation is in another.
    await all(start(pool, promptOf('zzz'), { maxTokens: 1 }).events);
    const first = await all(start(pool, promptOf('abc'), { maxTokens: 4 }).events);
    expect(sequence.tokens).toHaveLength(6);
    sequence.computed = 0;
    const second = await all(start(pool, promptOf(`abc${first.text}?!`), { maxTokens: 1 }).events);
    expect(second.end.cachedTokens).toBe(6);
    expect(sequence.computed).toBe(3);
  });

  it('refuses a prompt that leaves no room', () => {
    const pool = createPool<Sequence>([fakeSequence()], 1);
    expect(() => start(pool, promptOf('a'.repeat(32)))).toThrow('maximum context length is 32 tokens');
  });

  it('takes no sequence before somebody iterates', () => {
    const pool = createPool<Sequence>([fakeSequence()], 1);
    start(pool, promptOf('a'));
    expect(pool.busy()).toBe(0);
  });

  it('forgets what is in a sequence that failed', async () => {
    const sequence = fakeSequence(100);
    const pool = createPool<Sequence>([sequence], 1);
    await expect(all(start(pool, promptOf('a')).events)).rejects.toThrow('the model is broken');
    expect(sequence.tokens).toEqual([]);
    expect(pool.busy()).toBe(0);
  });

  it('is over within a token when it is aborted', async () => {
    const sequence = fakeSequence();
    const pool = createPool<Sequence>([sequence], 1);
    const gone = new AbortController();
    let tokens = 0;
    const onToken = () => {
      if (++tokens === 3) gone.abort(new Error('the client is gone'));
    };
    await expect(all(start(pool, promptOf('a'), { signal: gone.signal, onToken }).events)).rejects.toThrow(
      'the client is gone',
    );
    expect(tokens).toBeLessThanOrEqual(4);
    expect(pool.busy()).toBe(0);
  });

  it('is over within a batch when it is aborted within a long prompt', async () => {
    const sequence = fakeSequence();
    const gone = new AbortController();
    const watched: Sequence = {
      ...sequence,
      async feed(tokens) {
        await sequence.feed(tokens);
        gone.abort(new Error('the client is gone'));
      },
    };
    const pool = createPool([watched], 1);
    const answer = start(pool, promptOf('a'.repeat(20)), { signal: gone.signal }).events;
    await expect(all(answer)).rejects.toThrow('the client is gone');
    expect(sequence.computed).toBe(4);
    expect(pool.busy()).toBe(0);
  });
});

describe('slots', () => {
  /** How a client behaves. */
  const client = record({
    prompt: constantFrom('a', 'ab', 'xyz', 'a long prompt, in batches'),
    client: constantFrom('one', 'two'),
    maxTokens: integer({ min: 1, max: 6 }),
    /** Turns of the event loop until it comes, and until it goes away. */
    comes: nat(8),
    goes: nat(24),
    aborts: boolean(),
    /** Events that it reads before it stops reading, as a broken response does. */
    reads: nat(6),
  });

  const turns = async (count: number) => {
    for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('never leak, whoever goes away and whenever', async () => {
    await assert(
      asyncProperty(array(client, { maxLength: 10 }), boolean(), async (clients, isBroken) => {
        // The broken one fails behind an `e`.
        const sequences = [fakeSequence(), fakeSequence(isBroken ? 101 : undefined)];
        const pool = createPool<Sequence>(sequences, 4);
        await Promise.allSettled(
          clients.map(async ({ prompt, comes, goes, aborts, reads, ...request }) => {
            const gone = new AbortController();
            await turns(comes);
            if (aborts) void turns(goes).then(() => gone.abort(new Error('gone')));
            let read = 0;
            for await (const _ of start(pool, promptOf(prompt), { ...request, signal: gone.signal }).events) {
              if (++read > reads) break;
            }
          }),
        );
        expect([pool.busy(), pool.waiting()]).toEqual([0, 0]);
        const taken = await Promise.all(
          sequences.map(() => pool.acquire({ signal: forever, client: 'last' }, () => 0)),
        );
        expect(new Set(taken)).toEqual(new Set<Sequence>(sequences));
      }),
      { numRuns: 200 },
    );
  });
});

describe('reuse', () => {
  const tokens = (count: number) => Array.from({ length: count }, (_, i) => i as Token);
  const sequenceWith = (common: number) => ({ commonPrefix: () => common });

  it('counts what need not be computed', () => {
    expect(reuse(sequenceWith(30), tokens(100))).toBe(30);
  });

  it('leaves a conversation alone that has little in common', () => {
    expect(reuse(sequenceWith(9), tokens(100))).toBe(0);
  });
});
