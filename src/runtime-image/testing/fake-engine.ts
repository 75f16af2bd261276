import type {
  Abilities,
  Engine,
  GenerationDefaults,
  GenerationEnd,
  GenerationEvent,
  GenerationRequest,
} from '../engine.ts';

/** What a fake engine does with every request. */
export interface Script {
  /** The last one is an end, unless it fails. */
  events?: readonly GenerationEvent[];
  /** Thrown by start, embed and rank. */
  refuse?: Error;
  /** Thrown after the events. */
  fail?: Error;
  defaults?: GenerationDefaults;
  /** Absent: none. */
  abilities?: Partial<Abilities>;
}

export const anEnd = (more: Partial<GenerationEnd> = {}): GenerationEnd => ({
  type: 'end',
  finishReason: 'stop',
  promptTokens: 3,
  completionTokens: 2,
  thoughtTokens: 1,
  cachedTokens: 1,
  timings: { waiting: 0.5, prompt: 0.25, generation: 0.125 },
  ...more,
});

const hello: readonly GenerationEvent[] = [
  { type: 'text', text: 'Hello' },
  { type: 'text', text: ' world' },
  anEnd(),
];

/** An engine without a model: it does as the script says, and keeps what it was asked for. */
export function fakeEngine(script: Script = {}): {
  engine: Engine;
  asked: GenerationRequest[];
  /** Whether each request for embeddings may shorten its texts. */
  truncated: (boolean | undefined)[];
} {
  const asked: GenerationRequest[] = [];
  const truncated: (boolean | undefined)[] = [];
  const ensure = () => {
    if (script.refuse) throw script.refuse;
  };
  const engine: Engine = {
    contextSize: 512,
    parallel: 2,
    defaults: script.defaults ?? {},
    abilities: { tools: false, thoughts: false, infill: false, ...script.abilities },
    queued: () => 2,
    busy: () => 1,
    held: () => 256,
    drafted: () => ({ proposed: 8, accepted: 6 }),
    async start(request) {
      asked.push(request);
      ensure();
      return { promptTokens: 3, events: play(script, request) };
    },
    async embed(inputs, _waiting, truncate) {
      truncated.push(truncate);
      ensure();
      return { vectors: inputs.map((_, i) => [i, 0.5]), tokens: 4 };
    },
    async rank(_query, documents) {
      ensure();
      return { scores: documents.map((text) => text.length / 10), tokens: 9 };
    },
  };
  return { engine, asked, truncated };
}

async function* play({ events = hello, fail }: Script, { onToken }: GenerationRequest) {
  for (const event of events) {
    if (event.type !== 'end') onToken?.();
    yield event;
  }
  if (fail) throw fail;
}
