import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { generationFields } from '../../../protocols/ollama/generation.ts';
import type { Options } from '../../../protocols/ollama/options.ts';
import { optionDefaults } from '../../../protocols/ollama/options.ts';
import type { Engine, GenerationRequest, Sampling } from '../../engine.ts';
import { Refusal } from '../../../http-server/refusal.ts';
import type { Serving } from '../asked.ts';
import { namesOf, servedFor, timedTokens, waitingOf } from '../asked.ts';
import { structureOf } from '../chat-messages.ts';

export type GenerationFields = z.infer<z.ZodObject<(typeof generationFields)['works']>>;

/** A name as Ollama completes it: one without a tag has its usual one. */
const tagged = (name: string): string => (/:[^/]*$/.test(name) ? name : `${name}:latest`);

/** See `servedFor`; Ollama's usual tag may be said or left out. */
export function ollamaEngineFor(serving: Serving, model: string | null | undefined): Engine {
  const known = model && namesOf(serving.state).find((name) => tagged(name) === tagged(model));
  return servedFor(serving, known ?? model).engine;
}

/**
 * What a body says that generation is to do, without the prompt.
 * @throws Refusal for what this server, or this model, does otherwise
 */
export function generationOf(
  serving: Serving,
  engine: Engine,
  body: GenerationFields,
  reply: FastifyReply,
): Omit<GenerationRequest, 'prompt'> {
  const options = body.options ?? {};
  ensureContext(engine, options);
  ensureThinking(engine, body, serving.state.servedName);
  const structure = formatOf(body.format);
  const maxTokens = options.num_predict ?? engine.defaults.maxTokens ?? 0;
  return {
    ...waitingOf(serving, reply),
    ...(maxTokens > 0 && { maxTokens }),
    ...(typeof options.num_ctx === 'number' && { contextSize: options.num_ctx }),
    sampling: samplingOf(options, engine),
    stop: options.stop ?? [],
    truncate: body.truncate !== false,
    ...(structure && { structure }),
    ...(body.logprobs && { logprobs: body.top_logprobs ?? 0 }),
    onToken: timedTokens(serving.metrics, reply),
  };
}

/** What the options say, then what the model brings, then what Ollama takes. */
function samplingOf(options: Options, { defaults }: Engine): Sampling {
  const { maxTokens: _, seed: usualSeed = -1, ...ofModel } = defaults;
  const usual = { ...optionDefaults, presencePenalty: 0, frequencyPenalty: 0, ...ofModel };
  const seed = options.seed ?? usualSeed;
  const repeatPenalty = options.repeat_penalty ?? usual.repeatPenalty;
  const repeatLastTokens = options.repeat_last_n ?? usual.repeatLastTokens;
  return {
    ...usual,
    temperature: options.temperature ?? usual.temperature,
    topP: options.top_p ?? usual.topP,
    topK: Math.max(0, options.top_k ?? usual.topK),
    minP: options.min_p ?? usual.minP,
    presencePenalty: options.presence_penalty ?? usual.presencePenalty,
    frequencyPenalty: options.frequency_penalty ?? usual.frequencyPenalty,
    ...(repeatPenalty !== undefined && { repeatPenalty }),
    ...(repeatLastTokens !== undefined && { repeatLastTokens }),
    ...(seed >= 0 && { seed }),
  };
}

/** Ollama would load the model anew with another context; here that is the server's, and its operator's to choose. */
function ensureContext({ contextSize }: Engine, { num_ctx: wanted }: Options): void {
  if (typeof wanted !== 'number' || wanted <= contextSize) return;
  throw new Refusal(
    400,
    `options.num_ctx: ${wanted} is more than the ${contextSize} tokens that this server has for a request. Ask for fewer, or serve the model with a larger context size.`,
  );
}

function ensureThinking({ abilities }: Engine, { think }: GenerationFields, servedName: string): void {
  if (think === true && !abilities.thoughts) {
    throw new Refusal(400, `"${servedName}" does not support thinking.`);
  }
  if (think === false && abilities.thoughts) {
    throw new Refusal(
      400,
      `"${servedName}" thinks as its template has it, and cannot be kept from it: leave think out. Thoughts come apart from the answer.`,
    );
  }
}

function formatOf(format: GenerationFields['format']): GenerationRequest['structure'] {
  if (!format) return undefined;
  return format === 'json'
    ? structureOf({ type: 'json_object' })
    : structureOf({ type: 'json_schema', schema: format });
}

/** What is asked by asking nothing: that the model is loaded, or that it is not. */
export function ensureStays({ keep_alive: keepAlive }: GenerationFields): void {
  if (keepAlive === undefined || keepAlive === null || !/^[-+]?0[a-zµμ]*$/.test(String(keepAlive))) return;
  throw new Refusal(
    400,
    'keep_alive: a server keeps its model as long as it runs. Scale the ModelServer to 0 replicas to free its memory.',
  );
}
