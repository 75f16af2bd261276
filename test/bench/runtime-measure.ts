import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender, Load, Running } from './runtime-contenders.ts';
import { median, type Decoding, type Round } from './runtime-figures.ts';
import type { Ask, Told } from './runtime-stream.ts';

/** How much is asked for. */
export interface Plan {
  /** Numbers of streams that are decoded at the same time. */
  streams: readonly number[];
  /** Tokens of each. */
  tokens: number;
  /** How often each number of streams is decoded. */
  turns: number;
  /** Words of a long prompt; a word is a token or two. */
  words: number;
  /** Of each kind of time to the first token. */
  times: number;
}

/**
 * Everything that is measured, of each contender on a process of its own. All have the model in memory and decode one
 * after the other in turns of a few seconds: a machine is faster one minute than the next, and their rates are compared.
 */
export async function measureRound(
  contenders: readonly Contender[],
  load: Load,
  plan: Plan,
): Promise<Round[]> {
  await using all = new AsyncDisposableStack();
  const measured: { contender: string; running: Running; decoding: Decoding[] }[] = [];
  for (const contender of contenders) {
    const running = all.use(await contender.start(load));
    await running.answers([{ prompt: counting(0), most: 4 }]);
    measured.push({ contender: contender.name, running, decoding: [] });
  }
  const everybody = measured.map(({ running }) => running);
  const asked = [...plan.streams.map((streams) => ({ streams, drawn: false })), { streams: 1, drawn: true }];
  for (let turn = 0; turn < plan.turns; turn++) {
    for (const { streams, drawn } of asked) {
      // Each is first, and last, as often as the others.
      for (const { running, decoding } of rotated(measured, turn)) {
        await settle(everybody);
        decoding.push(await decode(running, streams, plan.tokens, drawn));
      }
    }
  }
  const rounds: Round[] = [];
  for (const { contender, running, decoding } of measured) {
    await settle(everybody);
    const lags = await lagsOf(running, plan);
    const first = await toFirstToken(running, plan);
    const turn = await secondTurn(running, plan);
    const { peakMb } = await running.figures();
    const { loadSeconds } = running;
    const backend = await running.backend();
    rounds.push({ contender, backend, loadSeconds, decoding, lags, ...first, turn, peakMb });
  }
  return rounds;
}

/**
 * Resolves when nobody computes. llama-server's threads look out for work for some 200 ms after an answer, without sleep:
 * whoever comes next would have a core less at first.
 *
 * @throws Error, when somebody does not stop
 */
async function settle(everybody: readonly Running[]): Promise<void> {
  const used = async (): Promise<number> => {
    const figures = await Promise.all(everybody.map((running) => running.figures()));
    return figures.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  };
  const [intervalMs, busyShare, intervals] = [250, 0.1, 80];
  let before = await used();
  for (let interval = 0; interval < intervals; interval++) {
    await sleep(intervalMs);
    const after = await used();
    if (after - before < (busyShare * intervalMs) / 1000) return;
    before = after;
  }
  throw new Error(
    `after ${(intervals * intervalMs) / 1000} s one of them still computes, and nothing is asked of any`,
  );
}

/** The same, beginning with another. */
export function rotated<T>(all: readonly T[], by: number): T[] {
  const start = by % all.length;
  return [...all.slice(start), ...all.slice(0, start)];
}

/** Memory with a model that is next to nothing. */
export async function measureEmpty(contender: Contender, load: Load): Promise<number> {
  await using running = await contender.start(load);
  return (await running.figures()).rssMb;
}

/** A text that goes on for ever, whose next token is never in doubt. Others with other numbers. */
function counting(stream: number): string {
  const from = 100 * stream + 1;
  return Array.from({ length: 6 }, (_, i) => `${from + i},`).join(' ');
}

async function decode(running: Running, streams: number, tokens: number, drawn: boolean): Promise<Decoding> {
  const before = await running.figures();
  const told = await running.answers(together(streams, tokens, drawn));
  const after = await running.figures();
  if (!drawn && told.some((one) => one.tokens !== tokens))
    throw new Error(`asked for ${tokens} tokens, got ${told.map((one) => one.tokens).join(', ')}`);
  const made = told.reduce((sum, one) => sum + one.tokens, 0);
  const cpuMs = ((after.cpuSeconds - before.cpuSeconds) * 1000) / made;
  return { streams, drawn, tokensPerSecond: rateOf(told), cpuMs };
}

/** By turns of their own: what watches takes time from what is watched. */
async function lagsOf(running: Running, plan: Plan): Promise<Round['lags']> {
  const lags: Round['lags'] = [];
  if (!running.lagDuring) return lags;
  for (const streams of plan.streams) {
    const lag = await running.lagDuring(() => running.answers(together(streams, plan.tokens, false)));
    lags.push({ streams, ...lag });
  }
  return lags;
}

function together(streams: number, most: number, drawn: boolean): Ask[] {
  return Array.from({ length: streams }, (_, stream) => ({ prompt: counting(stream), most, drawn }));
}

/** Tokens of all streams in a second, from the first of them to the last; the first comes of the prompt. */
function rateOf(told: readonly Told[]): number {
  const made = told.reduce((sum, { tokens }) => sum + tokens - 1, 0);
  const from = Math.min(...told.map(({ firstAt }) => firstAt));
  const to = Math.max(...told.map(({ lastAt }) => lastAt));
  return (made / (to - from)) * 1000;
}

/** Medians of milliseconds: of a prompt that nobody has seen, and of one of which only the last words are new. */
async function toFirstToken(running: Running, { words, times }: Plan) {
  const [cold, shared]: [number[], number[]] = [[], []];
  const long = (time: number) => prose(words, time);
  let prompt = '';
  for (let time = 0; time < times; time++) {
    prompt = long(time);
    cold.push(await first(running, prompt));
  }
  for (let time = 0; time < times; time++)
    shared.push(await first(running, `${prompt} ${prose(12, time + 99)}`));
  return { coldMs: median(cold), sharedMs: median(shared) };
}

async function first(running: Running, prompt: string): Promise<number> {
  const [told] = await running.answers([{ prompt, most: 2 }]);
  if (!told) throw new Error('no answer');
  return told.firstAt - told.askedAt;
}

/** How many tokens the second turn adds, its answer apart, and how many of its prompt were computed. */
async function secondTurn(running: Running, { tokens }: Plan): Promise<Round['turn']> {
  const prompt = counting(90);
  const [one] = await running.answers([{ prompt, most: tokens }]);
  const [two] = await running.answers([{ prompt: `${prompt}${one?.text}\n${prose(20, 8)}`, most: 2 }]);
  if (!one || !two) throw new Error('no answer');
  return {
    added: two.promptTokens - one.promptTokens - one.tokens,
    computed: two.promptTokens - two.cachedTokens,
  };
}

const vocabulary =
  'a ship came into the harbour at dawn and its crew began to unload grain timber wool salt iron glass'.split(
    ' ',
  );

/** Words in an order that depends on the seed (xorshift32). */
function prose(words: number, seed: number): string {
  let state = (seed + 1) * 0x9e3779b9;
  return Array.from({ length: words }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return vocabulary[(state >>> 0) % vocabulary.length];
  }).join(' ');
}
