import { bareName, llamaServerName, longshoreName } from './runtime-contenders.ts';
import type { Lag } from './runtime-observer.ts';

export interface Decoding {
  /** At the same time. */
  streams: number;
  /** Whether tokens were drawn by the probabilities of all; otherwise the likeliest was taken. */
  drawn: boolean;
  /** Of all streams together. */
  tokensPerSecond: number;
  /** CPU time of the process for each token, the prompts' included. */
  cpuMs: number;
}

/** One contender, once. */
export interface Round {
  contender: string;
  /** The library that computed. */
  backend: string;
  loadSeconds: number;
  decoding: Decoding[];
  /** Of the event loop, in a turn that is not timed, for each number of streams; none where there is no such loop. */
  lags: ({ streams: number } & Lag)[];
  /** To the first token of a long prompt that is new. */
  coldMs: number;
  /** To the first token of one whose beginning is there. */
  sharedMs: number;
  /** Tokens of the second turn of a conversation, without its answer. */
  turn: { added: number; computed: number };
  /** Of memory, the weights that are mapped included. */
  peakMb: number;
}

export interface RuntimeFigures {
  date: string;
  machine: string;
  node: string;
  /** What all of them compute with. */
  engine: string;
  threads: number;
  /** Megabytes (2^20) with a model that is next to nothing, by contender. */
  emptyMb: Record<string, number>;
  rounds: Round[];
}

type Read = (round: Round) => number | readonly number[];

const rate =
  (streams: number, drawn: boolean): Read =>
  ({ decoding }) =>
    decoding
      .filter((one) => one.streams === streams && one.drawn === drawn)
      .map(({ tokensPerSecond }) => tokensPerSecond);

const cpu =
  (streams: number): Read =>
  ({ decoding }) =>
    decoding.filter((one) => one.streams === streams && !one.drawn).map(({ cpuMs }) => cpuMs);

const lag =
  (streams: number): Read =>
  ({ lags }) =>
    lags.filter((one) => one.streams === streams).map(({ p99 }) => p99);

/** A table as Markdown: medians, and in brackets the least and the most. */
export function tableOf(figures: RuntimeFigures): string {
  const names = Object.keys(figures.emptyMb);
  const rows: [what: string, read: Read, digits: number][] = [
    ...streamsOf(figures).map((streams): [string, Read, number] => [
      `tokens/s, ${streams === 1 ? 'one stream' : `${streams} streams together`}`,
      rate(streams, false),
      1,
    ]),
    ['tokens/s, one stream, drawn from the whole vocabulary', rate(1, true), 1],
    ...streamsOf(figures).map((streams): [string, Read, number] => [
      `ms of CPU for a token, ${streams} at once`,
      cpu(streams),
      2,
    ]),
    ['ms to the first token, long prompt', ({ coldMs }) => coldMs, 0],
    ['ms to the first token, all but its end shared', ({ sharedMs }) => sharedMs, 0],
    ['tokens computed for a second turn', ({ turn }) => turn.computed, 0],
    ['— of them new', ({ turn }) => turn.added, 0],
    ...streamsOf(figures).map((streams): [string, Read, number] => [
      `ms that the event loop is late, p99, ${streams} at once`,
      lag(streams),
      1,
    ]),
    ['s from start to ready', ({ loadSeconds }) => loadSeconds, 2],
    ['MB of memory at most, weights included', ({ peakMb }) => peakMb, 0],
  ];
  const told = rows.map(([what, read, digits]) => {
    const cells = names.map((name) => spread(of(figures, name, read), digits));
    return `| ${what} | ${cells.join(' | ')} |`;
  });
  const empty = names.map((name) => figures.emptyMb[name]?.toFixed(0) ?? '');
  return [
    `| ${figures.rounds.filter(({ contender }) => contender === longshoreName).length} rounds | ${names.join(' | ')} |`,
    `|---|${names.map(() => '---|').join('')}`,
    ...told,
    `| MB of memory with next to no model | ${empty.join(' | ')} |`,
  ].join('\n');
}

function spread(values: readonly number[], digits: number): string {
  if (values.length === 0) return '';
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const middle = median(values).toFixed(digits);
  return least === most ? middle : `${middle} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

export interface Verdict {
  met: boolean;
  line: string;
}

/** @param timed Whether times count: those of a machine with other work say nothing. */
export function verdicts(figures: RuntimeFigures, timed: boolean): Verdict[] {
  const turns = of(figures, longshoreName, ({ turn }) => turn.computed - turn.added);
  const extra = Math.max(...turns);
  const emptyMb = figures.emptyMb[longshoreName] ?? Number.NaN;
  return [
    // The last token of the first answer was chosen and never computed.
    { met: extra <= 1, line: `a second turn computes ${extra} tokens beside its new ones, of 1` },
    { met: emptyMb < 150, line: `memory without a model: ${emptyMb.toFixed(0)} of 150 MB` },
    ...(timed ? timedVerdicts(figures) : []),
  ];
}

function timedVerdicts(figures: RuntimeFigures): Verdict[] {
  const wanted: [peer: string, streams: number, least: number][] = [
    [bareName, 1, 0.97],
    [llamaServerName, 1, 0.95],
    [llamaServerName, 4, 0.9],
    [llamaServerName, 8, 0.9],
  ];
  const rates = wanted
    .filter(([peer, streams]) => peer in figures.emptyMb && streamsOf(figures).includes(streams))
    .map(([peer, streams, least]) => {
      const share = shareOf(figures, peer, rate(streams, false));
      const line = `${streams} at once: ${share.toFixed(3)} of the tokens/s of ${peer}, at least ${least}`;
      return { met: share >= least, line };
    });
  const lags = streamsOf(figures).map((streams) => {
    const late = median(of(figures, longshoreName, lag(streams)));
    return { met: late < 50, line: `${streams} at once: event loop ${late.toFixed(1)} ms late (p99), of 50` };
  });
  return [...rates, ...lags];
}

/** The median over turns, each compared with that of the peer right beside it: what the machine does meets both. */
function shareOf(figures: RuntimeFigures, peer: string, read: Read): number {
  const [ours, theirs] = [of(figures, longshoreName, read), of(figures, peer, read)];
  return median(ours.map((value, turn) => value / (theirs[turn] ?? Number.NaN)));
}

function of({ rounds }: RuntimeFigures, name: string, read: Read): number[] {
  return rounds.filter(({ contender }) => contender === name).flatMap(read);
}

function streamsOf({ rounds }: RuntimeFigures): number[] {
  return [...new Set(rounds[0]?.decoding.filter(({ drawn }) => !drawn).map(({ streams }) => streams))];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [lower, upper] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return ((lower ?? Number.NaN) + (upper ?? Number.NaN)) / 2;
}
