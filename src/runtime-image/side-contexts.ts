import type { LlamaEmbeddingContext, LlamaModel, LlamaRankingContext, Token } from 'node-llama-cpp';
import type { EmbeddingInput, Embeddings, Engine, Ranking, Waiting } from './engine.ts';
import type { Pool } from './pool.ts';
import { createPool } from './pool.ts';
import { tokensOfIds } from './prompt.ts';
import { NotSupported, OutOfMemory, PromptTooLong } from './refusal.ts';

export interface SideContextParts {
  model: LlamaModel;
  threads: number;
  /** Tokens that a text may have at most. */
  contextSize: number;
  /** Requests that may wait. */
  maxQueued: number;
}

export type Side = Pick<Engine, 'embed' | 'rank'>;

/** An adapter counts where answers are made, and nowhere else. */
export function noSideContexts(adapter: string, model: string): Side {
  const refuse = async () => {
    throw new NotSupported(
      `The adapter '${adapter}' makes answers only. Ask '${model}' for embeddings and rankings.`,
    );
  };
  return { embed: refuse, rank: refuse };
}

/** Embeddings and rankings: contexts beside that of the answers, made when they are first asked for. */
export function sideContexts(parts: SideContextParts): Side {
  const { model, maxQueued } = parts;
  const contextSize = Math.min(parts.contextSize, model.trainContextSize);
  const options = { contextSize, threads: parts.threads };
  const embedding = createPool([onDemand(() => model.createEmbeddingContext(options))], maxQueued);
  const ranking = createPool([onDemand(() => model.createRankingContext(options))], maxQueued);

  /** As much of a text as the context holds, with the tokens that are put around it. */
  function beginning(text: string | Token[], context: LlamaEmbeddingContext): string | Token[] {
    const length = context.calculateInputLength(text);
    if (length < contextSize) return text;
    const tokens = typeof text === 'string' ? model.tokenize(text) : text;
    return tokens.slice(0, Math.max(1, contextSize - 1 - (length - tokens.length)));
  }

  return {
    async embed(inputs: readonly EmbeddingInput[], waiting: Waiting, truncate = false): Promise<Embeddings> {
      const { hasEncoder, hasDecoder } = model.fileInsights;
      if (hasEncoder && hasDecoder) {
        throw new NotSupported('This model has no embeddings: it is an encoder with a decoder.');
      }
      return await borrowed(embedding, waiting, async (context) => {
        const whole = inputs.map((input) => (typeof input === 'string' ? input : tokensOfIds(model, input)));
        const texts = truncate ? whole.map((text) => beginning(text, context)) : whole;
        const lengths = texts.map((text) => fitting(context.calculateInputLength(text), contextSize));
        const vectors: number[][] = [];
        for (const text of texts) {
          waiting.signal.throwIfAborted();
          vectors.push(await unitVector(context, text));
        }
        return { vectors, tokens: sum(lengths) };
      });
    },

    async rank(query: string, documents: readonly string[], waiting: Waiting): Promise<Ranking> {
      if (!model.fileInsights.supportsRanking) {
        throw new NotSupported('This model does not rank: serve one that was made for reranking.');
      }
      return await borrowed(ranking, waiting, async (context) => {
        const lengths = documents.map((one) =>
          fitting(context.calculateInputLength(query, one), contextSize),
        );
        const scores: number[] = [];
        for (const document of documents) {
          waiting.signal.throwIfAborted();
          scores.push(await context.rank(query, document));
        }
        return { scores, tokens: sum(lengths) };
      });
    },
  };
}

async function unitVector(context: LlamaEmbeddingContext, text: string | Token[]): Promise<number[]> {
  const { vector } = await context.getEmbeddingFor(text);
  const length = Math.hypot(...vector);
  return length === 0 ? [...vector] : vector.map((number) => number / length);
}

/** Makes a thing once; where that fails, the next one who asks tries again. */
function onDemand<Thing extends LlamaEmbeddingContext | LlamaRankingContext>(make: () => Promise<Thing>) {
  let made: Promise<Thing> | undefined;
  return async (): Promise<Thing> => {
    made ??= make();
    try {
      return await made;
    } catch (error) {
      made = undefined;
      const why = error instanceof Error ? error.message : String(error);
      throw new OutOfMemory(
        `There is no room for it beside the model: ${why}. Give the server more memory, or a smaller context size.`,
        { cause: error },
      );
    }
  };
}

async function borrowed<Thing, Result>(
  pool: Pool<() => Promise<Thing>>,
  waiting: Waiting,
  use: (thing: Thing) => Promise<Result>,
): Promise<Result> {
  const item = await pool.acquire(waiting, () => 0);
  try {
    return await use(await item());
  } finally {
    pool.release(item);
  }
}

function fitting(tokens: number, contextSize: number): number {
  if (tokens >= contextSize) throw new PromptTooLong(tokens, contextSize);
  return tokens;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
